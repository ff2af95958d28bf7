"""What narrow and sparse weights save: said before the build, seen in the image and counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from nets import autoencoder, ds_cnn, pruned, quantized

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.virtual import start
from studio.budget import Budget, budget
from studio.build.firmware import build, project_files, write_project
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compression import fold_batch_norm, quantize_int4, quantize_int8
from studio.job import finish
from studio.model.model import Model
from studio.recipe.examples import open_example
from studio.targets.library import profile

BOARD = profile("virtual/mps2-an386")
WEIGHTS = 640 * 128 * 2 + 128 * 128 * 6 + 128 * 8 * 2


@dataclass(frozen=True)
class Measured:
    """What the budget says of a net, and what its image takes on the virtual board."""

    said: Budget
    flash_bytes: int
    instructions: float


def measured(model: Model, folder: Path) -> Measured:
    program = lower(model)
    write_project(project_files(program, BOARD), folder)
    image = finish(build(folder, toolchain("gcc")))
    with start(BOARD, image) as board, Link(board.port) as link:
        took = finish(timing(link, BOARD))
    return Measured(budget(program, BOARD, "gcc"), image.flash_bytes, took.total.value)


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return measured(quantized(autoencoder()), tmp_path_factory.mktemp("dense"))


def test_int4_weights_take_half_the_flash_in_the_linked_image(
    dense: Measured, tmp_path: Path
) -> None:
    narrow = measured(quantize_int4.preview(quantize_int4.QuantizeInt4(), autoencoder()), tmp_path)
    saved = dense.flash_bytes - narrow.flash_bytes
    assert saved == pytest.approx(WEIGHTS / 2, rel=0.02)
    assert dense.said.flash_bytes.value - narrow.said.flash_bytes.value == pytest.approx(
        saved, rel=0.03
    )


@pytest.mark.parametrize("compiler", ["zig", pytest.param("gcc", marks=pytest.mark.needs_gcc)])
@pytest.mark.parametrize("name", ["digits", "kws"])
def test_int4_kernels_take_no_more_than_those_of_int8_in_small_nets(
    name: str, compiler: str, tmp_path: Path
) -> None:
    source = ds_cnn() if name == "kws" else finish(open_example(name))[0]
    model = fold_batch_norm.preview(fold_batch_norm.FoldBatchNorm(), source)
    narrow = quantize_int4.preview(quantize_int4.QuantizeInt4(), model)
    flash_bytes = []
    for made in (quantize_int8.preview(quantize_int8.QuantizeInt8(), model), narrow):
        write_project(project_files(lower(made), BOARD), tmp_path)
        flash_bytes.append(finish(build(tmp_path, toolchain(compiler))).flash_bytes)
    weights = sum(value.size for value in real_weights(model))
    assert flash_bytes[0] - flash_bytes[1] >= weights // 2


def real_weights(model: Model) -> list[np.ndarray]:
    """The weights of convolutions and dense layers."""
    nodes = [node for node in model.ir.graph if node.op_type in ("Conv", "Gemm", "MatMul")]
    return [node.inputs[1].const_value.numpy() for node in nodes]


def test_sparse_weights_save_the_flash_and_instructions_that_the_budget_says(
    dense: Measured, tmp_path: Path
) -> None:
    thin = measured(quantized(pruned(autoencoder(), 0.8, 1)), tmp_path)
    assert thin.flash_bytes < dense.flash_bytes - 0.5 * WEIGHTS
    assert thin.instructions < 0.75 * dense.instructions
    assert thin.said.flash_bytes.value == pytest.approx(thin.flash_bytes, rel=0.03)
    assert thin.said.instructions is not None
    assert thin.said.instructions.value == pytest.approx(thin.instructions, rel=0.05)


def test_weights_that_are_hardly_sparse_save_0_bytes(dense: Measured) -> None:
    full = lower(quantized(autoencoder()))
    some = lower(quantized(pruned(autoencoder(), 0.3, 1)))
    assert some.weight_bytes == full.weight_bytes
    said = budget(some, BOARD, "gcc")
    assert said.flash_bytes.value == dense.said.flash_bytes.value
