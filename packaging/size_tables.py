"""Make resources/sizes: what each kernel takes, for each compiler and core (`make size-tables`)."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from studio.build.size_table import measure
from studio.build.toolchains import toolchains
from studio.errors import BuildError
from studio.job import finish
from studio.targets.library import profile

# Cores, each with a virtual board whose port it can run on.
BOARDS = {
    "cortex-m0plus": "virtual/mps2-an385",
    "cortex-m3": "virtual/mps2-an385",
    "cortex-m4f": "virtual/mps2-an386",
    "cortex-m7": "virtual/mps2-an500",
    "cortex-m33": "virtual/mps2-an505",
    "cortex-m55": "virtual/mps3-an547",
}


def main() -> None:
    """Write the tables of all cores, or of those that are named."""
    folder = Path(__file__).resolve().parents[1] / "resources" / "sizes"
    folder.mkdir(parents=True, exist_ok=True)
    for core in sys.argv[1:] or BOARDS:
        board = replace(profile(BOARDS[core]), core=core)
        for toolchain in toolchains().values():
            try:
                toolchain.core_flags(core)
            except BuildError:
                continue
            table = finish(measure(toolchain, board))
            (folder / f"{toolchain.id}-{core}.json").write_text(table.text(), "utf-8")
            print(f"{toolchain.id} {core}: firmware {table.flash_bytes} B, "
                  f"{len(table.kernels)} kernels")  # fmt: skip


if __name__ == "__main__":
    main()
