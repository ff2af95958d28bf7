"""The board profiles that come with the program, and those that a user writes.

A profile is a TOML file: `resources/boards/<id>.toml`, virtual boards under `virtual/`.

    name = "ST 32F746GDISCOVERY"
    mcu = "STM32F746NGH6"
    core = "cortex-m7"
    clock_hz = { value = 216_000_000, source = "vendor datasheet" }   # verified = false: recalled;
                                                                      # none: unknown
    uploads = ["stlink", "swd"]                                       # best first
    usb_ids = ["0483:374b"]
    active_ma = { value = 8.0, source = "vendor datasheet" }          # or none: unknown
    active_v = { value = 3.0, source = "vendor datasheet" }
    sensors = ["mic:2x MP34DT01TR"]
    sources = "where the facts come from"
    unverified = ["sensors"]                                          # fields that nobody checked
    [[memory]]                                                        # the largest of a kind first
    name = "flash"
    kind = "flash"
    address = 0x08000000
    size_bytes = 1_048_576

Virtual boards have `port`, the folder below `runtime_c/ports`, and `machine`, QEMU's name for it.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from studio.errors import ProfileError
from studio.reading import read_whole
from studio.targets.profile import CORES, Fact, Profile, Region
from studio.targets.resources import changed_ns, resource

BOARD_FILES = (
    "a profile (.toml), a PlatformIO board manifest (.json) or a CMSIS-Pack description (.pdsc)"
)
_KEYS: dict[str, type] = {
    "name": str, "mcu": str, "core": str, "clock_hz": dict, "memory": list, "port": str,
    "machine": str, "uploads": list, "usb_ids": list, "sensors": list, "sources": str,
    "unverified": list,
    "active_ma": dict, "active_v": dict,
}  # fmt: skip
_REQUIRED = ("name", "mcu", "core", "memory")
_CLOCK: dict[str, type] = {"value": int, "source": str, "verified": bool}
_FACT = {**_CLOCK, "value": float}
_REGION: dict[str, type] = {
    "name": str, "kind": str, "address": int, "size_bytes": int, "verified": bool,
}  # fmt: skip
_ADDRESSES = 1 << 32
_MOST = 1e12  # of a clock, a current or a voltage: what is more is a slip of the pen
_MAX_BYTES, _MAX_DOTS, _MAX_NAME, _MAX_REGIONS = 1 << 16, 100, 200, 64
_OF_PACK = re.compile(r"(.*\.pdsc)#(.*)", re.IGNORECASE | re.DOTALL)
_HINT = "a profile is a short TOML file, as those in resources/boards"


_said: dict[str, Profile] = {}  # by the names of files


@cache
def profiles() -> dict[str, Profile]:
    """All profiles that come with the program, by id, real boards before virtual ones."""
    folder = resource("resources/boards")
    files = [*sorted(folder.glob("*.toml")), *sorted(folder.glob("virtual/*.toml"))]
    return {found.id: found for found in map(read_profile, files)}


def profile(board: str) -> Profile:
    """The profile that `--board` means: an id, or the path of a file.

    Files are a profile (.toml), a PlatformIO board manifest (.json), or a CMSIS-Pack description
    (.pdsc), behind which #DEVICE says which of its devices.

    Raises:
        ProfileError: no such board (the hint names near matches) or a file that is no profile.
    """
    if names_file(board):
        return _of_file(board)
    for folder in ("", "virtual/"):
        path = resource("resources/boards") / f"{folder}{board}.toml"
        if _is_id(board) and path.is_file():
            return _of_file(str(path))
    near = difflib.get_close_matches(board, list(profiles()), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "`tinyml-studio boards` lists them"
    raise ProfileError("no such board", board, hint)


def known(board: str) -> Profile | None:
    """A board's profile without waiting for a file of the user's: what that said last, if read."""
    if names_file(board):
        return _said.get(board)
    try:
        return profile(board)
    except ProfileError:
        return None


def called(board: str) -> str:
    """What people call a board, as far as that is known without reading a file of the user's."""
    found = known(board)
    if found is not None or not names_file(board):
        return found.name if found else board
    file, device = file_and_device(board)
    return as_id(device or Path(file).stem)


def names_file(board: str) -> bool:
    """Whether a board's name is the path of a file, with or without a device."""
    return file_and_device(board)[0].lower().endswith((".toml", ".json", ".pdsc"))


def of_device(file: str, device: str) -> str:
    """The name of a board, the other way round than `file_and_device`."""
    return f"{file}#{device}" if device else file


