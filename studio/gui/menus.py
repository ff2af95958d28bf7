"""What opens beside a card or row: its menu, steps to add there, places to move it to, its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QMenu

from studio.gui import present
from studio.gui.name_field import NameField
from studio.gui.step_menu import StepMenu
from studio.gui.tasks import Task

if TYPE_CHECKING:
    from studio.gui.main_window import MainWindow

NODE_COMMANDS = (
    "run_to_here", "add_step", "insert_step", "rename_step", "mute_step", "duplicate_step",
    "move_earlier", "move_later", "move_below", "copy_steps", "paste_steps", "delete_step",
)  # fmt: skip


class Menus:
    """The menus of a window's pipeline."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    @property
    def _selected(self) -> str:
        return self._window.session.state.selected

    def node(self, node: str, position: QPoint) -> None:
        """What can be done with a card."""
        self._window.session.select(node)
        menu = self._menu("")
        for name in NODE_COMMANDS:
            menu.addAction(self._window.actions_.by_id[name])
        menu.popup(position)

    def name(self) -> NameField:
        """A field over the selected card to name it; empty brings back the step's name."""
        window, node = self._window, self._selected
        field = NameField(window, present.node_title(window.session.state, node))
        field.named.connect(lambda text: window.session.rename(node, text))
        field.show_at(window.parts.corner_of(node))
        return field

    def places(self) -> QMenu:
        """Below which card the selected one shall stand."""
        window, node = self._window, self._selected
        state, menu = window.session.state, self._menu("Move below")
        for other in present.places(state, node):
            action = menu.addAction(present.variant_title(state, other))
            action.triggered.connect(partial(window.move_under, node, other))
        menu.popup(window.parts.beside(node))
        return menu

    def branch(self, parent: str, position: QPointF) -> None:
        """Which step to add below a card, asked at a place of the canvas."""
        canvas = self._window.canvas
        at = canvas.mapToGlobal(canvas.mapFromScene(position))
        self._steps("Add step", parent, self._window.session.add_step, at)

    def add(self) -> StepMenu:
        """Which step to add below the selected card."""
        window, node = self._window, self._selected
        return self._steps("Add step", node, window.session.add_step, window.parts.beside(node))

    def insert(self) -> StepMenu:
        """Which step to insert above the selected card."""
        window, child = self._window, self._selected
        above = present.parent_of(window.session.state, child)

        def insert(step: str, _: str) -> None:
            window.session.insert_step(step, child)

        return self._steps("Insert step", above, insert, window.parts.beside(child))

    def _steps(
        self, title: str, node: str, act: Callable[[str, str], object], at: QPoint
    ) -> StepMenu:
        """The steps that fit behind `node`; `act(step, node)` takes the answer."""
        window, menu = self._window, StepMenu(self._window, title)
        menu.chosen.connect(lambda step: window.guarded(act)(step, node))
        task = Task("Finding steps that fit", window.session.misfits(node))
        task.succeeded.connect(menu.show_misfits)
        task.crashed.connect(window.show_crash)
        window.tasks.start(task)
        menu.destroyed.connect(task.cancel)
        menu.popup(at)
        return menu

    def _menu(self, title: str) -> QMenu:
        menu = QMenu(title, self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu
