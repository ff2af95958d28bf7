"""Tables as CSV or Markdown, plots as PNG or SVG: to the clipboard or into a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPixmap
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QAbstractItemView, QMenu, QWidget

from studio.budget import tables
from studio.gui import figures
from studio.gui.file_dialogs import ask_to_write
from studio.writing import write_whole

Guard = Callable[[Callable[..., object]], Callable[..., None]]
SCALE = 2.0
"""Pixels of a copied picture for each one on the screen."""


def cells(view: QAbstractItemView) -> list[list[str]]:
    """Headings and texts of a table or tree, hidden rows left out; numbers without thin spaces."""
    model = view.model()
    if model is None:
        return []
    columns = range(model.columnCount())
    across = Qt.Orientation.Horizontal
    head = [str(model.headerData(column, across) or "") for column in columns]
    hidden = getattr(view, "isRowHidden", None)
    is_table = hidden is not None and hasattr(view, "verticalHeader")
    rows = [
        [_plain(str(model.index(row, column).data() or "")) for column in columns]
        for row in range(model.rowCount())
        if not (is_table and hidden is not None and hidden(row))
    ]
    return [head, *rows]


def as_csv(view: QAbstractItemView) -> str:
    """A table for a spreadsheet."""
    return tables.as_csv(cells(view))


def as_markdown(view: QAbstractItemView) -> str:
    """A table for a README."""
    head, *rows = cells(view)
    return tables.as_markdown(head, rows)


def as_picture(widget: QWidget) -> QPixmap:
    """A widget as pixels, twice as fine as on the screen."""
    picture = QPixmap(widget.size() * SCALE)
    picture.setDevicePixelRatio(SCALE)
    picture.fill(Qt.GlobalColor.transparent)
    QWidget.render(widget, picture)  # a QGraphicsView has another render
    return picture


def as_png(widget: QWidget) -> bytes:
    """A widget as a file of pixels."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    as_picture(widget).save(buffer, "PNG")
    return bytes(buffer.data().data())


def as_svg(widget: QWidget, title: str) -> bytes:
    """A widget as a drawing that scales."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    drawing = QSvgGenerator()
    drawing.setOutputDevice(buffer)
    drawing.setTitle(title)
    drawing.setSize(widget.size())
    drawing.setViewBox(widget.rect())
    painter = QPainter(drawing)
    QWidget.render(widget, painter, QPoint())
    painter.end()
    return bytes(buffer.data().data())


def copy_csv(view: QAbstractItemView) -> None:
    """Put a table on the clipboard for a spreadsheet."""
    QGuiApplication.clipboard().setText(as_csv(view))


def copy_markdown(view: QAbstractItemView) -> None:
    """Put a table on the clipboard for a README."""
    QGuiApplication.clipboard().setText(as_markdown(view))


def copy_picture(widget: QWidget) -> None:
    """Put a plot on the clipboard as pixels."""
    QGuiApplication.clipboard().setPixmap(as_picture(widget))


def ask_picture(widget: QWidget) -> None:
    """Ask for a name and save a plot, as PNG or as SVG where the name says so."""
    title = widget.accessibleName() or "plot"
    name = f"{title.lower().replace(' ', '-')}.svg"
    path = ask_to_write(widget, "Save plot", name, "SVG (*.svg);;PNG (*.png)", ".svg")
    if path:
        save_picture(widget, Path(path))


def save_picture(widget: QWidget, path: Path) -> None:
    """Write a plot to a file, PNG where its name ends so, else SVG.

    Raises:
        StudioError: it cannot be written.
    """
    png = path.suffix.lower() == ".png"
    write_whole(path, as_png(widget) if png else as_svg(widget, widget.accessibleName()))


def offer_table(view: QAbstractItemView, guarded: Guard) -> None:
    """A context menu that copies the table; `guarded` shows what it cannot do."""
    _offer(view, guarded, (("Copy as CSV", copy_csv), ("Copy as Markdown", copy_markdown)))


def offer_picture(widget: QWidget, guarded: Guard) -> None:
    """A context menu that copies or saves the plot; `guarded` shows what it cannot do."""
    _offer(
        widget,
        guarded,
        (("Copy as picture", copy_picture), ("Save as SVG or PNG\u2026", ask_picture)),
    )


def _offer(
    widget: QWidget, guarded: Guard, entries: tuple[tuple[str, Callable[..., None]], ...]
) -> None:
    def show(position: QPoint) -> None:
        menu = QMenu(widget)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, act in entries:
            menu.addAction(text).triggered.connect(lambda *_, a=act: guarded(a)(widget))
        menu.popup(widget.mapToGlobal(position))

    widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    widget.customContextMenuRequested.connect(show)


def _plain(text: str) -> str:
    return text.replace(figures.THIN, " " if text[-1:].isalpha() or "%" in text else "")
