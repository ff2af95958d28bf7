"""One line on a terminal that says how far a job is."""

from __future__ import annotations

from types import TracebackType
from typing import TextIO

from studio.job import Progress

_CLEAR = "\r\x1b[2K"


class ProgressLine:
    """Shows Progress where the stream is a terminal, nothing elsewhere or where there is none."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream if stream is not None and stream.isatty() else None
        self._shown = ""

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def show(self, progress: Progress) -> None:
        """Replace the line."""
        share = "" if progress.done is None else f"{progress.done:4.0%} "
        figures = "".join(f"  {name} {value:.4g}" for name, value in progress.figures.items())
        text = f"{share}{progress.text}{figures}"
        if self._stream is not None and text != self._shown:
            self._stream.write(f"{_CLEAR}{text[:100]}")
            self._stream.flush()
            self._shown = text

    def clear(self) -> None:
        """Remove the line."""
        if self._stream is not None and self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._shown = ""
