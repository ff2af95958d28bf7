"""The model at the selected point of the pipeline: its graph, and a table that can be searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsItem,
    QGraphicsPathItem,
    QGraphicsScene,
    QGraphicsView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QStyleOptionGraphicsItem,
    QVBoxLayout,
    QWidget,
)

from studio.gui import figures, theme
from studio.gui.panels.empty import empty_page
from studio.gui.panels.graph_layout import COLUMN_PX, HEIGHT_PX, WIDTH_PX, place
from studio.gui.tables import Table

if TYPE_CHECKING:
    from studio.compiler.program import Program
    from studio.session.graph import Graph, GraphNode

COLUMNS = ("Layer", "Operator", "Check", "Output", "Type", "Params")
VERDICTS = {"supported": "good", "rewritten": "accent", "refused": "bad"}
MARKS = {"supported": "\u2713", "rewritten": "\u21bb", "refused": "\u2715"}
ZOOM_RANGE = (0.1, 2.0)


class NodeItem(QGraphicsItem):
    """Draws a node: operator, name, and a bar in the colour of the operator check."""

    def __init__(self, node: GraphNode, position: tuple[float, float]) -> None:
        super().__init__()
        self.node = node
        self.picked = False
        self.setPos(*position)
        self.setToolTip(tooltip(node))

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """The frame and its pen."""
        return QRectF(-1, -1, WIDTH_PX + 2, HEIGHT_PX + 2)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the frame and two lines of text; only the frame where it is too small to read."""
        palette = theme.current()
        frame = QRectF(0, 0, WIDTH_PX, HEIGHT_PX)
        refused = self.node.verdict == "refused"
        edge = palette.accent if self.picked else palette.bad if refused else palette.border
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(edge), 2 if self.picked or refused else 1))
        painter.setBrush(QColor(palette.card))
        painter.drawRoundedRect(frame, 6, 6)
        if option.levelOfDetailFromTransform(painter.worldTransform()) < 0.4:
            return
        mark = getattr(palette, VERDICTS[self.node.verdict])
        inside = frame.adjusted(12, 6, -8, -6)
        _text(painter, inside, Qt.AlignmentFlag.AlignTop, self.node.op_type, palette.text, True)
        bottom = Qt.AlignmentFlag.AlignBottom
        _text(painter, inside, bottom, self.node.name, palette.muted, False)
        painter.setPen(QColor(mark))
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        painter.drawText(inside, right, MARKS[self.node.verdict])


def _text(
    painter: QPainter, box: QRectF, where: Qt.AlignmentFlag, text: str, ink: str, bold: bool
) -> None:
    painter.setFont(theme.scaled(0.92, bold=bold))
    painter.setPen(QColor(ink))
    metrics = QFontMetricsF(painter.font())
    width = box.width() - (20 if bold else 0)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, width)
    painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft | where), shown)


class GraphView(QGraphicsView):
    """The graph from top to bottom; Ctrl and wheel zoom, a click picks a node."""

    layer_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setScene(QGraphicsScene(self))
        self.setAccessibleName("Graph of the model")
        self.setAccessibleDescription("The table beside it lists the same layers.")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.items_: dict[str, NodeItem] = {}
        self._edges: list[QGraphicsPathItem] = []

    def show_nodes(self, nodes: Sequence[GraphNode]) -> None:
        """Show another graph from its top."""
        self.scene().clear()
        places = place([node.sources for node in nodes])
        self.items_ = {n.name: NodeItem(n, at) for n, at in zip(nodes, places, strict=True)}
        self._edges = []
        for node, (x, y) in zip(nodes, places, strict=True):
            for source in node.sources:
                self._add_edge(*places[source], x, y)
        for item in self.items_.values():
            self.scene().addItem(item)
        self.recolour()
        self.setSceneRect(self.scene().itemsBoundingRect().adjusted(-16, -16, 16, 16))
        self.resetTransform()
        if nodes:
            self.centerOn(places[0][0] + WIDTH_PX / 2, 0)

    def show_layer(self, layer: str) -> None:
        """Mark a node and bring it into view."""
        for name, item in self.items_.items():
            if item.picked != (name == layer):
                item.picked = name == layer
                item.update()
        if layer in self.items_:
            self.ensureVisible(self.items_[layer], 16, 16)

    def recolour(self) -> None:
        """Take up the colours of the theme."""
        pen = QPen(QColor(theme.current().muted), 1.25)
        for edge in self._edges:
            edge.setPen(pen)
        self.setBackgroundBrush(QColor(theme.current().canvas))

    def _add_edge(self, from_x: float, from_y: float, to_x: float, to_y: float) -> None:
        start = QPointF(from_x + WIDTH_PX / 2, from_y + HEIGHT_PX)
        end = QPointF(to_x + WIDTH_PX / 2, to_y)
        path = QPainterPath(start)
        bend = QPointF(0, max(8.0, (end.y() - start.y()) / 2))
        aside = QPointF(COLUMN_PX / 2 if end.y() - start.y() > COLUMN_PX else 0, 0)
        path.cubicTo(start + bend + aside, end - bend + aside, end)
        edge = QGraphicsPathItem(path)
        self._edges.append(edge)
        self.scene().addItem(edge)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Pick the node under the mouse, or begin to pan."""
        item = self.itemAt(event.position().toPoint())
        if isinstance(item, NodeItem):
            self.layer_chosen.emit(item.node.name)
        else:
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show the whole graph."""
        self.fitInView(self.sceneRect(), Qt.AspectRatioMode.KeepAspectRatio)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Ctrl and wheel zoom; the wheel alone scrolls."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            now = self.transform().m11()
            wanted = now * 1.0015 ** event.angleDelta().y()
            factor = min(max(wanted, ZOOM_RANGE[0]), ZOOM_RANGE[1]) / now
            self.scale(factor, factor)
            event.accept()
        else:
            super().wheelEvent(event)


