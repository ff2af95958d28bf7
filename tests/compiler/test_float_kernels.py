"""The float and movement references against exact formulas and against onnxruntime."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from studio.compiler import float_math
from studio.compiler.kernel import Example, kernels

Array = npt.NDArray[Any]
ONE_NAN = 0x7FC00000
RUNTIME = Path(__file__).resolve().parents[2] / "runtime_c"


def computed(name: str, example: Example, *inputs: Array) -> Array:
    out = np.zeros(example.out_shape, example.out_dtype)
    more = [np.zeros(shape, dtype) for shape, dtype in example.more_outs]
    kernels()[name].reference(example.params, *(inputs or example.inputs), out, *more)
    return out


def ordinary_examples(name: str) -> list[Example]:
    """Examples without special values, for which a tolerance means something."""
    made = kernels()[name].examples(np.random.default_rng(3))
    return [e for e in made if all(_is_ordinary(x) for x in e.inputs)]


def _is_ordinary(x: Array) -> bool:
    size = np.abs(x.astype(np.float64))
    return bool(np.isfinite(size).all() and size.max() < 1e6 and size.max() > 1e-6)


def cases(*names: str) -> list[Any]:
    return [
        pytest.param(name, example, id=f"{name}-{i}")
        for name in names
        for i, example in enumerate(ordinary_examples(name))
    ]


def judged(op: str, inputs: dict[str, Array], opset: int = 17, **attributes: Any) -> Array:
    """What onnxruntime computes for a model of one operator."""
    import onnxruntime
    from onnx import TensorProto, helper

    element = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("int8"): TensorProto.INT8}
    given = [
        helper.make_tensor_value_info(name, element[x.dtype], x.shape) for name, x in inputs.items()
    ]
    to = TensorProto.INT8 if op == "QuantizeLinear" else TensorProto.FLOAT
    node = helper.make_node(op, list(inputs), ["y"], **attributes)
    graph = helper.make_graph([node], op, given, [helper.make_tensor_value_info("y", to, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    result: Array = session.run(None, inputs)[0]
    return result


def nchw(x: Array) -> Array:
    return np.ascontiguousarray(x.transpose(2, 0, 1)[None])


def nhwc(x: Array) -> Array:
    out: Array = x[0].transpose(1, 2, 0)
    return out


def window_attributes(p: Any) -> dict[str, Any]:
    """A window as ONNX attributes; what the pads at the end are follows from the output's size."""
    ends = []
    for axis, top in (("h", "pad_top"), ("w", "pad_left")):
        reach = (p[f"kernel_{axis}"] - 1) * p[f"dilation_{axis}"] + 1
        needed = (p[f"out_{axis}"] - 1) * p[f"stride_{axis}"] + reach
        ends.append(max(needed - p[top] - p[f"in_{axis}"], 0))
    return {
        "kernel_shape": [p["kernel_h"], p["kernel_w"]],
        "strides": [p["stride_h"], p["stride_w"]],
        "pads": [p["pad_top"], p["pad_left"], *ends],
        "dilations": [p["dilation_h"], p["dilation_w"]],
    }


def convolved_by_onnxruntime(example: Example, weights: Array) -> Array:
    p = example.params
    y = judged(
        "Conv",
        {"x": nchw(example.inputs[0]), "w": np.ascontiguousarray(weights), "b": p["bias"]},
        group=p["groups"],
        **window_attributes(p),
    )
    return np.clip(nhwc(y), p["act_min"], p["act_max"])


def close(got: Array, expected: Array) -> None:
    """Within 1e-5, and 1e-6 of the largest: a sum that cancels has no relative error of its own."""
    size = max(float(np.abs(expected).max()), 1.0)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6 * size)


@pytest.mark.parametrize(("name", "example"), cases("tms_conv2d_f32"))
def test_convolution_agrees_with_onnxruntime(name: str, example: Example) -> None:
    weights = example.params["weights"].transpose(0, 3, 1, 2)
    close(computed(name, example), convolved_by_onnxruntime(example, weights))


@pytest.mark.parametrize(("name", "example"), cases("tms_depthwise2d_f32"))
def test_depthwise_convolution_agrees_with_onnxruntime(name: str, example: Example) -> None:
    weights = example.params["weights"].transpose(2, 0, 1)[:, None]
    close(computed(name, example), convolved_by_onnxruntime(example, weights))


@pytest.mark.parametrize(("name", "example"), cases("tms_maxpool2d_f32"))
def test_max_pooling_equals_onnxruntime(name: str, example: Example) -> None:
    p = example.params
    expected = judged("MaxPool", {"x": nchw(example.inputs[0])}, **window_attributes(p))
    np.testing.assert_array_equal(computed(name, example), nhwc(expected))


@pytest.mark.parametrize(("name", "example"), cases("tms_avgpool2d_f32"))
def test_average_pooling_agrees_with_onnxruntime(name: str, example: Example) -> None:
    p = example.params
    expected = judged(
        "AveragePool",
        {"x": nchw(example.inputs[0])},
        opset=19,
        count_include_pad=p["count_padding"],
        **window_attributes(p),
    )
    close(computed(name, example), nhwc(expected))


@pytest.mark.parametrize(("name", "example"), cases("tms_dense_f32"))
def test_dense_agrees_with_onnxruntime(name: str, example: Example) -> None:
    p = example.params
    inputs: dict[str, Array] = {"x": example.inputs[0], "w": p["weights"], "b": p["bias"]}
    expected = np.clip(judged("Gemm", inputs, transB=1), p["act_min"], p["act_max"])
    close(computed(name, example), expected)


@pytest.mark.parametrize(("name", "example"), cases("tms_sigmoid_f32", "tms_tanh_f32"))
def test_curves_agree_with_onnxruntime(name: str, example: Example) -> None:
    op = {"tms_sigmoid_f32": "Sigmoid", "tms_tanh_f32": "Tanh"}[name]
    expected = judged(op, {"x": example.inputs[0]})
    np.testing.assert_allclose(computed(name, example), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "example"), cases("tms_softmax_f32"))
def test_softmax_agrees_with_onnxruntime_and_sums_to_one(name: str, example: Example) -> None:
    got = computed(name, example)
    close(got, judged("Softmax", {"x": example.inputs[0]}, axis=-1))
    np.testing.assert_allclose(got.sum(axis=-1), 1, rtol=1e-6)


@pytest.mark.parametrize(("name", "example"), cases("tms_mean_f32"))
def test_mean_agrees_with_onnxruntime(name: str, example: Example) -> None:
    expected = judged("ReduceMean", {"x": example.inputs[0]}, axes=[0], keepdims=0)
    close(computed(name, example), expected)


