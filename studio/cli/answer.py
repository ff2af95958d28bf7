"""What a command answers, printed for people or as one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from studio.errors import StudioError
from studio.targets.figure import Figure, spaced


class OutputError(StudioError):
    """Standard output does not take what a command says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a command.

    Attributes:
        data: for JSON; keys are documented in docs/guide.md and carry their unit, numbers that
            anybody might doubt are Figures.
        text: lines for people.
        held: what was asked holds: the exit status.
    """

    data: Mapping[str, Any]
    text: Iterable[str]
    held: bool = True


def print_answer(answer: Answer, as_json: bool) -> int:
    """Print it to standard output; the exit status."""
    if as_json:
        _say(_as_json(answer.data))
    else:
        for line in answer.text:
            _say(line)
    return 0 if answer.held else 1


def print_error(error: StudioError, as_json: bool) -> int:
    """Say what, where and what to do: as JSON on standard output, else on standard error."""
    parts = {"what": error.what, "where": error.where, "hint": error.hint}
    if as_json and not isinstance(error, OutputError):
        try:
            _say(_as_json({"error": parts}))
        except OutputError as unsaid:
            return print_error(unsaid, as_json)
    else:
        print(f"error: {error.what}", file=sys.stderr)
        for name in ("where", "hint"):
            if parts[name]:
                print(f"  {name}: {parts[name]}", file=sys.stderr)
    return 2


def _as_json(data: Mapping[str, Any]) -> str:
    """One object; its texts escaped where standard output cannot write them as they are."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    return json.dumps(data, default=_plain, indent=2, ensure_ascii=plain)


def _say(text: str) -> None:
    """A line on standard output, at once.

    Raises:
        OutputError: where that leads to has no room.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still buffered would raise again when the program ends.
        with suppress(OSError):
            sys.stdout.close()
        hint = "choose another place for the output, one that has room"
        what = f"cannot be written: {error.strerror}"
        raise OutputError(what, "standard output", hint) from None


def number(figure: Figure | float) -> str:
    """Thousands apart, as many digits as say something."""
    value = figure.value if isinstance(figure, Figure) else figure
    return spaced(value) if value == int(value) else f"{value:.4g}"


def table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines with aligned columns; columns of numbers to the right."""
    cells = [tuple(row) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return ["  ".join(map(_aligned, row, widths)).rstrip() for row in cells]


def _aligned(cell: str, width: int) -> str:
    is_number = cell.replace(" ", "").replace(".", "").replace("-", "").rstrip("*").isdigit()
    return cell.rjust(width) if is_number else cell.ljust(width)


def _plain(value: Any) -> Any:
    if isinstance(value, Figure):
        return value.plain()
    raise TypeError(f"no JSON for {type(value).__name__}")
