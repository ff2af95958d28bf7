"""An arena in two pieces computes what one piece does."""

from __future__ import annotations

import numpy as np
import pytest
from nets import MLPERF

from studio.build.host import HostModel
from studio.compiler.arena import aligned
from studio.compiler.emit import emit
from studio.compiler.fuse import lifetimes
from studio.compiler.lower import lower
from studio.compiler.program import PLANS, Options, Piece, Program
from studio.compiler.run import run
from studio.compiler.split import LINK_BYTES, split
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.job import finish


def lowered(name: str, plan: str, stream: bool = False) -> Program:
    options = Options(plan=plan, stream_input=stream)
    return lower(preview(QuantizeInt8(), MLPERF[name]()), options)


def halved(program: Program, share: float = 0.7) -> Program:
    size = int(program.arena_bytes * share)
    found = split(program, Piece("fast", size), Piece("slow", size))
    assert found is not None
    return found


def samples(program: Program) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(-128, 128, buffer.shape).astype(np.int8) for buffer in program.inputs]


def check_places(program: Program) -> None:
    """Each buffer in one piece, inputs and outputs in the first, no two that live at the same bytes
    unless the plan lets one overwrite the other."""
    first = program.first_bytes
    lives = lifetimes(program.buffers, program.calls, program.stages)
    spans = []
    for offset, buffer in zip(program.offsets, program.buffers, strict=True):
        end = offset + buffer.size_bytes
        assert offset >= LINK_BYTES
        assert end <= first or first <= offset <= end <= program.arena_bytes
        if buffer.role in ("input", "output"):
            assert end <= first
        spans.append((offset, offset + aligned(buffer.size_bytes)))
    for i, (start, end) in enumerate(spans):
        for j in range(i):
            low, high = spans[j]
            if lives[i] & lives[j] and start < high and low < end:
                below = program.overlaps.get((i, j))
                if below is None:
                    assert program.offsets[j] + program.overlaps[j, i] <= program.offsets[i]
                else:
                    assert program.offsets[i] + below <= program.offsets[j]


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", ["kws", "ic"])
def test_the_references_compute_the_same(name: str, plan: str) -> None:
    program = lowered(name, plan)
    two = halved(program, 1.0 if plan == "fast" else 0.8)
    check_places(two)
    for want, found in zip(run(program, samples(program)), run(two, samples(two)), strict=True):
        np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize(
    ("plan", "stream"), [("layerwise", False), ("small", False), ("small", True)]
)
def test_the_c_computes_the_same_and_stays_in_its_pieces(plan: str, stream: bool) -> None:
    program = lowered("kws", plan, stream)
    two = halved(program, 0.8)
    one_host, two_host = finish(HostModel.build(program)), finish(HostModel.build(two))
    assert two_host.arena_bytes == two.arena_bytes
    for _ in range(2):
        (want,), (found,) = one_host.run(samples(program)), two_host.run(samples(two))
        np.testing.assert_array_equal(found, want)


def test_the_header_asks_for_both_pieces() -> None:
    two = halved(lowered("kws", "layerwise"))
    header = emit(two)[f"{two.name}.h"].decode()
    assert f"_ARENA_BYTES {two.first_bytes}\n" in header
    assert f"_SECOND_BYTES {two.arena_bytes - two.first_bytes}\n" in header
    assert "void *second, size_t second_bytes);" in header
    assert "in fast" in header
    assert "in slow" in header


def test_a_name_of_a_bank_cannot_leave_its_comment() -> None:
    program = lowered("kws", "layerwise")
    two = split(program, Piece("*/ evil", 13_000), Piece("slow\n#error", 13_000))
    assert two is not None
    text = b"".join(emit(two).values()).decode()
    assert "*/ evil" not in text
    assert "\n#error" not in text


def test_what_fits_no_two_pieces_is_not_split() -> None:
    program = lowered("kws", "layerwise")
    assert split(program, Piece("a", 7000), Piece("b", 7000)) is None


@pytest.mark.parametrize("order", [1, -1])
def test_neither_piece_is_empty(order: int) -> None:
    program = lowered("kws", "layerwise")
    fast, slow = (Piece("fast", program.arena_bytes + LINK_BYTES), Piece("slow", 100))[::order]
    two = split(program, fast, slow)
    assert two is None or all(piece.size_bytes for piece in two.pieces)
