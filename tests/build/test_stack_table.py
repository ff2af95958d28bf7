"""The stack before the build against the high-water of virtual boards."""

from __future__ import annotations

import pytest
from nets import MLPERF, conv_1d

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.virtual import start
from studio.build.firmware import build, project_files, write_project
from studio.build.stack_table import stack_table
from studio.build.toolchains import toolchain
from studio.compiler.kernel import kernels
from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.errors import BuildError
from studio.job import finish
from studio.targets.library import profile

BOARDS = {"cortex-m3": "mps2-an385", "cortex-m4f": "mps2-an386", "cortex-m55": "mps3-an547"}


def program_of(net: str, plan: str):
    if net == "conv_1d":
        return lower(conv_1d())
    return lower(preview(QuantizeInt8(), MLPERF[net]()), Options(plan=plan))


@pytest.mark.needs_qemu
@pytest.mark.needs_gcc
@pytest.mark.parametrize("compiler", ["zig", "gcc"])
@pytest.mark.parametrize(
    ("core", "net", "plan"),
    [
        ("cortex-m4f", "kws", "small"), ("cortex-m4f", "vww", "layerwise"),
        ("cortex-m55", "ic", "small"), ("cortex-m3", "ad", "layerwise"),
        ("cortex-m3", "conv_1d", "layerwise"),
    ],
)  # fmt: skip
def test_high_water_at_most_predicted_and_that_at_most_25_percent_more(
    core, net, plan, compiler, tmp_path
):
    program, board = program_of(net, plan), profile(BOARDS[core])
    write_project(project_files(program, board), tmp_path)
    image = finish(build(tmp_path, toolchain(compiler)))
    with start(board, image) as running, Link(running.port, run_timeout_s=60) as link:
        finish(timing(link, board))
        used = link.memory().stack_used_bytes
    predicted = stack_table(compiler, core).deepest(program)
    assert used <= predicted <= 1.25 * used


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_every_table_knows_every_kernel(compiler):
    for core in ("cortex-m0plus", "cortex-m3", "cortex-m4f", "cortex-m7", "cortex-m33"):
        assert stack_table(compiler, core).kernels.keys() == kernels().keys()
    with pytest.raises(BuildError, match="xtensa-lx7"):
        stack_table(compiler, "xtensa-lx7")
