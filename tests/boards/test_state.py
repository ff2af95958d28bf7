"""State on a board: a sequence has the host's bytes, and a fresh inference forgets."""

from __future__ import annotations

import numpy as np
import pytest
from state_nets import NETS, N

from studio.boards.flashers.flasher import flasher_for
from studio.boards.link import Link
from studio.boards.verify import verify
from studio.build.firmware import build, project_files, write_project
from studio.build.host import HostModel
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.job import finish
from studio.model.importers.tflite import load
from studio.model.model import Model
from studio.targets.library import profile
from tests.conftest import DATA, missing


@pytest.mark.needs_data
@pytest.mark.needs_qemu
@pytest.mark.parametrize(
    "path", ["micro-wake-word/vad.tflite", "tflm-examples/keyword_scrambled.tflite"]
)
def test_a_streaming_net_has_the_same_bytes_on_a_board(path, tmp_path):
    model = Model.from_bytes(load(DATA / "models" / path), "net")
    program, target = lower(model), profile("virtual/mps2-an386")
    write_project(project_files(program, target), tmp_path)
    image, flasher = finish(build(tmp_path, toolchain("zig"))), flasher_for(target)
    host = finish(HostModel.build(program))
    with finish(flasher.flash(flasher.plan(target, image))) as running, Link(running.port) as link:
        found = finish(verify(host, link, samples=20))
    assert found.identical, found.difference
    assert found.samples == 20


@pytest.mark.parametrize("board", ["virtual/host", "virtual/mps2-an386"])
@pytest.mark.parametrize("name", ["running_sum", "delay", "window"])
def test_a_board_carries_state_and_forgets_it_when_asked(name, board, tmp_path):
    if board != "virtual/host":
        missing("needs_qemu")
    program, target = lower(NETS[name]()), profile(board)
    write_project(project_files(program, target), tmp_path)
    image = finish(build(tmp_path, toolchain("host" if board == "virtual/host" else "zig")))
    host, flasher = finish(HostModel.build(program)), flasher_for(target)
    x = [np.full(N, 9).astype(program.inputs[0].dtype)]
    first, second = host.run(x)[0].tobytes(), host.run(x)[0].tobytes()
    assert first != second
    with finish(flasher.flash(flasher.plan(target, image))) as running, Link(running.port) as link:
        assert link.infer(x)[0].tobytes() == first  # the monitor has reset it
        assert link.infer(x)[0].tobytes() == second
        assert link.infer(x, fresh=True)[0].tobytes() == first
        link.time(x)
        assert link.infer(x)[0].tobytes() == second  # timed from fresh state
        found = finish(verify(host, link, samples=4))
    assert found.identical, found.difference
