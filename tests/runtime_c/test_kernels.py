"""The law: the portable C of each kernel equals its numpy reference byte for byte."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.compiler.kernel import Example, Kernel, kernels
from studio.compiler.kernels import (
    add_s8,
    conv2d_s8,
    conv2d_s8_w4,
    dense_s8,
    dense_s8_w4,
    depthwise2d_s8,
    depthwise2d_s8_w4,
    mul_s8,
)
from studio.compiler.nibbles import packed
from studio.compiler.window import window
from tests.runtime_c.driver import HAS_CC, Driver, modes

PROPERTY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

FEWER = settings(PROPERTY, max_examples=30)


def check(driver: Driver, kernel: Kernel, example: Example) -> None:
    """The same bytes in every way of calling; a kernel may leave bytes of the output alone."""
    shapes = ((example.out_shape, example.out_dtype), *example.more_outs)
    initial = [_filled(shape, dtype) for shape, dtype in shapes]
    expected = [out.copy() for out in initial]
    kernel.reference(example.params, *(x.copy() for x in example.inputs), *expected)
    for mode in modes(kernel, example):
        outs = driver.run(kernel, example, mode, initial)
        for got, want in zip(outs, expected, strict=True):
            differing = np.flatnonzero(
                got.reshape(-1).view(np.uint8) != want.reshape(-1).view(np.uint8)
            )
            where = f"{kernel.name} {mode} {shown(example)}"
            assert differing.size == 0, f"{where}: byte {differing[0]}\n{got}\n{want}"


def _filled(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    before = np.random.default_rng(0).integers(0, 64, size, dtype=np.uint8)
    return before.view(dtype).reshape(shape)


def shown(example: Example) -> dict[str, Any]:
    return {k: v for k, v in example.params.items() if not isinstance(v, np.ndarray)}


def both_roundings(module: ModuleType) -> Any:
    return st.sampled_from(module.KERNELS)


seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("name", kernels())
def test_c_equals_reference_on_its_examples(name: str, driver: Driver) -> None:
    kernel = kernels()[name]
    examples = kernel.examples(np.random.default_rng(7))
    assert examples
    for example in examples:
        check(driver, kernel, example)


@pytest.mark.skipif(
    not HAS_CC and os.environ.get("CI") != "true", reason="no cc, whose address sanitizer it needs"
)
def test_reading_past_an_input_is_caught(driver: Driver) -> None:
    kernel = kernels()["tms_dense_s8"]
    good = dense_s8.draw_example(np.random.default_rng(0), 1, 8, 4)
    short = replace(good, inputs=(good.inputs[0][:, :7],))
    with pytest.raises(AssertionError, match="heap-buffer-overflow"):
        driver.run(kernel, short, "whole", [np.zeros((1, 4), np.int8)])
    check(driver, kernel, good)


@st.composite
def geometries(draw: Callable[[Any], Any], *, depthwise: bool) -> dict[str, int]:
    """Windows with padding of less than the window on each side, output not empty."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = tuple(draw(st.integers(0, extent[i % 2] - 1)) for i in range(4))
    size = [draw(st.integers(max(1, extent[i] - pads[i] - pads[i + 2]), 10)) for i in range(2)]
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    groups = draw(st.integers(1, 40 if depthwise else 3))
    channels = groups if depthwise else groups * draw(st.integers(1, 6))
    out_c = groups * draw(st.integers(1, 3))
    return window(
        (size[0], size[1], channels),
        out_c,
        kernel,
        stride=stride,
        dilation=dilation,
        pads=pads,
        groups=groups,
    )


@PROPERTY
@given(both_roundings(conv2d_s8), geometries(depthwise=False), seeds)
def test_conv2d_of_any_geometry(
    driver: Driver, kernel: Kernel, geometry: dict[str, int], seed: int
) -> None:
    check(driver, kernel, conv2d_s8.draw_example(np.random.default_rng(seed), geometry))


@PROPERTY
@given(both_roundings(depthwise2d_s8), geometries(depthwise=True), seeds)
def test_depthwise2d_of_any_geometry(
    driver: Driver, kernel: Kernel, geometry: dict[str, int], seed: int
) -> None:
    check(driver, kernel, depthwise2d_s8.draw_example(np.random.default_rng(seed), geometry))


@PROPERTY
@given(both_roundings(dense_s8), st.integers(1, 4), st.integers(1, 70), st.integers(1, 20), seeds)
def test_dense_of_any_size(
    driver: Driver, kernel: Kernel, rows: int, in_n: int, out_n: int, seed: int
) -> None:
    check(driver, kernel, dense_s8.draw_example(np.random.default_rng(seed), rows, in_n, out_n))


ends = st.sampled_from((-127, 0, 128))  # zero points at the ends of int8


@FEWER
@given(both_roundings(conv2d_s8_w4), geometries(depthwise=False), ends, seeds)
def test_conv2d_of_4_bits_of_any_geometry(
    driver: Driver, kernel: Kernel, geometry: dict[str, int], offset: int, seed: int
) -> None:
    drawn = conv2d_s8.draw_example(np.random.default_rng(seed), geometry, in_offset=offset)
    check(driver, kernel, conv2d_s8_w4.packed_example(drawn))


@FEWER
@given(both_roundings(depthwise2d_s8_w4), geometries(depthwise=True), ends, seeds)
def test_depthwise2d_of_4_bits_of_any_geometry(
    driver: Driver, kernel: Kernel, geometry: dict[str, int], offset: int, seed: int
) -> None:
    drawn = depthwise2d_s8.draw_example(np.random.default_rng(seed), geometry, in_offset=offset)
    taps = (drawn.params["weights"] >> 4).reshape(-1, geometry["out_c"])
    check(driver, kernel, replace(drawn, params={**drawn.params, "weights": packed(taps)}))


@FEWER
@given(
    both_roundings(dense_s8_w4), st.integers(1, 4), st.integers(1, 70), st.integers(1, 20), seeds
)
def test_dense_of_4_bits_of_any_size(
    driver: Driver, kernel: Kernel, rows: int, in_n: int, out_n: int, seed: int
) -> None:
    drawn = dense_s8.draw_example(np.random.default_rng(seed), rows, in_n, out_n)
    check(driver, kernel, conv2d_s8_w4.packed_example(drawn))


@st.composite
def broadcast_shapes(draw: Callable[[Any], Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape = draw(st.tuples(*[st.integers(1, 5)] * 4))
    ones = draw(st.tuples(*[st.sampled_from(("neither", "a", "b"))] * 4))
    a = tuple(1 if one == "a" else n for n, one in zip(shape, ones, strict=True))
    b = tuple(1 if one == "b" else n for n, one in zip(shape, ones, strict=True))
    return a, b


scales = st.floats(0.001, 2.0)


@PROPERTY
@given(both_roundings(add_s8), broadcast_shapes(), st.tuples(scales, scales, scales), seeds)
def test_add_of_any_shapes_and_scales(
    driver: Driver, kernel: Kernel, shapes: Any, three: tuple[float, float, float], seed: int
) -> None:
    factors = add_s8.sum_factors(*three)
    check(driver, kernel, add_s8.draw_example(np.random.default_rng(seed), *shapes, factors))


@PROPERTY
@given(both_roundings(mul_s8), broadcast_shapes(), st.tuples(scales, scales, scales), seeds)
def test_mul_of_any_shapes_and_scales(
    driver: Driver, kernel: Kernel, shapes: Any, three: tuple[float, float, float], seed: int
) -> None:
    factors = mul_s8.product_factors(*three)
    check(driver, kernel, mul_s8.draw_example(np.random.default_rng(seed), *shapes, factors))
