"""Whoever opens a file that is wrong is told what to do about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import errors

STUDIO = Path(errors.__file__).parent
ROOMS = ("data", "recipe", "project.py", "model/importers", "model/normalize.py")
ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}


def without_hint(source: str) -> Iterator[int]:
    """Lines that make an error of ours from less than (what, where, hint)."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        starred = any(isinstance(arg, ast.Starred) for arg in node.args)
        named = any(keyword.arg == "hint" for keyword in node.keywords)
        if node.func.id in ERRORS and len(node.args) < 3 and not starred and not named:
            yield node.lineno


@pytest.mark.parametrize("room", ROOMS)
def test_errors_about_files_have_a_hint(room: str) -> None:
    place = STUDIO / room
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    assert files
    missing = [
        f"{file.relative_to(STUDIO)}:{line}"
        for file in files
        for line in without_hint(file.read_text("utf-8"))
    ]
    assert missing == []


def test_a_missing_hint_is_found() -> None:
    assert list(without_hint("DataError('a', 'b')\nDataError('a', 'b', 'c')")) == [1]
