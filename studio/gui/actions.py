"""One registry of what the user can do: menus, toolbar, shortcuts and palette come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenuBar, QWidget

from studio.gui import theme

if TYPE_CHECKING:
    from studio.gui.main_window import MainWindow

SHORTCUTS = "shortcuts"
"""Where the settings keep keys that the user chose."""
MENUS = ("File", "Edit", "View", "Pipeline", "Board", "Help")
Run = Callable[["MainWindow"], object]
Test = Callable[["MainWindow"], bool]


@dataclass(frozen=True, slots=True)
class Command:
    """Something that the user can do.

    Attributes:
        id: the function's name.
        text: what menus and the palette call it; "&" as in Qt, "…" where it asks for more.
        menu: one of MENUS.
        run: does it, given the window.
        shortcut: key sequence, portable form.
        icon: a name in resources/icons, or "".
        enabled: whether it can be done now.
        checked: whether its tick is set, or None where it has none.
        new_group: a separator stands above it in its menu.
        on_pipeline: its shortcut works only while canvas or tree has the focus.
    """

    id: str
    text: str
    menu: str
    run: Run
    shortcut: str = ""
    icon: str = ""
    tip: str = ""
    enabled: Test = lambda window: True
    checked: Test | None = None
    new_group: bool = False
    on_pipeline: bool = False


COMMANDS: dict[str, Command] = {}


def command(
    text: str,
    menu: str,
    shortcut: str = "",
    *,
    icon: str = "",
    enabled: Test = lambda window: True,
    checked: Test | None = None,
    new_group: bool = False,
    on_pipeline: bool = False,
) -> Callable[[Run], Run]:
    """Register a function of the window as a command; its docstring is the tooltip."""

    def register(run: Run) -> Run:
        name = run.__name__
        tip = (run.__doc__ or "").strip().splitlines()[0]
        COMMANDS[name] = Command(
            name, text, menu, run, shortcut, icon, tip, enabled, checked, new_group, on_pipeline
        )
        return run

    return register


class Actions:
    """The commands as QActions of one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.by_id: dict[str, QAction] = {name: self._action(c) for name, c in COMMANDS.items()}
        window.addActions([self.by_id[n] for n, c in COMMANDS.items() if not c.on_pipeline])

    def assign(self, command: str, keys: str) -> str:
        """Give a command other keys, and remember it; the command that had them, or ""."""
        robbed = ""
        for name, action in self.by_id.items():
            if keys and name != command and action.shortcut().toString() == keys:
                robbed = name
                self._set(name, "")
        self._set(command, keys)
        return robbed

    def reset(self) -> None:
        """Give every command its first keys."""
        for name, entry in COMMANDS.items():
            self._window.settings.remove(f"{SHORTCUTS}/{name}")
            self.by_id[name].setShortcut(QKeySequence(entry.shortcut))

    def _set(self, command: str, keys: str) -> None:
        self.by_id[command].setShortcut(QKeySequence(keys))
        self._window.settings.setValue(f"{SHORTCUTS}/{command}", keys)

    def fill(self, bar: QMenuBar) -> None:
        """Make the menus."""
        for title in MENUS:
            menu = bar.addMenu(title)
            menu.setObjectName(f"menu{title}")
            menu.aboutToShow.connect(self.refresh)
            for name, entry in COMMANDS.items():
                if entry.menu != title:
                    continue
                if entry.new_group:
                    menu.addSeparator()
                menu.addAction(self.by_id[name])

    def bind_to_pipeline(self, *views: QWidget) -> None:
        """Let shortcuts without a modifier work in these views only."""
        for name, entry in COMMANDS.items():
            if entry.on_pipeline:
                self.by_id[name].setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
                for view in views:
                    view.addAction(self.by_id[name])

    def refresh(self) -> None:
        """Bring enabled states, ticks and icon colours up to date."""
        colour = theme.current().muted
        for name, action in self.by_id.items():
            entry = COMMANDS[name]
            action.setEnabled(entry.enabled(self._window))
            if entry.checked is not None:
                action.setChecked(entry.checked(self._window))
            if entry.icon:
                action.setIcon(theme.icon(entry.icon, colour))

    def _action(self, entry: Command) -> QAction:
        action = QAction(entry.text, self._window)
        action.setObjectName(entry.id)
        action.setToolTip(entry.tip)
        action.setStatusTip(entry.tip)
        action.setCheckable(entry.checked is not None)
        keys = self._window.settings.value(f"{SHORTCUTS}/{entry.id}", entry.shortcut)
        action.setShortcut(QKeySequence(str(keys)))
        action.triggered.connect(lambda *_: self._act(entry))
        return action

    def _act(self, entry: Command) -> None:
        """Do it if that is possible still: a state may be older than the click."""
        if entry.enabled(self._window):
            entry.run(self._window)
        self.refresh()