def file_and_device(board: str) -> tuple[str, str]:
    """The path in a board's name, and the device of a description, "" where none is named."""
    found = _OF_PACK.fullmatch(board)
    return (found[1], found[2]) if found else (board, "")


def holds_board(path: Path) -> bool:
    """Whether a file looks like a board's, told from data by its name and its keys."""
    suffix = path.suffix.lower()
    if suffix not in (".toml", ".json"):
        return suffix == ".pdsc"
    try:
        text = _text(path)
        found = tomllib.loads(text) if suffix == ".toml" else json.loads(text)
    except (ProfileError, ValueError, RecursionError):
        return suffix == ".toml"  # reading it says what is wrong
    marks = {"core", "mcu", "memory"} if suffix == ".toml" else {"build", "upload"}
    return isinstance(found, dict) and bool(marks & found.keys())


def _of_file(board: str) -> Profile:
    """What a file says; read again where it has changed."""
    _said[board] = _read(board, changed_ns(file_and_device(board)[0]))
    return _said[board]


@lru_cache(maxsize=256)
def _read(board: str, _changed_ns: int) -> Profile:
    from studio.targets import cmsis_pack, platformio

    file, device = file_and_device(board)
    if file.lower().endswith(".pdsc"):
        return cmsis_pack.read_device(Path(file), device)
    if file.lower().endswith(".json"):
        return platformio.read_manifest(Path(file))
    return read_profile(Path(file))


def read_profile(path: Path) -> Profile:
    """Read and check a profile.

    Raises:
        ProfileError: not readable, an unknown or missing key, a wrong type, an unknown core, a size
            that is not positive, or regions that overlap.
    """
    where = path.name
    try:
        table = tomllib.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"cannot be read: {error}", str(path), _HINT) from None
    virtual = "virtual/" if path.parent == resource("resources/boards/virtual") else ""
    return from_table(table, virtual + path.stem, where)


def from_table(table: dict[str, Any], board: str, where: str) -> Profile:
    """A profile from the content of its TOML file, or what another format says in the same words.

    Args:
        table: the keys and values.
        board: the profile's id.
        where: the file, for errors.

    Raises:
        ProfileError: as `read_profile`.
    """
    table = dict(table)
    _check(table, _KEYS, _REQUIRED, where)
    for key in ("name", "mcu"):
        if not table[key].strip():
            hint = "write what people call it; of the MCU, the part number"
            raise ProfileError(f"its {key} is empty", where, hint)
        _check_name(table[key], f"its {key}", where)
    if table["core"] not in CORES:
        raise ProfileError(
            f"unknown core '{table['core'][:40]}'", where, f"one of {', '.join(CORES)}"
        )
    for key in ("uploads", "usb_ids", "sensors", "unverified"):
        table[key] = _words(table.get(key, []), f"{where}: {key}")
    for name in table["unverified"]:
        if name not in _KEYS:
            raise ProfileError(
                f"no field '{name[:40]}' to mark",
                f"{where}: unverified",
                f"one of {', '.join(_KEYS)}",
            )
    for usb_id in table["usb_ids"]:
        if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", usb_id):
            raise ProfileError(
                f"'{usb_id[:40]}' is no USB id", f"{where}: usb_ids", "write vid:pid, as 0483:374b"
            )
    table["unverified"] = frozenset(table["unverified"])
    if "clock_hz" in table:
        table["clock_hz"] = _fact(table["clock_hz"], _CLOCK, f"{where}: clock_hz")
    for key in ("active_ma", "active_v"):
        if key in table:
            table[key] = _fact(table[key], _FACT, f"{where}: {key}")
    _check_port(table, where)
    table["memory"] = _memory(table["memory"], where)
    return Profile(id=as_id(board), **table)


def as_id(name: str) -> str:
    """A name without what would end a text in generated files or upset a terminal."""
    return "".join(c if c.isprintable() and c not in '"\\' else "_" for c in name)


def _check_name(name: str, what: str, where: str) -> None:
    if not name.isprintable() or len(name) > _MAX_NAME:
        told = f"{what} is no name: too long, or with characters that cannot be shown"
        raise ProfileError(told, where, f"write at most {_MAX_NAME} letters")