class ModelPanel(QStackedWidget):
    """The graph beside the table of its nodes; picking in one picks in the other."""

    layer_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.graph = GraphView()
        self.table = Table("Layers of the model", COLUMNS, 5, first_px=80)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a layer, operator or shape")
        self.search.setAccessibleName("Find a layer")
        self.search.setClearButtonEnabled(True)
        self.verdict = QLabel()
        self.verdict.setProperty("role", "muted")
        self.nodes: tuple[GraphNode, ...] = ()
        self._graph: Graph | None = None
        self._transposes = ""
        self.addWidget(empty_page("Open a model to see its graph and which operators run."))
        self.addWidget(self._page())
        self.search.textChanged.connect(self._filter)
        self.graph.layer_chosen.connect(self.layer_chosen)
        self.table.itemSelectionChanged.connect(self._picked)

    def _page(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(8, 8, 0, 0)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 16, 0)
        head.setSpacing(16)
        head.addWidget(self.search, 1)
        head.addWidget(self.verdict)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        page = QSplitter()
        page.addWidget(self.graph)
        page.addWidget(side)
        page.setSizes([192, 552])
        page.setStretchFactor(1, 1)
        page.setHandleWidth(1)
        return page

    def show_graph(self, graph: Graph | None) -> None:
        """Show another model; None while it is being read leaves what there is."""
        if graph is self._graph:
            return
        self._graph = graph
        self.nodes = graph.nodes if graph else ()
        self.setCurrentIndex(1 if self.nodes else 0)
        self.graph.show_nodes(self.nodes)
        self.table.show_rows([_texts(node) for node in self.nodes], "Read from the graph")
        for row, node in enumerate(self.nodes):
            for cell in filter(None, (self.table.item(row, 0), self.table.item(row, 2))):
                cell.setToolTip(tooltip(node))
        self._say()
        self._filter(self.search.text())

    def show_transposes(self, program: Program | None) -> None:
        """Say how many layout changes remain in the model's code."""
        n = program.transposes if program is not None else 0
        self._transposes = (
            f"{n} transpose{'s' if n > 1 else ''} remain{'s' if n == 1 else ''}" if n else ""
        )
        self._say()

    def _say(self) -> None:
        parts = (summary(self.nodes), self._transposes)
        self.verdict.setText("   ".join(part for part in parts if part))

    def node_of(self, layer: str) -> str:
        """The node that computes what another stage of the pipeline calls by its value."""
        return next((node.name for node in self.nodes if node.value == layer), layer)

    def show_layer(self, layer: str) -> None:
        """Mark a layer."""
        self.graph.show_layer(layer)
        row = next((i for i, node in enumerate(self.nodes) if node.name == layer), None)
        self.table.blockSignals(True)
        self.table.clearSelection() if row is None else self.table.selectRow(row)
        self.table.blockSignals(False)

    def recolour(self) -> None:
        """Take up the colours of the theme."""
        self.graph.recolour()

    def _filter(self, query: str) -> None:
        words = query.lower().split()
        for row, node in enumerate(self.nodes):
            text = " ".join(_texts(node)).lower()
            self.table.setRowHidden(row, not all(word in text for word in words))

    def _picked(self) -> None:
        if self.table.selectedItems():
            self.layer_chosen.emit(self.nodes[self.table.currentRow()].name)


def summary(nodes: Sequence[GraphNode]) -> str:
    """How many operators run, in words."""
    counts = {verdict: sum(node.verdict == verdict for node in nodes) for verdict in VERDICTS}
    return "   ".join(f"{MARKS[v]} {n} {v}" for v, n in counts.items() if n)


def tooltip(node: GraphNode) -> str:
    """What there is to say of a node."""
    shape = "x".join(map(str, node.shape))
    verdict = f"{node.verdict.capitalize()}. {node.reason}".strip()
    return f"{node.name}: {node.op_type}, {shape}\n{verdict}"


def _texts(node: GraphNode) -> tuple[str, ...]:
    return (
        node.name,
        node.op_type,
        f"{MARKS[node.verdict]} {node.verdict}",
        "x".join(map(str, node.shape)),
        node.dtype,
        figures.grouped(node.parameters) if node.parameters else "",
    )
