"""The demo: the motion example in the window; without a display, both examples end to end.

    python packaging/demo.py            # the window where there is a display
    python packaging/demo.py --report   # build/demo/report.md and the window's pictures

The report takes the way that the window takes: the same session, the same stations.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from studio.cli.answer import number
from studio.cli.progress import ProgressLine
from studio.errors import StudioError
from studio.session import ROOT, Session
from studio.targets.figure import Figure

EXAMPLES = ("motion", "digits")
FOLDER = Path(__file__).resolve().parents[1] / "build" / "demo"


def main() -> int:
    """Open the window or write the report; the exit status."""
    if "--report" not in sys.argv and _has_display():
        return subprocess.run([sys.executable, "-m", "studio", "example:motion"]).returncode
    FOLDER.mkdir(parents=True, exist_ok=True)
    board = "virtual/mps2-an386" if shutil.which("qemu-system-arm") else "virtual/host"
    lines = ["# Demo", "", f"Both examples on {board}; times on QEMU are instructions, not cycles."]
    held = True
    for example in EXAMPLES:
        begin = time.monotonic()
        found, identical = _run(example, board)
        held &= identical
        lines += ["", f"## {example}", "", *found, f"- {time.monotonic() - begin:.0f} s in all"]
    pictures, drawn = _pictures()
    held &= drawn
    lines += ["", "## The window", "", *pictures]
    report = FOLDER / "report.md"
    report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    print(f"\n{report}")
    return 0 if held else 1


def _has_display() -> bool:
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _run(example: str, board: str) -> tuple[list[str], bool]:
    """Open, compress, evaluate, budget, generate, build, flash, verify, time, infer live."""
    session = Session()
    try:
        with ProgressLine(sys.stderr) as line:
            session.finish(session.open(f"example:{example}"), line.show)
            session.choose_board(board)
            session.finish(session.run(), line.show)
            session.finish(session.analyse(), line.show)
            session.finish(session.generate(FOLDER / f"{example}_c"), line.show)
            session.finish(session.deploy(), line.show)
            return [*_compressed(session), *_deployed(session), _live(session)], _held(session)
    finally:
        session.close()


def _compressed(session: Session) -> Iterator[str]:
    state = session.state
    for node, title in ((ROOT, "float"), (state.selected, "int8")):
        result = state.result(node)
        if result and result.evaluation:
            right, n = result.evaluation.correct, result.evaluation.n
            yield f"- accuracy {title}: {right / n:.2%} ({right} of {n} test samples, measured)"
    for name, budget in state.view.budgets.items():
        verdict = "fits" if budget.fits else "over"
        figures = ", ".join(
            f"{part} {_said(getattr(budget, f'{part}_bytes'))}"
            for part in ("flash", "ram", "arena")
        )
        yield f"- budget on {name}: {verdict}: {figures} bytes"


def _deployed(session: Session) -> Iterator[str]:
    deployment = session.state.deployment
    for station in deployment.stations if deployment else ():
        figures = ", ".join(f"{name} {_said(figure)}" for name, figure in station.figures.items())
        yield f"- {station.title}: {', '.join(filter(None, (station.text, figures)))}"


def _live(session: Session, windows: int = 20) -> str:
    """Test samples that the running board classifies."""
    readings = session.live(lambda: 1000.0)
    right = 0
    for _ in range(windows):
        reading = next(readings)
        right += int(reading.scores.argmax()) == reading.truth
    readings.close()
    return f"- live: the board classified {right} of {windows} test samples right (measured)"


def _held(session: Session) -> bool:
    deployment = session.state.deployment
    return bool(deployment) and all(s.state == "done" for s in deployment.stations)


def _said(figure: Figure) -> str:
    return f"{number(figure)} ({figure.source})"


def _pictures() -> tuple[list[str], bool]:
    """The window at each station, drawn by the window itself without a display."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "studio.gui.screenshots", str(FOLDER)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ended.returncode:
        return [f"no pictures: {(ended.stderr.strip().splitlines() or ['?'])[-1]}"], False
    return [f"![{path.stem}]({path.name})" for path in sorted(FOLDER.glob("*.png"))], True


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StudioError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
