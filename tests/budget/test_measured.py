"""Flash, RAM and stack before the build against linked images and running boards.

A net a row here; `make bench-budget` takes all of them on every core.
"""

from __future__ import annotations

import pytest
from bench.budget import measured, program_of

ROWS = [
    ("cortex-m3", "zig", "vad with state"), ("cortex-m3", "gcc", "digits int16"),
    ("cortex-m4f", "zig", "kws int4"), ("cortex-m4f", "gcc", "person_detect"),
    ("cortex-m7", "zig", "svdf with state"), ("cortex-m7", "gcc", "ic, small"),
    ("cortex-m33", "zig", "kws 80 % zeros"), ("cortex-m33", "gcc", "lstm int8"),
    ("cortex-m55", "zig", "micro_kws qdq, small"), ("cortex-m55", "gcc", "gru"),
    ("cortex-m0plus", "zig", "magic_wand float"), ("cortex-m0plus", "gcc", "hello_world"),
]  # fmt: skip


@pytest.mark.needs_data
@pytest.mark.needs_qemu
@pytest.mark.needs_gcc
@pytest.mark.parametrize(("core", "compiler", "net"), ROWS)
def test_what_is_said_before_the_build_is_what_the_board_takes(core, compiler, net):
    row = measured(program_of(net), core, compiler)
    assert row.misses == [], row
