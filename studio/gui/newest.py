"""Values that come faster than anybody reads are shown now and then: the newest one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QTimer

T = TypeVar("T")
EVERY_MS = 40


class Newest(Generic[T]):
    """Calls `show` at most every EVERY_MS, in the end with the value that came last.

    Args:
        show: takes a value.
        parent: whose life it shares.
    """

    def __init__(self, show: Callable[[T], None], parent: QObject) -> None:
        self._show = show
        self._waiting: list[T] = []
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self._next)

    def put(self, value: T) -> None:
        """Show it, or keep it until it is time."""
        self._waiting = [value]
        if not self._timer.isActive():
            self._next()

    def drop(self) -> None:
        """Show nothing more of what came."""
        self._waiting = []
        self._timer.stop()

    def _next(self) -> None:
        if self._waiting:
            self._timer.start()
            self._show(self._waiting.pop())