def _check_port(table: dict[str, Any], where: str) -> None:
    """Both are words in generated C."""
    port, machine = table.get("port", ""), table.get("machine", "")
    if not re.fullmatch("[a-z0-9-]*", machine):
        hint = "leave it out; virtual boards have one"
        raise ProfileError(f"no machine '{as_id(machine[:40])}'", f"{where}: machine", hint)
    known = [path.parent.name for path in resource("runtime_c/ports").glob("*/port.toml")]
    if port and port not in known:
        hint = f"leave it out; there are: {', '.join(sorted(known))}"
        raise ProfileError(f"no port '{as_id(port[:40])}'", f"{where}: port", hint)


def _text(path: Path) -> str:
    """A profile's text, where it is one that can be parsed in little memory."""
    content = read_whole(path, _MAX_BYTES, ProfileError, _HINT)
    # What a key of many parts takes grows with the square of their number.
    if any(line.count(b".") > _MAX_DOTS for line in content.splitlines()):
        raise ProfileError("has a line of too many parts", str(path), _HINT)
    return content.decode("utf-8")


def _is_id(text: str) -> bool:
    return bool(re.fullmatch(r"(virtual/)?[a-z0-9_-]+", text))


def _check(
    table: dict[str, Any], keys: dict[str, type], required: tuple[str, ...], where: str
) -> None:
    for key, value in table.items():
        if key not in keys:
            raise ProfileError(f"unknown key '{key[:40]}'", where, f"it may have {', '.join(keys)}")
        whole = keys[key] is float and type(value) is int
        if type(value) is not keys[key] and not whole:
            kind, hint = type(value).__name__, f"write {key} as in resources/boards"
            raise ProfileError(f"{key} is {kind}, no {keys[key].__name__}", where, hint)
    for key in required:
        if key not in table:
            raise ProfileError(f"'{key}' is missing", where, f"it must have {', '.join(required)}")


def _words(values: list[Any], where: str) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise ProfileError("must be a list of strings", where, 'write ["one", "two"]')
    for value in values:
        _check_name(value, f"'{as_id(value[:40])}'", where)
    return tuple(values)


def _fact(table: dict[str, Any], keys: dict[str, type], where: str) -> Fact:
    _check(table, keys, ("value", "source"), where)
    if not 0 < table["value"] < _MOST:
        raise ProfileError(
            "its value is not positive, or too large", where, "leave it out where it is not known"
        )
    return Fact(**table)


def region_place(where: str, region: str) -> str:
    """Where an error about a region of memory is."""
    return f"{where}: memory '{as_id(region[:40])}'"


def region_from(table: dict[str, Any], where: str) -> Region:
    """A region of memory by itself, as `from_table` checks it.

    Raises:
        ProfileError: a missing or unknown key, a wrong type, a size or address that cannot be.
    """
    place = region_place(where, str(table.get("name", "?")))
    _check(table, _REGION, ("name", "kind", "address", "size_bytes"), place)
    _check_name(table["name"], "its name", place)
    if table["kind"] not in ("flash", "ram"):
        what = f"kind '{table['kind'][:40]}' is neither flash nor ram"
        raise ProfileError(what, place, 'write kind = "flash" or kind = "ram"')
    if table["size_bytes"] <= 0:
        what = "its size is not positive"
        raise ProfileError(what, place, "write its size in bytes, or leave the region out")
    if table["address"] < 0 or table["address"] + table["size_bytes"] > _ADDRESSES:
        hint = "look up its address and size in the datasheet"
        raise ProfileError("does not lie within 32-bit addresses", place, hint)
    return Region(**table)


def _memory(tables: list[Any], where: str) -> tuple[Region, ...]:
    regions = []
    for table in tables:
        if not isinstance(table, dict):
            raise ProfileError("memory must be a list of [[memory]] tables", where, _HINT)
        regions.append(region_from(table, where))
    names = [region.name for region in regions]
    if len(regions) > _MAX_REGIONS:
        raise ProfileError(f"has more than {_MAX_REGIONS} regions of memory", where, _HINT)
    for name in names:
        if names.count(name) > 1:
            what = f"two regions of memory are called '{name[:40]}'"
            raise ProfileError(what, where, "give each a name of its own")
    for kind in ("flash", "ram"):
        if not any(region.kind == kind for region in regions):
            hint = f'add a [[memory]] with kind = "{kind}"'
            raise ProfileError(f"no {kind} region", where, hint)
    for low, high in pairwise(sorted(regions, key=lambda region: region.address)):
        if low.address + low.size_bytes > high.address:
            what = f"memory '{low.name[:40]}' and '{high.name[:40]}' overlap"
            hint = "look up their addresses and sizes in the datasheet"
            raise ProfileError(what, where, hint)
    return tuple(regions)
