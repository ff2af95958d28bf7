"""What is computed behind the user's back: budgets, graph, noise of the layers, advice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from studio.gui.background import Background
from studio.job import Job
from studio.session.state import Update

if TYPE_CHECKING:
    from studio.gui.main_window import MainWindow

PAUSE_MS = 600
"""Advice is sought when the user has paused for so long, not at each move of a slider."""


class Upkeep(QObject):
    """Asks for what the newest state lacks; what only a panel shows, while it is in view."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, session = window, window.session
        self.budgets = self._background("Computing budgets", session.analyse)
        self._graph = self._background("Reading the graph", session.examine)
        self._noise = self._background("Comparing layers", session.compare_layers)
        self._advice = self._background("Looking for what would make it fit", session.advise)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._advice.ask)

    def _background(self, title: str, job: Callable[[], Job[Update]]) -> Background:
        window = self._window
        made = Background(title, job, window.session.take, window.tasks)
        made.failed.connect(partial(window.notices.error, work=title))
        made.succeeded.connect(partial(window.notices.mended, title))
        made.crashed.connect(window.show_crash)
        return made

    @property
    def busy(self) -> bool:
        """Whether a figure of the newest state is still to come."""
        jobs = (self.budgets, self._graph, self._noise, self._advice)
        return self._pause.isActive() or any(job.busy for job in jobs)

    def look_closer(self) -> None:
        """Compute what only the panels in view need."""
        state, parts = self._window.session.state, self._window.parts
        if parts.docks.shows(parts.model) and state.view.model and not state.current_graph:
            self._graph.ask()
        result = state.result(state.selected)
        if parts.shows_noise and result and not state.current_noise:
            self._noise.ask()
        if parts.budget.isVisible() and state.over and not state.current_advice:
            self._pause.start()