@pytest.mark.parametrize(("op", "name"), [("Add", "tms_add_f32"), ("Mul", "tms_mul_f32")])
@pytest.mark.parametrize("shapes", [((3, 4, 5), (3, 4, 5)), ((3, 4, 5), (5,)), ((3, 1, 1), (4, 5))])
def test_broadcast_equals_onnxruntime(op: str, name: str, shapes: Any) -> None:
    rng = np.random.default_rng(5)
    a, b = (rng.standard_normal(shape, dtype=np.float32) for shape in shapes)
    shape = (1, *np.broadcast_shapes(*shapes))
    strides = [tuple(step // 4 for step in np.broadcast_to(x, shape).strides) for x in (a, b)]
    params = {"shape": shape, "a_stride": strides[0], "b_stride": strides[1]}
    example = Example({**params, "act_min": -np.inf, "act_max": np.inf}, (a, b), shape, "float32")
    np.testing.assert_array_equal(computed(name, example)[0], judged(op, {"a": a, "b": b}))


@pytest.mark.parametrize(
    "example", kernels()["tms_quantize_f32_s8"].examples(np.random.default_rng(3))
)
def test_quantise_equals_onnxruntime_where_it_is_defined(example: Example) -> None:
    p, x = example.params, example.inputs[0]
    with np.errstate(over="ignore"):
        usual = np.abs(x / np.float32(p["scale"])) < 1e6
    inputs: dict[str, Array] = {
        "x": x[usual],
        "s": np.array(p["scale"], np.float32),
        "z": np.array(p["zero_point"], np.int8),
    }
    got = computed("tms_quantize_f32_s8", example)
    np.testing.assert_array_equal(got[usual], judged("QuantizeLinear", inputs))


def test_quantise_saturates_and_sends_nan_to_the_zero_point() -> None:
    x = np.array([np.inf, -np.inf, 3e38, -3e38, np.nan], np.float32)
    params = {"n": 5, "scale": 1e-3, "zero_point": 11}
    example = Example(params, (x,), (5,), "int8")
    assert computed("tms_quantize_f32_s8", example).tolist() == [127, -128, 127, -128, 11]


def test_dequantise_equals_onnxruntime() -> None:
    x = np.arange(-128, 128).astype(np.int8)
    example = Example({"n": 256, "scale": 0.0173, "zero_point": -3}, (x,), (256,), "float32")
    inputs: dict[str, Array] = {
        "x": x,
        "s": np.array(0.0173, np.float32),
        "z": np.array(-3, np.int8),
    }
    got = computed("tms_dequantize_s8_f32", example)
    np.testing.assert_array_equal(got, judged("DequantizeLinear", inputs))


@pytest.mark.parametrize("name", ["tms_pad_b8", "tms_pad_b32"])
def test_padding_is_numpy_padding(name: str) -> None:
    x = np.arange(24).reshape(1, 3, 4, 2).astype("int8" if name.endswith("8") else "float32")
    value = np.array([-1.5], np.float32)
    bits = -7 if name.endswith("8") else int(value.view(np.int32)[0])
    params: dict[str, Any] = {
        "shape": x.shape,
        "before": (0, 1, 2, 0),
        "after": (1, 0, 3, 1),
        "value": bits,
    }
    around = tuple(zip(params["before"], params["after"], strict=True))
    fill = -7 if name.endswith("8") else -1.5
    expected = np.pad(x, around, constant_values=fill)
    example = Example(params, (x,), expected.shape, str(x.dtype))
    np.testing.assert_array_equal(computed(name, example), expected)


def test_negative_padding_crops() -> None:
    x = np.arange(24, dtype=np.int8).reshape(1, 3, 4, 2)
    params: dict[str, Any] = {
        "shape": x.shape,
        "before": (0, -1, 1, 0),
        "after": (0, 0, -2, 0),
        "value": 9,
    }
    expected = np.pad(x[:, 1:, :-2], ((0, 0), (0, 0), (1, 0), (0, 0)), constant_values=9)
    got = computed("tms_pad_b8", Example(params, (x,), expected.shape, "int8"))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", ["tms_transpose_b8", "tms_transpose_b32"])
@pytest.mark.parametrize("order", [(0, 2, 3, 1), (3, 2, 1, 0), (0, 1, 2, 3)])
def test_transposition_is_numpy_transposition(name: str, order: tuple[int, ...]) -> None:
    x = np.arange(120).reshape(2, 3, 4, 5).astype("int8" if name.endswith("8") else "float32")
    expected = x.transpose(order)
    stride = tuple(step // x.itemsize for step in expected.strides)
    params = {"shape": expected.shape, "stride": stride}
    got = computed(name, Example(params, (x,), expected.shape, str(x.dtype)))
    np.testing.assert_array_equal(got, expected)


def test_two_copies_concatenate() -> None:
    a, b = np.arange(6, dtype=np.int8).reshape(3, 2), np.arange(10, 19, dtype=np.int8).reshape(3, 3)
    out = np.zeros((3, 5), np.int8)
    for x, start in ((a, 0), (b, 2)):
        n = x.shape[1]
        params = {"rows": 3, "n": n, "in_stride": n, "out_stride": 5, "out_start": start}
        kernels()["tms_copy_b8"].reference(params, x, out)
    np.testing.assert_array_equal(out, np.concatenate((a, b), axis=1))


def swept() -> Array:
    """Every 1009th float32: all exponents, denormals, both signs, infinities and NaN."""
    bits = np.arange(0, 1 << 32, 1009, dtype=np.uint64).astype(np.uint32)
    edges = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 89, -104, -103.97, 0.625], np.float32)
    return np.concatenate((bits.view(np.float32), edges))


def exact_sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e / (1 + e), 1 / (1 + e))


