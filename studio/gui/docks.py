"""The panels as docks around the pipeline: where they stand at first, and which one is in view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QTabBar,
    QTabWidget,
    QWidget,
)

from studio.gui import theme

LAYOUT_VERSION = 1
"""Count up when panels come or go: a layout of another version is not restored."""
SHARED_VERSION = -LAYOUT_VERSION
"""Of a layout whose sizes are still ours."""
TITLE_PX = 40
SIDE_PX = {"left": 224, "right": 320}
FULL_PX = 1280
"""In narrower windows the sides are narrower, too."""
BOTTOM_SHARE = 0.4
AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}
LEAST_PX = {"left": (168, 96), "right": (288, 96), "bottom": (320, 160)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands at first.

    Attributes:
        panel: the widget.
        title: its name, on the tab and in the View menu.
        area: one of AREAS; those at a side stand below each other, those at the bottom are tabs.
        height_px: what it takes of its side; 0 for what the others leave.
    """

    panel: QWidget
    title: str
    area: str
    height_px: int = 0


class Title(QWidget):
    """The heading of a dock; takes no room while a tab bears its name."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setObjectName("surface")
        self._label = QLabel(dock.windowTitle().upper())
        self._label.setProperty("role", "heading")
        self._label.setMinimumHeight(TITLE_PX)
        self.shut = QPushButton()
        self.shut.setProperty("flat", "true")
        self.shut.setFixedWidth(28)
        self.shut.setIconSize(QSize(12, 12))
        self.shut.setAccessibleName(f"Close {dock.windowTitle()}")
        self.shut.setToolTip("Close this panel; the View menu brings it back")
        self.shut.clicked.connect(dock.close)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 8, 0)
        row.setSpacing(4)
        row.addWidget(self._label)
        row.addStretch(1)
        row.addWidget(self.shut)
        self.is_tab = False

    def leave_to_tab(self, is_tab: bool) -> None:
        """Give up its room, or take it again."""
        self.is_tab = is_tab
        self._label.setVisible(not is_tab)
        self.shut.setVisible(not is_tab)


class Dock(QDockWidget):
    """A panel that can be moved, floated, tabbed and closed."""

    def __init__(self, place: Place, window: QMainWindow) -> None:
        super().__init__(place.title, window)
        self.place, self._main = place, window
        self.setAcceptDrops(True)
        self.setObjectName(f"dock {place.title}")
        self.setAccessibleName(place.title)
        self.title = Title(self)
        self.setTitleBarWidget(self.title)
        place.panel.setMinimumSize(*LEAST_PX[place.area])
        self.setWidget(place.panel)
        self.in_view = False
        self.visibilityChanged.connect(self._seen)

    def _seen(self, visible: bool) -> None:
        self.in_view = visible

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Files over a floating panel are the window's, too."""
        self._main.dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Hand files to the window."""
        self._main.dropEvent(event)

    def show_title(self, is_tab: bool) -> None:
        """Show the heading, or leave the name to the tab."""
        if self.title.is_tab != is_tab:
            self.title.leave_to_tab(is_tab)


class Docks(QObject):
    """The docks of a window.

    Signals:
        changed: another panel came into view.
    """

    changed = Signal()

    def __init__(self, window: QMainWindow, places: Sequence[Place]) -> None:
        super().__init__(window)
        self._window = window
        window.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks
        )
        window.setDocumentMode(True)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        window.setCorner(Qt.Corner.BottomLeftCorner, AREAS["left"])
        window.setCorner(Qt.Corner.BottomRightCorner, AREAS["right"])
        self._by_panel = {place.panel: Dock(place, window) for place in places}
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(0)
        self._settle.timeout.connect(self._settled)
        for dock in self:
            dock.visibilityChanged.connect(self._settle.start)
            dock.dockLocationChanged.connect(self._settle.start)
            dock.topLevelChanged.connect(self._settle.start)
        self._by_hand = False  # sizes that the user gave hold, others follow the window's
        self._held: list[QSize] = []
        window.installEventFilter(self)
        self.current: QWidget = next(d.place.panel for d in self if d.place.area == "bottom")
        window.tabifiedDockWidgetActivated.connect(self._turned)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._focused)
        self.reset()

    def __iter__(self) -> Iterator[Dock]:
        return iter(self._by_panel.values())

    @property
    def toggles(self) -> tuple[QAction, ...]:
        """An action with a tick for each panel, for the View menu."""
        return tuple(dock.toggleViewAction() for dock in self)

    def bring(self, panel: QWidget) -> None:
        """Bring a panel into view, in front of its neighbours."""
        dock = self._by_panel[panel]
        dock.show()
        dock.raise_()
        for tab in self._window.tabifiedDockWidgets(dock):
            tab.in_view = False  # type: ignore[attr-defined]
        dock.in_view = True  # at once: Qt says so only when it has laid out
        self.current = panel
        self.changed.emit()

    def shows(self, panel: QWidget) -> bool:
        """Whether a panel is in view: not closed and not behind another tab."""
        return self._by_panel[panel].in_view

    def reset(self) -> None:
        """Put every panel back to where it was at first."""
        for area in AREAS:
            docks = [dock for dock in self if dock.place.area == area]
            for dock in docks:
                dock.setFloating(False)
                self._window.addDockWidget(AREAS[area], dock)
                dock.show()
            for before, dock in pairwise(docks):
                if area == "bottom":
                    self._window.tabifyDockWidget(before, dock)
                else:
                    self._window.splitDockWidget(before, dock, Qt.Orientation.Vertical)
            if area == "bottom":
                docks[0].raise_()
                self.current = docks[0].place.panel
        self._unsized, self._by_hand = True, False
        self._share_out()
        self._settle.start()

    def _share_out(self) -> None:
        """Give each area its size."""
        window = self._window
        bars = (window.menuWidget(), window.statusBar())
        height_px = window.height() - sum(bar.height() for bar in bars if bar is not None)
        for area, width_px in SIDE_PX.items():
            docks = self._standing(area)
            rest_px = height_px - sum(dock.place.height_px for dock in docks)
            heights = [dock.place.height_px or max(rest_px, 1) for dock in docks]
            width_px = round(width_px * min(1.0, window.width() / FULL_PX))
            window.resizeDocks(docks[:1], [width_px] * len(docks[:1]), Qt.Orientation.Horizontal)
            window.resizeDocks(docks, heights, Qt.Orientation.Vertical)
        bottom, height_px = self._standing("bottom")[:1], int(BOTTOM_SHARE * window.height())
        window.resizeDocks(bottom, [height_px] * len(bottom), Qt.Orientation.Vertical)

    def _standing(self, area: str) -> list[Dock]:
        """The docks that stand where they stood at first, and are seen there."""
        here = [dock for dock in self if dock.place.area == area and not dock.isFloating()]
        at = self._window.dockWidgetArea
        return [dock for dock in here if not dock.isHidden() and at(dock) == AREAS[area]]

    def state(self) -> QByteArray:
        """Where everything stands."""
        return self._window.saveState(LAYOUT_VERSION if self._by_hand else SHARED_VERSION)

    def restore(self, state: object) -> None:
        """Put everything where it stood; what is no such layout is passed over."""
        if isinstance(state, QByteArray):
            self._by_hand = self._window.restoreState(state, LAYOUT_VERSION)
            shared = self._by_hand or self._window.restoreState(state, SHARED_VERSION)
            self._unsized = not shared
            self._settle.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Panels follow the size of the window until the user draws their edges."""
        if watched is self._window:
            kind = event.type()
            if kind == QEvent.Type.MouseButtonPress:
                self._held = [dock.size() for dock in self]
            elif kind == QEvent.Type.MouseButtonRelease and self._held:
                self._by_hand |= self._held != [dock.size() for dock in self]
                self._held = []
            elif kind == QEvent.Type.Resize and not self._by_hand:
                self._unsized = True
                self._settle.start()
        return False

    def recolour(self) -> None:
        """Draw the icons in the colours of the theme."""
        for dock in self:
            dock.title.shut.setIcon(theme.icon("close", theme.current().muted))

    def _turned(self, dock: QDockWidget) -> None:
        if isinstance(dock, Dock):
            self.current = dock.place.panel

    def _focused(self, _: QWidget | None, widget: QWidget | None) -> None:
        """Commands work on the panel that has the focus."""
        while widget is not None and not isinstance(widget, Dock):
            widget = widget.parentWidget()
        if widget is not None and widget.parent() is self._window:
            self.current = widget.place.panel

    def _settled(self) -> None:
        """Headings, tab bars and whoever wants to know follow the arrangement."""
        if self._unsized and self._window.isVisible():  # sizes hold from the first layout on
            self._unsized = False
            self._share_out()
        for dock in self:
            tabs = self._window.tabifiedDockWidgets(dock)
            dock.show_title(not dock.isFloating() and any(not tab.isHidden() for tab in tabs))
        for bar in self._window.findChildren(
            QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly
        ):
            bar.setAccessibleName("Panels")
            bar.setExpanding(False)
            bar.setElideMode(Qt.TextElideMode.ElideNone)
        self.changed.emit()
