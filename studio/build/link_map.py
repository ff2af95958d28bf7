"""What a built image takes: read from the ELF file that goes to the board."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from studio.errors import BuildError

_ALLOC, _WRITE = 2, 1


@dataclass(frozen=True, eq=False)
class Image:
    """A built firmware.

    Attributes:
        elf: the file.
        board: id of the profile that it was built for.
        model: name of the model in it.
        digest: of the generated model code; the running firmware tells the same.
        core: what it runs on.
        toolchain: version of the compiler that made it.
        flash_bytes: what is loaded: code, constants and the initial values of variables.
        ram_bytes: variables, the arena among them; without the stack.
        stack_bytes: what is set aside for the stack, beside `ram_bytes`.
        arena_bytes: the part of `ram_bytes` that is the model's arena.
        sections: bytes of each section that is in memory.
        symbols: bytes of each function and variable, by name.
    """

    elf: Path
    board: str
    model: str
    digest: str
    core: str
    toolchain: str
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    arena_bytes: int
    sections: dict[str, int]
    symbols: dict[str, int]

    @cached_property
    def name(self) -> str:
        """For people: model, board and file."""
        return f"{self.model} for {self.board} ({self.elf.name})"


def read_image(
    elf: Path, *, board: str, model: str, digest: str, core: str, toolchain: str, stack_bytes: int
) -> Image:
    """Measure an image.

    Raises:
        BuildError: not an ELF file.
    """
    sections, symbols = _measure(elf)
    return Image(
        elf=elf,
        board=board,
        model=model,
        digest=digest,
        core=core,
        toolchain=toolchain,
        flash_bytes=sum(size for size, loaded, _ in sections.values() if loaded),
        ram_bytes=sum(size for size, _, written in sections.values() if written),
        stack_bytes=stack_bytes,
        arena_bytes=symbols.get("tms_app_arena", 0) + symbols.get("tms_app_second", 0),
        sections={name: size for name, (size, _, _) in sections.items()},
        symbols=symbols,
    )


def _measure(elf: Path) -> tuple[dict[str, tuple[int, bool, bool]], dict[str, int]]:
    """Sections as (bytes, is loaded, is written), symbols in bytes."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    try:
        with elf.open("rb") as stream:
            parsed: Any = ELFFile(stream)
            sections: dict[str, tuple[int, bool, bool]] = {}
            for number, section in enumerate(parsed.iter_sections()):
                if section["sh_flags"] & _ALLOC and section["sh_size"]:
                    again = section.name in sections  # a linker may leave two of one name
                    sections[f"{section.name} {number}" if again else section.name] = (
                        int(section["sh_size"]),
                        section["sh_type"] != "SHT_NOBITS",
                        bool(section["sh_flags"] & _WRITE),
                    )
            table = parsed.get_section_by_name(".symtab")
            if table is not None and not isinstance(table, SymbolTableSection):
                raise ELFError("its symbol table is none")
            symbols: dict[str, int] = {}
            for symbol in table.iter_symbols() if table else ():
                if symbol.name and symbol["st_size"]:  # static ones of two files may share a name
                    size_bytes = int(symbol["st_size"])
                    symbols[symbol.name] = symbols.get(symbol.name, 0) + size_bytes
    except (ELFError, OSError) as error:
        raise BuildError("is not an image that can be read", str(elf), "build it again") from error
    return sections, symbols


def functions(elf: Path) -> dict[str, int]:
    """Bytes of each function of an image; no byte counts twice.

    A function may have several names, and in libgcc one begins inside another: what follows
    an entry counts to that entry. One that its file keeps to itself is `file:name`, since each
    file that includes it has a copy.
    """
    from elftools.elf.elffile import ELFFile

    found: dict[int, tuple[str, int]] = {}
    file = ""
    with elf.open("rb") as stream:
        table: Any = ELFFile(stream).get_section_by_name(".symtab")
        for symbol in table.iter_symbols():
            kind, local = symbol["st_info"]["type"], symbol["st_info"]["bind"] == "STB_LOCAL"
            if kind == "STT_FILE":
                file = PurePosixPath(symbol.name).name
            elif kind == "STT_FUNC" and symbol["st_size"]:
                name = f"{file}:{symbol.name}" if local else symbol.name
                found[int(symbol["st_value"]) & ~1] = (name, int(symbol["st_size"]))
    sizes: dict[str, int] = {}
    ends = [*sorted(found)[1:], 1 << 32]
    for (start, (name, size)), following in zip(sorted(found.items()), ends, strict=True):
        sizes[name] = sizes.get(name, 0) + min(size, following - start)
    return sizes
