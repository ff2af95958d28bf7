"""A model that asks for its input row by row, driven by the monitor: it waits beside the arena."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from studio.boards import virtual
from studio.boards.link import Link
from studio.boards.verify import verify
from studio.build.firmware import build, project_files, write_project
from studio.build.host import HostModel
from studio.build.toolchains import default_toolchain
from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.errors import BoardError
from studio.job import finish
from studio.targets.library import profile
from tests import nets
from tests.boards.test_mlperf_protocol import Runner
from tests.conftest import missing


@pytest.fixture(scope="module")
def program():
    model = preview(QuantizeInt8(), nets.ds_cnn())
    return lower(model, Options(plan="small", stream_input=True))


def started(program, board, folder):
    write_project(project_files(program, board), folder)
    image = finish(build(folder, default_toolchain(board.core)))
    assert image.arena_bytes == program.arena_bytes
    return virtual.start(board, image)


@pytest.mark.parametrize("board", ["virtual/host", "virtual/mps2-an386"])
def test_frames_and_text_give_the_bytes_of_the_host(tmp_path, program, board):
    there = profile(board)
    if there.machine:
        missing("needs_qemu")
    host = finish(HostModel.build(program))
    with started(program, there, tmp_path) as running:
        with Link(running.port) as link:
            found = finish(verify(host, link, samples=3))
            assert found.identical, found.difference
        x = np.random.default_rng(5).integers(-128, 128, program.inputs[0].shape).astype(np.int8)
        (want,) = host.run([x])
        runner = Runner(running.port)
        with runner.port:
            assert "m-load-done" in runner.load(x.tobytes())
            _, results = runner.infer(2, 1)
    expected = program.outputs[0].dequantize(want)
    np.testing.assert_allclose(results, expected, atol=1e-6)


@pytest.mark.needs_qemu
def test_without_room_for_the_image_the_monitor_says_so(tmp_path, program):
    real = profile("virtual/mps2-an386")
    ram = 4096 + program.arena_bytes + 600
    memory = (real.memory[0], dataclasses.replace(real.memory[1], size_bytes=ram))
    with started(program, dataclasses.replace(real, memory=memory), tmp_path) as running:
        with Link(running.port) as link, pytest.raises(BoardError, match="refused"):
            link.infer([np.zeros(program.inputs[0].shape, np.int8)])
        runner = Runner(running.port)
        with runner.port:
            assert "Not enough free RAM for the input" in runner.command("db load 490")[0]
            assert "Not enough free RAM for the input" in runner.command("infer 1 0")[0]
