"""Rows as CSV for a spreadsheet and as Markdown for a README; names in them may be anybody's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-][\d., ]+(e[+-]?\d+)? ?[\w%]{0,4}")


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV; text that a spreadsheet would compute stands behind an apostrophe."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(
        [_inert(cell) for cell in row] for row in rows
    )
    return stream.getvalue()


def as_markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of text; a row stays one line, a cell one cell."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_one_cell, line))} |\n" for line in lines)


def _inert(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _one_cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").splitlines())
