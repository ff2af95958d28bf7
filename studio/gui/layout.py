"""How the parts of the window are put together: bars, headings, columns."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from studio.gui import theme


def heading(text: str, *extras: QWidget) -> QWidget:
    """A line with a heading and small widgets at its right end."""
    row = QWidget()
    row.setObjectName("surface")
    box = QHBoxLayout(row)
    box.setContentsMargins(16, 0, 8, 0)
    box.setSpacing(4)
    label = QLabel(text)
    label.setProperty("role", "heading")
    label.setMinimumHeight(40)
    box.addWidget(label)
    box.addStretch(1)
    for extra in extras:
        box.addWidget(extra)
    return row


def column(*widgets: QWidget, stretch: QWidget | None = None) -> QWidget:
    """Widgets below each other without gaps; `stretch` takes the room that is left."""
    page = QWidget()
    page.setObjectName("surface")
    box = QVBoxLayout(page)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(0)
    for widget in widgets:
        box.addWidget(widget, 1 if widget is stretch else 0)
    if stretch is None:
        box.addStretch(1)
    return page


def below(field: QWidget, view: QWidget) -> QWidget:
    """A view below the field that filters it."""
    row = QWidget()
    box = QHBoxLayout(row)
    box.setContentsMargins(16, 0, 16, 8)
    box.addWidget(field)
    return column(row, view, stretch=view)


def scrolled(view: QWidget, name: str = "") -> QScrollArea:
    """A view that is scrolled up and down where there is little room, with a name also by keys."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    if not name:
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setAccessibleName(name)
    area.setWidget(view)
    return area


def action_button(action: QAction, text: str, icon: str, primary: bool = False) -> QPushButton:
    """A button of the bar that mirrors an action."""
    button = QPushButton(f" {text}")  # Qt leaves no room behind the icon
    button.setProperty("primary", "true" if primary else "false")
    button.setProperty("icon_name", icon)
    button.setIconSize(QSize(14, 14))
    shortcut = action.shortcut().toString()
    button.setToolTip(f"{action.toolTip()} ({shortcut})" if shortcut else action.toolTip())
    button.setAccessibleName(action.text().rstrip("\u2026"))
    button.setAccessibleDescription(action.toolTip())
    button.clicked.connect(action.trigger)
    action.enabledChanged.connect(button.setEnabled)
    return button


def flat_button(text: str, name: str) -> QPushButton:
    """A small button without a frame."""
    button = QPushButton(text)
    button.setProperty("flat", "true")
    button.setAccessibleName(name)
    button.setToolTip(name)
    return button


def tooltip(text: str) -> str:
    """A tooltip that shows a text as it is, where Qt would take a "<" for the begin of a tag."""
    return f"<p style='white-space:pre-wrap'>{escape(text)}</p>" if "<" in text else text


def within_screen(popup: QWidget, x: int, y: int) -> QPoint:
    """Where a popup that would like to be at x, y is seen whole, as far as the screen allows."""
    room = (QGuiApplication.screenAt(QPoint(x, y)) or popup.screen()).availableGeometry()
    right, bottom = room.right() - popup.width() + 1, room.bottom() - popup.height() + 1
    return QPoint(max(room.left(), min(x, right)), max(room.top(), min(y, bottom)))


def plain_label(text: str = "") -> QLabel:
    """A label that shows a text as it is: names of files and boards are no markup."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def recolour(buttons: list[QPushButton]) -> None:
    """Draw the icons of bar buttons in the colours of the theme."""
    palette = theme.current()
    for button in buttons:
        primary = button.property("primary") == "true"
        colour = palette.on_accent if primary and button.isEnabled() else palette.muted
        button.setIcon(theme.icon(button.property("icon_name"), colour))