@pytest.mark.parametrize(
    ("of", "exact", "limit_ulp"),
    [
        (float_math.exp, np.exp, 1.1),
        (float_math.sigmoid, exact_sigmoid, 3.0),
        (float_math.tanh, np.tanh, 1.5),
        (float_math.log, np.log, 2.0),
        (float_math.sqrt, np.sqrt, 0.5001),
        (float_math.erf, np.vectorize(math.erf), 4.0),
        (float_math.softplus, lambda x: np.logaddexp(0, x), 4.0),
    ],
)
def test_error_over_all_floats_in_units_of_the_last_place(
    of: Any, exact: Any, limit_ulp: float
) -> None:
    x = swept()
    with np.errstate(all="ignore"):
        true = exact(x.astype(np.float64))
        rounded = true.astype(np.float32)
    got = of(x)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(got), np.isnan(rounded))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(rounded))
    finite = np.isfinite(rounded)
    ulp = np.spacing(np.abs(rounded[finite])).astype(np.float64)
    assert (np.abs(got[finite] - true[finite]) / ulp).max() < limit_ulp


def test_tanh_keeps_the_sign_of_zero_and_passes_denormals() -> None:
    x = np.array([0.0, -0.0, 1e-45, -1e-42, 1e-30], np.float32)
    np.testing.assert_array_equal(float_math.tanh(x).view(np.uint32), x.view(np.uint32))


def test_exp_at_its_ends() -> None:
    x = np.array([np.inf, -np.inf, 88.73, -104, 0.0, -0.0], np.float32)
    assert float_math.exp(x).tolist() == [np.inf, 0.0, np.inf, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("name", [name for name in kernels() if name.endswith("_f32")])
def test_every_computed_nan_is_the_same_nan(name: str) -> None:
    for example in kernels()[name].examples(np.random.default_rng(3)):
        if example.out_dtype != "float32":  # truth values
            continue
        got = computed(name, example)
        assert set(got.view(np.uint32)[np.isnan(got)].tolist()) <= {ONE_NAN}


def test_clip_keeps_nan_and_the_signs_of_zeros() -> None:
    x = np.array([-0.0, 0.0, np.nan, -1, 9, np.inf], np.float32)
    got = float_math.clip(x, 0.0, 6.0)
    expected = np.array([-0.0, 0.0, np.nan, 0, 6, 6], np.float32)
    np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32))


def test_pooling_lets_a_nan_win_and_ignores_padding() -> None:
    name = "tms_maxpool2d_f32"
    example = ordinary_examples(name)[2]
    x = -np.abs(example.inputs[0]) - 1
    assert computed(name, example, x).max() < -1
    x[0, 0, 0] = np.nan
    assert np.isnan(computed(name, example, x)[0, 0, 0])


GCC = ("arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mfloat-abi=hard")
ZIG = (
    *(sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf"),
    "-mcpu=cortex_m55+mve_fp+fp_armv8d16+fullfp16",
)


@pytest.mark.parametrize(
    "compiler",
    [pytest.param(GCC, id="gcc", marks=pytest.mark.needs_gcc), pytest.param(ZIG, id="zig")],
)
def test_a_users_own_flags_bring_no_fused_or_vector_float(
    compiler: tuple[str, ...], tmp_path: Path
) -> None:
    sources = sorted(RUNTIME.glob("src/*f32*.c"))
    whole, assembly = tmp_path / "all.c", tmp_path / "all.s"
    whole.write_text("".join(f'#include "{source}"\n' for source in sources))
    flags = ("-O3", "-std=gnu11", "-g0", "-ffreestanding", f"-I{RUNTIME / 'include'}", "-S")
    command = (*compiler, *flags, str(whole), "-o", str(assembly))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code = assembly.read_text("latin-1")
    assert "vmul.f32" in code
    assert re.findall(r"\tvfn?m[as]\S*|\tv\S+\.f32\s.*\bq\d.*", code) == []
