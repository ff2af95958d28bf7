"""The same bytes on the host and on every virtual board, from either compiler."""

from __future__ import annotations

import numpy as np
import pytest
from nets import conv_1d, ds_cnn, quantized, residual

from studio.boards.flashers.flasher import flasher_for
from studio.boards.link import Link
from studio.boards.verify import verify
from studio.build.firmware import build, project_files, write_project
from studio.build.host import HostModel
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compiler.run import run
from studio.job import finish
from studio.targets.library import profile

BOARDS = [
    "virtual/mps2-an385", "virtual/mps2-an386", "virtual/mps2-an500", "virtual/mps2-an505",
    "virtual/mps3-an547",
]  # fmt: skip
NETS = {
    "float with gates": residual,
    "int8 with gates": lambda: quantized(residual()),
    "int8 over time": lambda: quantized(conv_1d()),
    "int8 keyword net": lambda: quantized(ds_cnn()),
}


@pytest.mark.needs_qemu
@pytest.mark.needs_gcc
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", NETS)
def test_boards_compute_what_the_host_computes(name, board, tmp_path):
    program, target = lower(NETS[name]()), profile(board)
    write_project(project_files(program, target), tmp_path)
    flasher = flasher_for(target)
    host = finish(HostModel.build(program))
    slot, rng = program.inputs[0], np.random.default_rng(0)
    x = slot.quantize(rng.standard_normal(slot.shape, np.float32))
    assert host.run([x])[0].tobytes() == run(program, [x])[0].tobytes()
    for compiler in ("zig", "gcc"):
        image = finish(build(tmp_path, toolchain(compiler)))
        plan = flasher.plan(target, image)
        with finish(flasher.flash(plan)) as running, Link(running.port) as link:
            found = finish(verify(host, link, samples=3))
        assert found.identical, f"{compiler}: {found.difference}"
