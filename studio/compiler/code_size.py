"""The shipped table of what kernels take in flash, by compiler and core (`make size-tables`)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache

from studio.errors import BuildError
from studio.targets.resources import shipped_table


@dataclass(frozen=True, slots=True)
class KernelSize:
    """What a kernel adds to an image.

    Attributes:
        functions: bytes of each function that it brings; those of other kernels are counted once.
        other_bytes: tables and padding beside them.
        call_bytes: code of one more call.
    """

    functions: dict[str, int]
    other_bytes: int
    call_bytes: int


@dataclass(frozen=True, slots=True)
class SizeTable:
    """One compiler's sizes on one core.

    Attributes:
        toolchain: id of the toolchain.
        version: of the compiler that made the table.
        core: what was compiled for.
        flash_bytes: of a firmware around a program with no calls and names of no length.
        ram_bytes: its variables without the arena, up to where an arena may begin.
        kernels: by C name.
    """

    toolchain: str
    version: str
    core: str
    flash_bytes: int
    ram_bytes: int
    kernels: dict[str, KernelSize]

    def text(self) -> str:
        """The table as a file's content."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    def code_bytes(self, kernels: Iterable[str]) -> dict[str, int]:
        """Code of each kernel; functions that several bring count to the first by name.

        Raises:
            BuildError: the table lacks a kernel.
        """
        counted: set[str] = set()
        found = {}
        for name in sorted(set(kernels)):
            size = self.kernels.get(name)
            if size is None:
                raise BuildError(
                    f"the table of code sizes lacks {name}",
                    f"{self.toolchain} {self.core}",
                    "make the tables again: make size-tables",
                )
            fresh = sum(n for function, n in size.functions.items() if function not in counted)
            counted |= size.functions.keys()
            found[name] = fresh + size.other_bytes
        return found


@cache
def size_table(toolchain: str, core: str) -> SizeTable:
    """The shipped table of a toolchain and core.

    Raises:
        BuildError: there is none.
    """
    values = shipped_table("sizes", "code sizes", toolchain, core)
    sizes = {name: KernelSize(**size) for name, size in values.pop("kernels").items()}
    return SizeTable(**values, kernels=sizes)
