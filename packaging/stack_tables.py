"""Make resources/stacks: stack frames, for each compiler and core (`make stack-tables`)."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from size_tables import BOARDS

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.virtual import start
from studio.build.firmware import build, project_files, write_project
from studio.build.size_table import synthetic
from studio.build.stack_table import caller_frame, deeper, measure
from studio.build.toolchains import Toolchain, toolchains
from studio.compiler.kernel import kernels
from studio.compiler.program import Program
from studio.errors import BuildError
from studio.job import Progress, finish
from studio.targets.library import profile

LIBRARY_CORES = ("cortex-m0plus", "cortex-m3")  # kernels call the compiler's library here


def single(kernel: str) -> Program:
    """A program with one call of a kernel."""
    rng = np.random.default_rng(0)
    used = kernels()[kernel]
    return synthetic((used, used.examples(rng)[0]), 1, rng)


def high_water(program: Program, core: str, toolchain: Toolchain) -> int:
    """Bytes of stack that a virtual board has used after a run."""
    board = profile(BOARDS[core])
    with tempfile.TemporaryDirectory(prefix="tinyml-studio-stacks-") as folder:
        write_project(project_files(program, replace(board, core=core)), Path(folder))
        image = finish(build(Path(folder), toolchain))
        with start(board, image) as running, Link(running.port) as link:
            finish(timing(link, board))
            return link.memory().stack_used_bytes


def main() -> None:
    """Write the tables of all cores, or of those that are named."""
    folder = Path(__file__).resolve().parents[1] / "resources" / "stacks"
    folder.mkdir(parents=True, exist_ok=True)
    for core in sys.argv[1:] or BOARDS:
        for toolchain in toolchains().values():
            try:
                toolchain.core_flags(core)
            except BuildError:
                continue
            board = replace(profile(BOARDS[core]), core=core)
            table = finish(measure(toolchain, board))
            if core in LIBRARY_CORES:
                callers, used = {}, {}
                for name in kernels():
                    program, progress = single(name), Progress(name)
                    callers[name] = finish(caller_frame(program, board, toolchain, progress))
                    used[name] = high_water(program, core, toolchain)
                table = deeper(table, callers, used)
            (folder / f"{toolchain.id}-{core}.json").write_text(table.text(), "utf-8")
            print(toolchain.id, core, table.firmware_bytes, table.generated_bytes, flush=True)


if __name__ == "__main__":
    main()
