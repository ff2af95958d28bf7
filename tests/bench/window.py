"""How fast the window is (`make bench-window`): start, drawing, and held up while all runs at once.

By the clock and in processor time; the clock counts what other programs of the machine take.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from window_speed import Start, busy, draw_s, forget, pan_s

from studio.gui.application import application

RUNS = 5


def row(title: str, bar: str, clock: float, own: float) -> str:
    """A line of the table, in milliseconds."""
    return f"| {title} | {bar} | {clock:.1f} | {own:.1f} |"


def medians(taken_s: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Of clock and processor time, in milliseconds."""
    clock, own = (1e3 * statistics.median(each) for each in zip(*taken_s, strict=True))
    return clock, own


def starts(folder: Path) -> Iterator[str]:
    """The program started and closed as soon as it is up."""
    first = Start(folder)
    for title, cold in (("window up and closed again", False), ("the same, files forgotten", True)):
        taken = []
        for _ in range(RUNS):
            if cold:
                forget(first.files)
            made = Start(folder)
            taken.append((made.clock_s, made.own_s))
        yield row(title, "1500", *medians(taken))


def drawings() -> Iterator[str]:
    """The model graph and the canvas."""
    yield row("500 nodes drawn", "1000", *medians([draw_s(500) for _ in range(RUNS)]))
    for name, share in (("median", 0.5), ("p95", 0.95), ("longest", 1.0)):
        frames = [sorted(each) for each in zip(*pan_s(200), strict=True)]
        chosen = (1e3 * each[min(int(share * len(each)), len(each) - 1)] for each in frames)
        yield row(f"200 cards panned, a frame, {name}", "16", *chosen)


def held_up(folder: Path) -> Iterator[str]:
    """The window's thread while training, building, flashing and streaming run at once."""
    yield "| thread held up | bar | by the clock | blocked | own work | others running |"
    yield "|---|---:|---:|---:|---:|---:|"
    for run in range(3):
        found = busy(folder / str(run))
        kinds = [found[kind] for kind in ("clock_ms", "blocked_ms", "own_ms")]
        for at, (name, bar) in enumerate((("p99", 50), ("longest", 250))):
            cells = [f"{kind[at]:.1f}" for kind in kinds]
            yield f"| run {run + 1}, {name} | {bar} | {' | '.join(cells)} | {found['others']:.0f} |"


def main() -> None:
    """Print two tables."""
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    running = application(["tinyml-studio"])
    with tempfile.TemporaryDirectory() as name:
        print("| what | bar, ms | ms by the clock | ms of the processor |\n|---|---:|---:|---:|")
        for line in (*starts(Path(name)), *drawings()):
            print(line, flush=True)
        print()
        for line in held_up(Path(name)):
            print(line, flush=True)
    running.quit()


if __name__ == "__main__":
    main()
