"""Arena and instructions of each plan on a virtual Cortex-M4 (`make bench-plans`).

The int8 nets of MLPerf Tiny's shapes, zig and gcc. Every plan's bytes on the board must be those of
the layerwise program on this computer; exits 1 where one differs.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from nets import MLPERF

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.verify import random_input
from studio.boards.virtual import start
from studio.build.firmware import build, project_files, write_project
from studio.build.host import HostModel
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compiler.program import PLANS, Options, Program
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.errors import Unsupported
from studio.job import finish
from studio.model.model import Model
from studio.targets.library import profile

BOARD = "virtual/mps2-an386"
SAMPLES = 5


def programs(model: Model) -> Iterator[tuple[str, Program]]:
    """A Program for each plan, and one whose input is streamed where that can be."""
    for plan in PLANS:
        yield plan, lower(model, Options(plan=plan))
    with contextlib.suppress(Unsupported):
        yield "small, streamed input", lower(model, Options(plan="small", stream_input=True))


def measured(program: Program, compiler: str, whole: HostModel) -> tuple[int, bool]:
    """Instructions of one inference, and whether host and board equal the layerwise program."""
    board = profile(BOARD)
    rows = finish(HostModel.build(program))
    rng = np.random.default_rng(0)
    same = True
    with tempfile.TemporaryDirectory() as folder:
        write_project(project_files(program, board), Path(folder))
        image = finish(build(Path(folder), toolchain(compiler)))
        with start(board, image) as running, Link(running.port, run_timeout_s=300) as link:
            for _ in range(SAMPLES):
                x = [random_input(tensor, rng) for tensor in link.info.inputs]
                want = [array.tobytes() for array in whole.run(x)]
                for found in (rows.run(x), link.infer(x)):
                    same &= [array.tobytes() for array in found] == want
            return int(finish(timing(link, board)).total.value), same


def main() -> int:
    """Print a table."""
    print("| net | plan | arena | bound | compiler | instructions | of fast | same bytes |")
    print("|---|---|---:|---:|---|---:|---:|---|")
    every = True
    for name in sys.argv[1:] or MLPERF:
        model = preview(QuantizeInt8(), MLPERF[name]())
        whole = finish(HostModel.build(lower(model)))
        made = dict(programs(model))
        for compiler in ("zig", "gcc"):
            found = {plan: measured(p, compiler, whole) for plan, p in made.items()}
            for plan, (instructions, same) in found.items():
                arena = f"{made[plan].arena_bytes} | {made[plan].bound_bytes} | {compiler}"
                share = f"{instructions / found['fast'][0]:.3f} | {'yes' if same else 'NO'}"
                print(f"| {name} | {plan} | {arena} | {instructions} | {share} |", flush=True)
                every &= same
    return 0 if every else 1


if __name__ == "__main__":
    sys.exit(main())
