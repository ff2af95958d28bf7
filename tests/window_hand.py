"""A person at the window: everything is done with mouse and keys, as Qt gets them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QLineEdit,
    QMenu,
    QTabBar,
    QToolButton,
    QWidget,
)
from window_events import drop_file, drop_step

from studio.gui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton
Key = Qt.Key
DIALOG_MS = 20
MOST_TABS = 300
MOTIONS = 10
"""Moves after which Qt takes a mouse for one that is on its way: seven."""


class Hand:
    """Presses buttons, keys and tabs of a window, and waits for the answer each time."""

    def __init__(self, window: MainWindow, settled: Callable[[], None]) -> None:
        self.window, self.settled = window, settled

    # ---- mouse -----------------------------------------------------------------------------

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """The left button, in the middle or somewhere."""
        QTest.mouseClick(widget, LEFT, pos=at or widget.rect().center())
        self.settled()

    def press(self, name: str) -> None:
        """A button of the bar, by its accessible name."""
        buttons = self.window.parts.bar.findChildren(QAbstractButton)
        button = next(button for button in buttons if button.accessibleName() == name)
        assert button.isEnabled()
        self.click(button)

    def click_card(self, node: str) -> None:
        """A card of the canvas."""
        canvas = self.window.canvas
        self.click(canvas.viewport(), canvas.mapFromScene(canvas.cards[node].frame.center()))

    def pull_rope(self, node: str, away: QPoint) -> None:
        """From the port of a card into the void."""
        canvas = self.window.canvas
        start = canvas.mapFromScene(canvas.cards[node].right_port)
        QTest.mousePress(canvas.viewport(), LEFT, pos=start)
        QTest.mouseMove(canvas.viewport(), start + away / 2)
        QTest.mouseMove(canvas.viewport(), start + away)
        QTest.mouseRelease(canvas.viewport(), LEFT, pos=start + away)
        self.settled()

    def choose(self, text: str) -> None:
        """A row of the menu that is open, by the mouse.

        The mouse comes to it in small moves: a menu that opened under a mouse at rest takes a click
        for the second half of a double click, and closes.
        """
        menu, row = _open_menu(text)
        place = menu.actionGeometry(row).center()
        assert menu.rect().contains(place)
        for away in range(MOTIONS, -1, -1):
            QTest.mouseMove(menu, place + QPoint(away, 0))
        assert menu.activeAction() is row
        self.click(menu, place)

    def choose_by_keys(self, text: str) -> None:
        """A row of the menu that is open, by the arrow keys."""
        menu, row = _open_menu(text)
        for _ in menu.actions():
            if menu.activeAction() is not row:
                QTest.keyClick(menu, Key.Key_Down)
        QTest.keyClick(menu, Key.Key_Return)
        self.settled()

    def drop(self, path: Path) -> None:
        """A file from the desktop."""
        over = self.window.canvas.viewport() if self.has_model else self.window.centralWidget()
        drop_file(over, path)
        self.settled()

    def drop_step(self, step: str, at: QPointF) -> None:
        """A row of the palette, let go over the canvas."""
        drop_step(self.window, step, at)
        self.settled()

    def drop_on_link(self, step: str, child: str) -> None:
        """A row of the palette, let go over the link above a card."""
        [link] = [one for one in self.window.canvas.links if one.child_card.card.id == child]
        self.drop_step(step, (link.parent_card.right_port + link.child_card.left_port) / 2)

    def look(self, title: str) -> None:
        """A tab at the bottom; the arrows of the bar bring those beyond its edge."""
        bars = self.window.findChildren(QTabBar)
        [bar] = [bar for bar in bars if bar.parent() is self.window]
        index = [bar.tabText(i) for i in range(bar.count())].index(title)
        for name, side in (("ScrollLeftButton", -1), ("ScrollRightButton", 1)):
            arrow = bar.findChild(QToolButton, name)
            while _beyond(bar, index) == side:
                assert arrow.isEnabled()
                QTest.mouseClick(arrow, LEFT)
        place = bar.tabRect(index).intersected(bar.rect())
        self.click(bar, place.center())
        assert bar.currentIndex() == index

    # ---- keys ------------------------------------------------------------------------------

    def keys(self, keys: str) -> None:
        """A shortcut, or one key, for whatever has the focus."""
        self.hold()
        QTest.keySequence(self.focus, QKeySequence(keys))
        self.settled()

    def type(self, text: str) -> None:
        """Letters, for whatever has the focus."""
        QTest.keyClicks(self.focus, text)

    def tab_to(self, widget: QWidget) -> None:
        """Go on with the Tab key until `widget` has the focus."""
        self.hold()
        for _ in range(MOST_TABS):
            if self.focus is widget:
                return
            QTest.keyClick(self.focus, Key.Key_Tab)
        raise AssertionError(f"Tab does not lead to {widget.accessibleName()}")

    def hold(self) -> None:
        """Be the window that has the keys."""
        if QApplication.activePopupWidget() is None:
            self.window.activateWindow()
            assert QTest.qWaitForWindowActive(self.window)

    @property
    def focus(self) -> QWidget:
        """What gets the keys."""
        popup = QApplication.activePopupWidget()
        found = QApplication.focusWidget()
        if popup is not None and (found is None or not popup.isAncestorOf(found)):
            return popup.focusWidget() or popup
        return found or self.window

    # ---- dialogs ---------------------------------------------------------------------------

    def answer(self, path: Path, typed: str = "") -> None:
        """Paste a path into the file dialog that what is done next will open, and press Enter.

        Args:
            path: what the dialog shall understand.
            typed: what is pasted, if that is another text.
        """

        def pasted() -> None:
            dialog = QApplication.activeModalWidget()
            if not isinstance(dialog, QFileDialog):
                return
            timer.stop()
            field = dialog.findChild(QLineEdit, "fileNameEdit")
            QGuiApplication.clipboard().setText(typed or str(path))
            QTest.keySequence(field, QKeySequence.StandardKey.SelectAll)
            QTest.keySequence(field, QKeySequence.StandardKey.Paste)
            understood = dialog.selectedFiles() == [str(path)]  # nothing is written elsewhere
            QTest.keyClick(field, Key.Key_Return if understood else Key.Key_Escape)

        timer = QTimer(self.window)
        timer.timeout.connect(pasted)
        timer.start(DIALOG_MS)

    @property
    def has_model(self) -> bool:
        """Whether a model is open."""
        return self.window.session.state.model is not None


def _open_menu(text: str) -> tuple[QMenu, QAction]:
    """The menu that is open, and its row of this text."""
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    [row] = [action for action in menu.actions() if action.text() == text]
    return menu, row


def _beyond(bar: QTabBar, index: int) -> int:
    """-1 where a tab's middle is beyond the left edge of its bar, 1 beyond what is seen of it."""
    arrow = bar.findChild(QToolButton, "ScrollLeftButton")
    edge = arrow.x() if arrow.isVisible() else bar.width()
    middle = bar.tabRect(index).center().x()
    return -1 if middle < 0 else int(middle > edge)
