r"""A TOML file that says how recordings become samples.

source = "recordings"      # a folder or file beside this one
window = 260               # rows; absent: each recording is a sample
stride = 130
scale = 0.00025
channels_first = false
validation = 0.1           # shares of the samples; groups stay together
test = 0.2
seed = 0
group = "person(\d+)"     # part of the path that stays together; absent: the file
classes = ["walking", "running"]   # as the model's outputs are; absent: by the alphabet
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from studio.data import windows
from studio.data.dataset import Dataset
from studio.data.windows import Cut
from studio.errors import DataError

SUFFIXES = (".toml",)


def read(path: Path) -> Dataset:
    """Read the recordings that a description names.

    Raises:
        DataError: no TOML, an unknown or bad field, bad recordings.
    """
    from studio.data.readers.folder import recordings

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DataError(
            f"is no TOML: {error}", str(path), "texts stand in quotes; mend that line"
        ) from None
    source, group = table.pop("source", None), table.pop("group", "")
    classes = _names(table.pop("classes", []), path)
    if not isinstance(source, str):
        raise DataError("'source' is missing", str(path), "name a folder or file beside it")
    found = recordings(path.parent / source)
    if group:
        found = [replace(r, group=_matched(group, r.where, path)) for r in found]
    return windows.dataset(path.stem, found, _cut(table, path), classes)


def _names(classes: object, path: Path) -> tuple[str, ...]:
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise DataError(
            "'classes' must be a list of names", str(path), "such as classes = ['idle', 'wave']"
        )
    if len(set(classes)) < len(classes):
        raise DataError("'classes' names a class twice", str(path), "leave one of them out")
    return tuple(classes)


def _cut(table: dict[str, Any], path: Path) -> Cut:
    known: dict[str, Any] = {field.name: field.default for field in fields(Cut)}
    for name, value in table.items():
        if name not in known:
            raise DataError(f"unknown field '{name}'", str(path), f"there are: {', '.join(known)}")
        kind = type(known[name])
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise DataError(
                f"'{name}' must be of type {kind.__name__}",
                str(path),
                f"such as {name} = {str(known[name]).lower()}",
            )
        if kind is not bool and float(value) < 0:
            raise DataError(f"'{name}' is negative", str(path), "write 0 or more")
    cut = Cut(**table)
    if cut.validation + cut.test >= 1:
        raise DataError(
            "validation and test leave nothing to train on",
            str(path),
            "make both shares smaller; together they are less than 1",
        )
    return cut


def _matched(pattern: str, where: str, path: Path) -> str:
    try:
        match = re.search(pattern, where)
    except re.error as error:
        raise DataError(
            f"'group' is no pattern: {error}",
            str(path),
            "it is a regular expression; put a backslash before a bracket that is meant as such",
        ) from None
    if match is None:
        raise DataError(
            f"'group' does not match {where}",
            str(path),
            "widen the pattern: it must find a group in the path of every recording",
        )
    return match.group(match.lastindex or 0)
