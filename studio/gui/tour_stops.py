"""What the tour says, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.gui.tour import Stop
from studio.project import EXAMPLE

if TYPE_CHECKING:
    from studio.gui.main_window import MainWindow


def tour_stops(window: MainWindow) -> tuple[Stop, ...]:
    """From a model to a board, in four steps; the first opens the example."""
    parts = window.parts

    def open_example() -> None:
        if window.session.state.model is None:
            window.open(f"{EXAMPLE}motion")

    begin = (
        "Your model is open already."
        if window.session.state.model is not None
        else "For now, Next opens the motion example: a net that tells walking from running by "
        "a wrist's movements."
    )
    return (
        Stop(
            "Open a model",
            f"Drop a model anywhere on the window. {begin}",
            lambda: parts.pipeline,
            open_example,
        ),
        Stop(
            "Compress it",
            "Drag a step onto a link, press Enter on it, or click a card's right port. Each card "
            "shows what it costs and saves; every end of the pipeline is a variant.",
            lambda: parts.steps,
        ),
        Stop(
            "See that it fits",
            "Flash and RAM on each board, at once and before anything runs. Run measures the "
            "accuracy of every variant.",
            lambda: parts.budget,
        ),
        Stop(
            "Flash and watch",
            "Flash builds the firmware, puts it on the board, and compares every byte with this "
            "computer. Live streams the board's answers. The virtual boards need no hardware.",
            lambda: parts.bar,
        ),
    )
