"""Every virtual board, with every compiler: it answers, computes and measures."""

import numpy as np
import pytest

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.verify import verify
from studio.build.host import HostModel
from studio.errors import BoardError
from studio.job import finish
from studio.targets.library import profile
from tests.build import tiny_model
from tests.build.test_firmware import ARM_COMPILERS, QEMU_BOARDS

pytestmark = pytest.mark.needs_qemu


@pytest.fixture(scope="module")
def host():
    return finish(HostModel.build_files(tiny_model.files(), "tiny"))


@pytest.mark.parametrize("compiler", ARM_COMPILERS)
@pytest.mark.parametrize("board", QEMU_BOARDS)
def test_a_virtual_board_equals_the_host_and_repeats_its_timing(flash, host, board, compiler):
    with flash(board, compiler) as running, Link(running.port) as link:
        assert link.info.model == "tiny"
        assert link.info.arena_bytes == tiny_model.ARENA_BYTES
        x, y = link.info.inputs[0], link.info.outputs[0]
        assert (x.name, x.shape, x.dtype, x.scale, x.zero_point) == ("x", (500,), "int8", 0.5, -1)
        assert (y.name, y.shape, y.dtype, y.scale, y.zero_point) == ("y", (500,), "int8", 0.25, 3)

        result = finish(verify(host, link, samples=3))
        assert result.identical
        assert result.compared_bytes == 3 * tiny_model.N

        one, two = (finish(timing(link, profile(board), ["a", "b"])) for _ in range(2))
        assert one == two
        assert one.unit == "instructions"
        assert one.total.source == "measured"
        assert [layer.name for layer in one.layers] == ["a", "b"]
        # 1 000 table look-ups of at least 4 instructions, or of a few lanes at once
        assert 500 < one.total.value < 20_000
        assert abs(sum(layer.value.value for layer in one.layers) - one.total.value) < 200

        memory = link.memory()
        assert 64 <= memory.stack_used_bytes <= 600
        assert memory.stack_bytes == 4096
        assert link.retries == 0


def test_the_host_is_a_board_too(flash, host):
    with flash("virtual/host") as running, Link(running.port) as link:
        assert finish(verify(host, link, samples=20)).identical
        measured = finish(timing(link, profile("virtual/host")))
        assert measured.unit == "ns"
        assert measured.total.value > 0
        assert 0 < link.memory().stack_used_bytes < 32_768


def test_the_first_differing_output_is_named(flash, host):
    other = finish(HostModel.build_files(tiny_model.files(salt=1), "tiny"))
    other.digest = host.digest  # as if one compiler were wrong
    with flash("virtual/host") as running, Link(running.port) as link:
        result = finish(verify(other, link, samples=5))
    assert not result.identical
    assert (result.difference.sample, result.difference.output) == (0, "y")
    x = np.random.default_rng(0).integers(-128, 128, 500, np.int8, endpoint=False)
    wrong = np.flatnonzero(tiny_model.expected(x, 1) != tiny_model.expected(x))
    assert result.difference.index == wrong[0]
    assert f"y[{wrong[0]}]" in str(result.difference)


def test_verify_refuses_a_board_that_runs_another_model(flash, host):
    with (
        flash("virtual/host", salt=2) as running,
        Link(running.port) as link,
        pytest.raises(BoardError, match="runs tiny"),
    ):
        finish(verify(host, link, samples=1))
