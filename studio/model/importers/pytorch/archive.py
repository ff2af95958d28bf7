"""What a PyTorch file holds, found out without loading anything from it."""

from __future__ import annotations

import io
import pickletools
import zipfile
from pathlib import Path

from studio.errors import ModelError

EXPORTED = "a program of torch.export"
TORCH_SCRIPT = "a TorchScript program"
_SUFFIXES = {".pt", ".pth", ".pt2", ".ckpt"}
_MEMBERS = (b"/data.pkl", b"/constants.pkl", b"/archive_format", b"/byteorder", b"/version")
_PICKLE_BYTES = 64 << 20
_INSTEAD = (
    "load it where its code is and save the network:"
    " torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2'),"
    " with an example of batch 2; or hand it over in Python:"
    " studio.model.importers.pytorch.from_module(model, example)"
)
_DAMAGED = "the file is truncated or damaged; save or copy it again"
# What a dictionary of weights names; everything else in a pickle is code of somebody.
_WEIGHTS = {"collections OrderedDict", "torch Size", "torch.nn.parameter Parameter"}


def looks_like_torch(head: bytes, suffix: str) -> bool:
    """Whether a file's first bytes are those of a pickle or of an archive of torch."""
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    known = suffix in _SUFFIXES or any(member in head for member in _MEMBERS)
    return head.startswith(b"PK\x03\x04") and known


def program_of(path: Path) -> str:
    """The kind of program that a file holds.

    Returns:
        EXPORTED or TORCH_SCRIPT.

    Raises:
        ModelError: it is damaged, or a pickle, which is never loaded.
    """
    where = str(path)
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                raise _refused(file.read(_PICKLE_BYTES), where)
        with zipfile.ZipFile(path) as archive:
            return _kind(archive, where)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"is a damaged PyTorch archive: {reason}", where, _DAMAGED) from None
    except OSError as error:
        raise ModelError(
            f"cannot be read: {error.strerror}",
            where,
            "check the file's name and that you may read it",
        ) from None


def _kind(archive: zipfile.ZipFile, where: str) -> str:
    # torch puts everything under one folder; older .pt2 files have none.
    names = {name.partition("/")[2] or name for name in archive.namelist()} | set(
        archive.namelist()
    )
    if "models/model.json" in names or "serialized_exported_program.json" in names:
        return EXPORTED
    if "constants.pkl" in names and any(name.startswith("code/") for name in names):
        return TORCH_SCRIPT
    pickles = [info for info in archive.infolist() if info.filename.endswith("data.pkl")]
    if not pickles:
        raise ModelError("is a PyTorch archive without a network in it", where, _INSTEAD)
    if pickles[0].file_size > _PICKLE_BYTES:
        raise ModelError("is a PyTorch archive whose pickle is too large", where, _DAMAGED)
    raise _refused(archive.read(pickles[0]), where)


def _refused(pickle: bytes, where: str) -> ModelError:
    """The error for a pickle: weights alone, or code."""
    if not pickle.startswith(b"\x80"):
        return ModelError("is a PyTorch archive that is damaged", where, _DAMAGED)
    named = imported(pickle)
    code = sorted((name for name in named if not _is_harmless(name)), key=_is_common)
    if code:
        listed = ", ".join(name.replace(" ", ".") for name in code[:3])
        return ModelError(f"is a pickle that would run code: {listed}", where, _INSTEAD)
    if not named:
        return ModelError("is a Python pickle, which can run code", where, _INSTEAD)
    return ModelError("is a pickle of weights without a network", where, _INSTEAD)


def _is_harmless(name: str) -> bool:
    module, _, attribute = name.partition(" ")
    tensor = module == "torch._utils" and attribute.startswith("_rebuild_")
    return name in _WEIGHTS or tensor or (module == "torch" and attribute.endswith("Storage"))


def _is_common(name: str) -> tuple[bool, str]:
    """Sorts what somebody wrote before what everybody has."""
    return name.startswith(("__builtin__", "builtins", "collections", "torch._")), name


def imported(pickle: bytes) -> set[str]:
    """What a pickle would import, as "module name"; its opcodes are read, none is run.

    A legacy torch file is several pickles in a row; a damaged one is read as far as it goes.
    """
    stream, found = io.BytesIO(pickle), set()
    try:
        while stream.read(1) == b"\x80":
            stream.seek(-1, io.SEEK_CUR)
            found |= _imported_by_one(stream)
    except (ValueError, IndexError, KeyError, UnicodeDecodeError, OverflowError):
        pass
    return found


def _imported_by_one(stream: io.BytesIO) -> set[str]:
    found: set[str] = set()
    strings: list[str] = ["", ""]  # STACK_GLOBAL takes the last two; memo entries are strings too
    memo: dict[int, str] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("GLOBAL", "INST"):
            found.add(str(argument))
        elif opcode.name == "STACK_GLOBAL":
            found.add(" ".join(strings[-2:]))
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = strings[-1]
        elif opcode.name in ("BINPUT", "LONG_BINPUT", "PUT"):
            memo[int(str(argument))] = strings[-1]
        elif opcode.name in ("BINGET", "LONG_BINGET", "GET"):
            strings.append(memo.get(int(str(argument)), ""))
        elif isinstance(argument, str):
            strings.append(argument)
    return found
