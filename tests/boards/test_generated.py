"""Nets through the compiler onto a board: what was lowered is what runs there."""

from __future__ import annotations

import pytest

from studio.boards.flashers.flasher import flasher_for
from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.verify import verify
from studio.build.firmware import build, project_files, write_project
from studio.build.host import HostModel
from studio.build.toolchains import default_toolchain
from studio.compiler.lower import lower
from studio.job import finish
from studio.targets.library import profile
from tests import nets
from tests.conftest import missing

BOARDS = ("virtual/host", "virtual/mps2-an386", "virtual/mps3-an547")


@pytest.fixture(scope="module", params=["residual", "residual in float"])
def program(request):
    net = nets.residual()
    return lower(net if "float" in request.param else nets.quantized(net))


@pytest.fixture(scope="module")
def host(program):
    return finish(HostModel.build(program))


@pytest.mark.parametrize("board", BOARDS)
def test_a_net_computes_the_same_bytes_here_and_on_a_board(tmp_path, program, host, board):
    there = profile(board)
    if there.machine:
        missing("needs_qemu")
    files = project_files(program, there)
    assert files == project_files(program, there)
    write_project(files, tmp_path)
    image = finish(build(tmp_path, default_toolchain(there.core)))
    assert image.arena_bytes == program.arena_bytes == host.arena_bytes
    flasher = flasher_for(there)
    with (
        finish(flasher.flash(flasher.plan(there, image))) as running,
        Link(running.port) as link,
    ):
        result = finish(verify(host, link, samples=5))
        assert result.identical, result.difference
        for tensor, buffer in zip(link.info.inputs, program.inputs, strict=True):
            assert (tensor.shape, tensor.dtype) == (buffer.shape, buffer.dtype)
        layers = [call.layer for call in program.calls]
        measured = finish(timing(link, there, layers))
        assert [layer.name for layer in measured.layers] == layers
