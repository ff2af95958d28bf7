"""The widgets of the window and where they stand; shows a State, knows no session."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QSize
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QWidget,
)

from studio.gui import figures, present
from studio.gui.canvas.view import PipelineView
from studio.gui.docks import TITLE_PX, Docks, Place
from studio.gui.export import offer_picture, offer_table
from studio.gui.layout import action_button, below, column, flat_button, heading, recolour, scrolled
from studio.gui.notices import Notices
from studio.gui.panels.accuracy import AccuracyPanel
from studio.gui.panels.board_chooser import OWN
from studio.gui.panels.budget import BudgetPanel
from studio.gui.panels.code import CodePanel
from studio.gui.panels.deploy import DeployPanel
from studio.gui.panels.layer_list import LayerList
from studio.gui.panels.layers import LayersPanel
from studio.gui.panels.live import LivePanel
from studio.gui.panels.log import LogPanel
from studio.gui.panels.memory_map import MemoryMap
from studio.gui.panels.model import ModelPanel
from studio.gui.panels.outline import OutlinePanel
from studio.gui.panels.settings import SettingsPanel
from studio.gui.panels.steps import StepsPanel
from studio.gui.panels.trade_off import TradeOffPanel
from studio.gui.panels.welcome import Welcome
from studio.gui.status import StatusBar
from studio.gui.tables import Table
from studio.project import ROOT
from studio.session.state import State

if TYPE_CHECKING:
    from studio.gui.main_window import MainWindow

PLANS = {
    ("layerwise", "whole"): "Layer by layer",
    ("small", "whole"): "Small",
    ("balanced", "whole"): "Balanced",
    ("fast", "whole"): "Fast",
    ("small", "rows"): "Small, streamed",
}
"""Plan and input to choose from in the bar."""


OWN_PX, MOST_BOARD_PX = 24, 240


class Parts:
    """Everything that the window holds."""

    def __init__(self, window: MainWindow) -> None:
        self.canvas, self.outline = PipelineView(), OutlinePanel()
        self.steps, self.layer_list = StepsPanel(), LayerList()
        self.budget, self.settings = BudgetPanel(), SettingsPanel()
        self.memory, self.model, self.layers = MemoryMap(), ModelPanel(), LayersPanel()
        self.accuracy, self.trade_off, self.code = AccuracyPanel(), TradeOffPanel(), CodePanel()
        self.deploy, self.live, self.log = DeployPanel(), LivePanel(), LogPanel()
        self.notices, self.status, self.welcome = Notices(TITLE_PX), StatusBar(), Welcome()
        self._window = window
        self._buttons: list[QPushButton] = []
        self._actions = window.actions_
        self._actions.fill(window.menuBar())
        self._actions.bind_to_pipeline(self.canvas, self.outline)
        self._recent = self._recent_menu()
        self.board, self.plan = QComboBox(), QComboBox()
        self.search, self.own = QPushButton(), QPushButton()
        self._middle = QStackedWidget()
        self.pipeline = self._pipeline()
        self.bar = self._bar()
        self.docks = Docks(window, self._places())
        self._panels_menu()
        window.setMenuWidget(column(window.menuBar(), self.bar))
        window.setCentralWidget(self.pipeline)
        window.setStatusBar(self.status)
        self.layer = ""
        self._measured: tuple[Any, ...] = (None,)
        for panel in self._layer_panels:
            panel.layer_chosen.connect(self.pick_layer)
        for plot in self.plots:
            offer_picture(plot, window.guarded)
        for table in window.findChildren(Table):
            offer_table(table, window.guarded)

    @property
    def plots(self) -> tuple[QWidget, ...]:
        """The plots that can be copied and saved."""
        accuracy = self.accuracy
        chart = self.trade_off.chart
        return self.memory, chart, accuracy.matrix, accuracy.noise, self.live.plot

    @property
    def table(self) -> Table | None:
        """The table of the panel in view."""
        page = self.docks.current
        tables = [page] if isinstance(page, Table) else page.findChildren(Table)
        return next((table for table in tables if table.isVisible()), None)

    @property
    def plot(self) -> QWidget | None:
        """The plot of the panel in view."""
        page = self.docks.current
        here = (plot for plot in self.plots if plot is page or page.isAncestorOf(plot))
        return next((plot for plot in here if plot.isVisible()), None)

    @property
    def _layer_panels(self) -> tuple[Any, ...]:
        """The panels that show and pick layers."""
        return self.memory, self.model, self.layers, self.layer_list, self.accuracy

    def pick_layer(self, layer: str) -> None:
        """Mark a layer in every panel."""
        known = {node.name for node in self.model.nodes}
        self.layer = layer if layer in known else self.model.node_of(layer)
        for panel in self._layer_panels:
            panel.show_layer(self.layer)

    # ---- putting together ------------------------------------------------------------------

    def _bar(self) -> QFrame:
        bar = QFrame()
        bar.setObjectName("bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(8)
        for name, text, icon in (
            ("run", "Run", "run"),
            ("generate", "Generate C", "generate"),
            ("flash", "Flash", "flash"),
            ("live", "Live", "live"),
        ):
            button = action_button(self._actions.by_id[name], text, icon, primary=name == "run")
            self._buttons.append(button)
            row.addWidget(button)
        label = QLabel("Board")
        label.setProperty("role", "muted")
        label.setBuddy(self.board)
        self.board.setAccessibleName("Board to generate for and to flash")
        self.board.setToolTip("The board that Generate, Flash and Live work for")
        self.board.setMinimumWidth(112)
        self.board.setMaximumWidth(MOST_BOARD_PX)
        row.addWidget(label)
        row.addLayout(self._board_choice())
        row.addWidget(self._plan_label())
        row.addWidget(self.plan)
        row.addStretch(1)
        row.addWidget(self._search_button())
        return bar

    def _board_choice(self) -> QHBoxLayout:
        """The boards that are compared, and the way to those that are not in the list."""
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.board)
        row.addWidget(self.own)
        self.own.setFixedWidth(OWN_PX)
        self.own.setProperty("flat", "true")
        self.own.setProperty("icon_name", "plus")
        self.own.setIconSize(QSize(14, 14))
        self.own.setToolTip("Add a board of your own")
        self.own.setAccessibleName("Add a board of your own")
        menu = QMenu("Boards of your own", self.own)
        menu.addActions([self._actions.by_id[name] for name in ("compare_boards", *OWN)])
        self.own.clicked.connect(
            lambda: menu.popup(self.own.mapToGlobal(QPoint(0, self.own.height() + 4)))
        )
        self._buttons.append(self.own)
        return row

    @property
    def chosen_plan(self) -> dict[str, str]:
        """Plan and input as the bar says."""
        plan, given = list(PLANS)[self.plan.currentIndex()]
        return {"plan": plan, "input": given}

    def _plan_label(self) -> QLabel:
        label = QLabel("Memory")
        label.setProperty("role", "muted")
        label.setBuddy(self.plan)
        self.plan.setAccessibleName("How memory is planned")
        self.plan.setToolTip(
            "Layer by layer holds every tensor whole. Small runs layers row by row over rings of"
            " a few rows, and writes outputs over inputs that are done with. Balanced does so as"
            " far as it adds few instructions, Fast only where it adds none.\n"
            "With streamed input the firmware brings the rows of the input as the run goes, so"
            " that the arena holds a few of them only."
        )
        self.plan.addItems(list(PLANS.values()))
        return label

    def _search_button(self) -> QPushButton:
        self.search.setObjectName("search")
        self.search.setText(" Search   Ctrl+Shift+P")
        self.search.setToolTip("Search or run a command")
        self.search.setAccessibleName("Command palette")
        self.search.setProperty("icon_name", "search")
        self.search.setIconSize(QSize(14, 14))
        self.search.clicked.connect(self._actions.by_id["command_palette"].trigger)
        self._buttons.append(self.search)
        return self.search

    def _places(self) -> tuple[Place, ...]:
        return (
            Place(below(self.steps.search, self.steps), "Steps", "left"),
            Place(self.layer_list, "Layers", "left", 280),
            Place(scrolled(self.budget), "Budget", "right", 296),
            Place(scrolled(self.settings), "Step", "right"),
            Place(self.memory, "Memory map", "bottom"),
            Place(self.model, "Model", "bottom"),
            Place(self.layers, "Layer table", "bottom"),
            Place(self.accuracy, "Accuracy", "bottom"),
            Place(self.trade_off, "Trade-off", "bottom"),
            Place(self.code, "Code", "bottom"),
            Place(self.deploy, "Deploy", "bottom"),
            Place(self.live, "Live", "bottom"),
            Place(self.log, "Log", "bottom"),
        )

    def _panels_menu(self) -> None:
        menu = self._menu("View")
        panels = QMenu("Panels", menu)
        panels.addActions(self.docks.toggles)
        menu.insertMenu(self._actions.by_id["reset_layout"], panels)

    def _pipeline(self) -> QWidget:
        for page in (self.welcome, self.canvas, self.outline):
            self._middle.addWidget(page)
        head = self._pipeline_head()
        pipeline = column(head, self._middle, stretch=self._middle)
        self.notices.lie_over(pipeline)
        pipeline.setObjectName("canvas")
        # Explicit: what a panel would like never squeezes its neighbours.
        pipeline.setMinimumSize(400, 160)
        return pipeline

    def _pipeline_head(self) -> QWidget:
        fit, self._zoom = flat_button("Fit", "Fit pipeline"), flat_button("100 %", "Natural size")
        self._tree = flat_button("Tree", "Pipeline as tree")
        self._tree.setCheckable(True)
        fit.clicked.connect(self.canvas.fit)
        self._zoom.clicked.connect(lambda: self.canvas.set_zoom(1.0))
        self._tree.clicked.connect(self._window.show_tree)
        self.canvas.zoomed.connect(lambda scale: self._zoom.setText(figures.percent(scale, 0)))
        self._head_buttons = (fit, self._zoom, self._tree)
        head = heading("PIPELINE", *self._head_buttons)
        head.setObjectName("canvas")
        return head

    def _recent_menu(self) -> QMenu:
        menu = self._menu("File")
        recent = QMenu("Open recent", menu)
        menu.insertMenu(self._actions.by_id["open_data"], recent)
        return recent

    def _menu(self, title: str) -> QMenu:
        menu = self._window.menuBar().findChild(QMenu, f"menu{title}")
        assert isinstance(menu, QMenu)
        return menu

    def fill_recent(self, names: Sequence[str], unsaved: Sequence[Path]) -> None:
        """List what was opened last, and offer changes that were not saved."""
        self._recent.clear()
        for name in names:
            action = self._recent.addAction(name)
            action.triggered.connect(lambda *_, n=name: self._window.open(n))
        self._recent.setEnabled(bool(names))
        self.welcome.show_recent(names, unsaved)

    # ---- showing ---------------------------------------------------------------------------

    @property
    def shows_noise(self) -> bool:
        """Whether the noise of the layers is in view."""
        return self.docks.shows(self.accuracy) and self.accuracy.shows_noise

    @property
    def shows_tree(self) -> bool:
        """Whether the tree is shown in place of the canvas."""
        return self._tree.isChecked()

    def show_tree(self, on: bool) -> None:
        """Show the tree, or the canvas."""
        self._tree.setChecked(on)

    def corner_of(self, node: str) -> QPoint:
        """Where a card or row begins on the screen."""
        if self.shows_tree:
            return self.outline.viewport().mapToGlobal(self.outline.rect_of(node).topLeft())
        return self.canvas.mapToGlobal(self.canvas.mapFromScene(self.canvas.cards[node].pos()))

    def beside(self, node: str) -> QPoint:
        """The place on the screen for a menu of a card or row."""
        if self.shows_tree:
            return self.outline.viewport().mapToGlobal(self.outline.rect_of(node).bottomLeft())
        port = self.canvas.mapFromScene(self.canvas.cards[node].right_port)
        return self.canvas.mapToGlobal(port)

    def show_state(self, state: State, running: present.Running | None) -> None:
        """Bring every part up to date."""
        self._show_pipeline(state, running)
        self.budget.show_rows(present.board_rows(state), state.project.board)
        self.budget.show_application(present.application(state))
        self.budget.advice.show_lines(*present.advice(state))
        self.budget.application.setEnabled(state.model is not None)
        self._show_board(state)
        self._show_step(state)
        view = state.view
        budget = view.budgets.get(state.project.board)
        why = present.why_nothing(view)
        self.memory.show_program(view.program, budget.peak[0] if budget else "", why)
        self.layers.show_program(view.program)
        self.layer_list.show_program(view.program, why)
        self._show_measured(state)
        if state.model is None or state.current_graph is not None:
            self.model.show_graph(state.current_graph)
        self.model.show_transposes(view.program)
        self._show_code(state)
        self.deploy.show_stations(*present.deployment(state, running))
        self.live.show_board(present.live_board(state))
        self.deploy.show_choices(state.project.toolchain, present.chosen_board(state))
        self.status.show_figures(present.status(state))

    def show_refused(self, state: State, work: str) -> None:
        """Say at once which operators of a model that was opened cannot run on a board."""
        error = present.refused(state)
        if error is not None:
            self.docks.bring(self.model)
            self.notices.error(error, work=work)

    def _show_measured(self, state: State) -> None:
        asked = (state.project, state.results, state.views, state.noise, state.selected)
        if all(new is old for new, old in zip(asked, self._measured, strict=False)):
            return
        self._measured = asked
        self.accuracy.show_results(present.measured(state), state.selected)
        noise = state.current_noise
        self.accuracy.show_noise(noise, noise.nodes if noise else ())
        points, limits = present.trade_off(state), present.limits(state)
        self.trade_off.show_points(points, limits, state.selected)

    def _show_code(self, state: State) -> None:
        program, difference = state.view.program, state.current_difference
        titles = {node: present.variant_title(state, node) for node in present.nodes(state)}
        self.code.show_variants(titles, state.selected)
        self.code.show_files(
            state.current_code,
            program.name if program else "",
            difference.files if difference else None,
        )

    def show_running(self, state: State, running: present.Running) -> None:
        """Show how far the job is, on the cards and in the Deploy panel."""
        self._show_pipeline(state, running)
        self.deploy.show_stations(*present.deployment(state, running))

    def _show_pipeline(self, state: State, running: present.Running | None) -> None:
        page: QWidget = self.welcome if state.model is None else self.canvas
        for button in self._head_buttons:
            button.setVisible(state.model is not None)
        if state.model is not None and self.shows_tree:
            page = self.outline
        self._middle.setCurrentWidget(page)
        cards, parents = present.cards(state, running), present.parents(state)
        self.canvas.show_graph(cards, parents, state.project.positions, state.selected)
        if page is self.outline:
            self.outline.show_graph(cards, parents, state.selected)

    def _show_board(self, state: State) -> None:
        project = state.project
        extra = () if project.board in project.boards else (project.board,)
        boards = (*project.boards, *extra)
        named = [(present.board_name(board), board) for board in boards]
        shown = range(self.board.count())
        if named != [(self.board.itemText(at), self.board.itemData(at)) for at in shown]:
            self.board.clear()
            for name, board in named:
                self.board.addItem(name, board)
        self.board.setCurrentIndex(boards.index(project.board))
        asked = (project.plan, project.input)
        self.plan.setCurrentIndex(list(PLANS).index(asked) if asked in PLANS else -1)

    def _show_step(self, state: State) -> None:
        if state.selected == ROOT:
            title, about = state.project.name or "No model", present.facts(state)
            if state.model is None:
                self.settings.show_nothing(title, about)
            else:
                has_data = state.dataset is not None
                self.settings.show_choices(title, about, state.project.choices, has_data)
            return
        node = state.project.recipe.by_id[state.selected]
        title = present.node_title(state, node.id)
        self.settings.show_step(node.kind, title, node.settings, present.effect(state))

    # ---- colours ---------------------------------------------------------------------------

    def recolour(self) -> None:
        """Take up the colours of the theme where the stylesheet does not reach."""
        self.docks.recolour()
        self.live.recolour()
        self.code.recolour()
        self.welcome.recolour()
        self.deploy.recolour()
        self.steps.recolour()
        self.layer_list.recolour()
        self.recolour_buttons()
        self.model.recolour()
        for widget in (self.canvas.viewport(), self.memory, *self.budget.rows.values()):
            widget.update()

    def recolour_buttons(self) -> None:
        """Icons of the bar follow theme and enabled state."""
        for name, button in zip(("run", "generate", "flash", "live"), self._buttons, strict=False):
            button.setEnabled(self._actions.by_id[name].isEnabled())
        recolour(self._buttons)
