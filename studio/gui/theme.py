"""Colours, fonts, metrics and icons of the window: one palette, everything derived from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from studio.targets.resources import resource

ICONS = resource("resources/icons")
GRID_PX = 8
CHOICES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Palette:
    """Every colour of the window, as #rrggbb.

    Text colours meet WCAG AA (4.5 : 1) on `surface`, `canvas`, `card` and `field`.
    """

    name: str
    surface: str
    canvas: str
    card: str
    field: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    hover: str
    good: str
    bad: str
    track: str
    series: tuple[str, ...]
    """Fills of the memory map and strokes of plots, in order."""


DARK = Palette(
    name="dark", surface="#1e2128", canvas="#16181d", card="#252931", field="#252931",
    border="#343a45", text="#e8eaed", muted="#a0a8b4", accent="#4d9bff", on_accent="#081226",
    hover="#2c313b", good="#46b98a", bad="#ff6b61", track="#343a45",
    series=("#4d9bff", "#46b98a", "#d9a03c", "#a78bfa", "#e07bb5", "#4fc3d0", "#c0ca52", "#f08a5d"),
)  # fmt: skip
LIGHT = Palette(
    name="light", surface="#ffffff", canvas="#f3f5f7", card="#ffffff", field="#ffffff",
    border="#d9dee5", text="#1b1f24", muted="#59636e", accent="#1a66d6", on_accent="#ffffff",
    hover="#eef2f7", good="#137a46", bad="#c4302b", track="#e3e7ec",
    series=("#1a66d6", "#1f8a5b", "#b07a12", "#7a5bd0", "#b84c90", "#1f8796", "#7d8a12", "#c2602f"),
)  # fmt: skip


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two #rrggbb colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def current() -> Palette:
    """The palette that the application shows now."""
    application = QApplication.instance()
    return DARK if application is not None and application.property("theme") == "dark" else LIGHT


def apply(application: QApplication, choice: str) -> Palette:
    """Show `choice` (one of CHOICES) and return the palette that it means now."""
    dark = choice == "dark"
    if choice == "system":
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    palette = DARK if dark else LIGHT
    application.setProperty("theme", palette.name)
    application.setStyle("Fusion")
    application.setPalette(_qt_palette(palette))
    application.setStyleSheet(_stylesheet(palette))
    return palette


def _qt_palette(palette: Palette) -> QPalette:
    roles = {
        QPalette.ColorRole.Window: palette.surface,
        QPalette.ColorRole.WindowText: palette.text,
        QPalette.ColorRole.Base: palette.field,
        QPalette.ColorRole.AlternateBase: palette.hover,
        QPalette.ColorRole.Text: palette.text,
        QPalette.ColorRole.Button: palette.card,
        QPalette.ColorRole.ButtonText: palette.text,
        QPalette.ColorRole.ToolTipBase: palette.card,
        QPalette.ColorRole.ToolTipText: palette.text,
        QPalette.ColorRole.PlaceholderText: palette.muted,
        QPalette.ColorRole.Highlight: palette.accent,
        QPalette.ColorRole.HighlightedText: palette.on_accent,
        QPalette.ColorRole.Link: palette.accent,
        QPalette.ColorRole.Mid: palette.border,
    }
    result = QPalette()
    for role, colour in roles.items():
        result.setColor(role, QColor(colour))
    for role in (
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
        QPalette.ColorRole.WindowText,
    ):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(palette.muted))
    return result


def _stylesheet(palette: Palette) -> str:
    template = (Path(__file__).parent / "theme.qss").read_text(encoding="utf-8")
    colours = {name: getattr(palette, name) for name in palette.__slots__ if name != "series"}
    return Template(template).substitute(colours, icons=ICONS.as_posix())


@cache
def tabular() -> QFont:
    """The application's font with figures of equal width."""
    font = QFont(QApplication.font())
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


@cache
def fixed_width() -> QFont:
    """The font for code and logs."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPointSizeF(QApplication.font().pointSizeF())
    return font


@cache
def scaled(factor: float, bold: bool = False) -> QFont:
    """The application's font, scaled, with figures of equal width."""
    font = QFont(tabular())
    font.setPointSizeF(font.pointSizeF() * factor)
    font.setBold(bold)
    return font


@cache
def icon(name: str, colour: str) -> QIcon:
    """The icon `name` of resources/icons drawn in `colour`, crisp at 100 to 300 %."""
    result = QIcon()
    for size in (16, 24, 32, 48):
        result.addPixmap(pixmap(name, colour, size))
    return result


@cache
def pixmap(name: str, colour: str, size_px: int) -> QPixmap:
    """The icon `name` in `colour`, `size_px` pixels square."""
    svg = (ICONS / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    picture = QPixmap(size_px, size_px)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size_px, size_px))
    painter.end()
    return picture
