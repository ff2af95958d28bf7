"""From the session's state to what the views show: words and figures, no widgets."""

from __future__ import annotations

from dataclasses import dataclass

from studio.compression.step import steps
from studio.errors import ProfileError
from studio.gui import figures
from studio.gui.canvas.card import Card
from studio.gui.panels.accuracy import Measured
from studio.gui.panels.board_rows import BoardRow
from studio.project import ROOT
from studio.session.state import NodeView, Result, State
from studio.targets.library import profile

SHORT_NAMES = {"virtual/mps2-an386": "Virtual M4", "virtual/host": "Virtual host"}


@dataclass(frozen=True, slots=True)
class Running:
    """The node that a job works on now, and how far it is."""

    node: str
    share: float | None = None


def node_title(state: State, node: str) -> str:
    """The name of a card: the user's, else the step's."""
    if node == ROOT:
        return "Model"
    found = state.project.recipe.by_id[node]
    step = steps().get(found.step)
    return found.title or (step.title if step else found.step)


def cards(state: State, running: Running | None = None) -> list[Card]:
    """A card for the model and one for each node of the recipe."""
    if state.model is None:
        return []
    order = [ROOT, *(node.id for node in state.project.recipe.nodes)]
    return [_card(state, node, running) for node in order]


def parents(state: State) -> dict[str, str | None]:
    """Node to parent, parents first."""
    if state.model is None:
        return {}
    return {ROOT: None, **{node.id: node.parent for node in state.project.recipe.nodes}}


def _card(state: State, node: str, running: Running | None) -> Card:
    view, result = state.views.get(node, NodeView()), state.result(node)
    word, text = _node_state(state, node, view, result, running)
    shown = []
    if result is not None and result.evaluation is not None:
        shown.append(figures.percent(result.evaluation.accuracy))
    budget = view.budgets.get(state.project.board)
    if budget is not None:
        shown.append(figures.short_bytes(budget.flash_bytes.value))
    elif view.program is not None:
        shown.append(figures.short_bytes(view.program.weight_bytes))
    return Card(
        id=node,
        title=node_title(state, node),
        state=word,
        state_text=text,
        figures="   ".join(shown),
        detail=_detail(state, node, view, result),
        tooltip=_tooltip(state, node, view, result),
        progress=(running.share or 0.0) if running and running.node == node else None,
    )


def _node_state(
    state: State, node: str, view: NodeView, result: Result | None, running: Running | None
) -> tuple[str, str]:
    if running is not None and running.node == node:
        return "running", figures.percent(running.share or 0.0, 0)
    if node != ROOT and state.project.recipe.by_id[node].muted:
        return "muted", "muted"
    if view.error is not None or (result is not None and result.model is None):
        return "failed", "failed"
    if result is not None or node == ROOT:
        return "done", "done" if node != ROOT else "open"
    return "ready", "not run"


def _detail(state: State, node: str, view: NodeView, result: Result | None) -> str:
    if view.error is not None:
        return view.error.what
    if node == ROOT:
        model = state.model
        assert model is not None
        kind = "quantised" if model.quantized else "float32"
        return f"{state.project.name} \u00b7 {kind}"
    before = state.views.get(state.project.recipe.by_id[node].parent, NodeView())
    board = state.project.board
    parts = []
    if board in view.budgets and board in before.budgets:
        flash = (before.budgets[board].flash_bytes.value, view.budgets[board].flash_bytes.value)
        parts.append(f"{figures.change(*flash)} flash")
    if points := _points(state, node, result):
        parts.append(points)
    return "   ".join(parts)


def _points(state: State, node: str, result: Result | None) -> str:
    before = state.result(state.project.recipe.by_id[node].parent)
    if result is None or before is None or not (result.evaluation and before.evaluation):
        return ""
    points = 100 * (result.evaluation.accuracy - before.evaluation.accuracy)
    return f"{points:+.1f}{figures.THIN}pt".replace("-", figures.MINUS)


def _tooltip(state: State, node: str, view: NodeView, result: Result | None) -> str:
    lines = [node_title(state, node)]
    if view.error is not None:
        lines.append(str(view.error))
    if result is not None and result.evaluation is not None:
        evaluation = result.evaluation
        lines.append(
            f"Accuracy {figures.percent(evaluation.accuracy)}: measured, "
            f"{evaluation.n} samples of the {evaluation.split} set, onnxruntime"
        )
    budget = view.budgets.get(state.project.board)
    if budget is not None:
        flash = budget.flash_bytes
        lines.append(f"Flash {figures.exact_bytes(flash.value)}: {figures.source(flash)}")
    return "\n".join(lines)


def board_name(board: str) -> str:
    """A board's short name for people."""
    if board in SHORT_NAMES:
        return SHORT_NAMES[board]
    try:
        return profile(board).name
    except ProfileError:
        return board


def board_rows(state: State) -> list[BoardRow]:
    """A row for each board that the user compares."""
    return [_board_row(state, board) for board in state.project.boards]


def _board_row(state: State, board: str) -> BoardRow:
    name = board_name(board)
    budget = state.view.budgets.get(board)
    if budget is None:
        why = state.view.error.what if state.view.error else "open a model to see what it takes"
        return BoardRow(board, name, tooltip=f"{name}\n{why}")
    found = budget.profile
    flash_size, ram_size = found.size_bytes("flash"), found.size_bytes("ram")
    flash, ram = budget.flash_bytes, budget.ram_bytes
    over = [
        f"{figures.exact_bytes(taken.value - size)} {kind}"
        for kind, taken, size in (("flash", flash, flash_size), ("RAM", ram, ram_size))
        if taken.value > size
    ]
    lines = [f"{found.name}, {found.mcu}"]
    for kind, taken, size in (("Flash", flash, flash_size), ("RAM", ram, ram_size)):
        amount = f"{figures.exact_bytes(taken.value)} of {figures.exact_bytes(size)}"
        lines.append(f"{kind} {amount}: {figures.source(taken)}")
    return BoardRow(
        board,
        name,
        flash.value / flash_size,
        ram.value / ram_size,
        f"\u2715 over by {' and '.join(over)}" if over else "",
        "\n".join(lines),
    )


def effect(state: State) -> str:
    """What the selected step saves on the selected board, in words."""
    if state.selected == ROOT:
        return ""
    if state.view.error is not None:
        return f"{state.view.error}"
    board = state.project.board
    before = state.views.get(state.project.recipe.by_id[state.selected].parent, NodeView())
    if board not in before.budgets or board not in state.view.budgets:
        return ""
    old, new = before.budgets[board], state.view.budgets[board]
    flash = old.flash_bytes.value - new.flash_bytes.value
    ram = old.ram_bytes.value - new.ram_bytes.value
    return (
        f"Saves {figures.short_bytes(flash)} flash and {figures.short_bytes(ram)} RAM on "
        f"{board_name(board)}. Computed from the structure, before anything is run."
    )


def facts(state: State) -> str:
    """What there is to say of the source model."""
    model, data = state.model, state.dataset
    if model is None:
        return "Open a model or an example to begin."
    inputs = ", ".join("x".join(map(str, spec.shape)) for spec in model.inputs)
    outputs = ", ".join("x".join(map(str, spec.shape)) for spec in model.outputs)
    lines = [
        f"{figures.grouped(model.parameters)} parameters, "
        f"{figures.short_count(model.macs, 'MAC')} an inference.",
        f"Input {inputs}, output {outputs}.",
    ]
    if data is None:
        lines.append("No data: open some to run steps and to measure accuracy.")
    else:
        lines.append(
            f"Data {data.name}: {figures.grouped(len(data))} samples, {len(data.labels)} classes."
        )
    return "\n".join(lines)


def measured(state: State) -> list[Measured]:
    """The nodes that were evaluated, the model first."""
    order = [ROOT, *(node.id for node in state.project.recipe.nodes)] if state.model else []
    found = []
    for node in order:
        result = state.result(node)
        if result is not None and result.evaluation is not None:
            found.append(Measured(node, node_title(state, node), result.evaluation))
    return found


def status(state: State) -> list[tuple[str, str]]:
    """Text and tooltip of each figure in the status bar."""
    if state.model is None:
        return [("Ready", "")]
    shown = [(node_title(state, state.selected), "The selected node")]
    result = state.result(state.selected)
    if result is not None and result.evaluation is not None:
        evaluation = result.evaluation
        accuracy = figures.percent(evaluation.accuracy)
        where = f"Measured: {evaluation.n} samples of the {evaluation.split} set, onnxruntime"
        shown.append((f"Accuracy {accuracy} measured", where))
    budget = state.view.budgets.get(state.project.board)
    if budget is not None:
        for name, figure in (("Flash", budget.flash_bytes), ("RAM", budget.ram_bytes)):
            text = f"{name} {figures.exact_bytes(figure.value)} {figure.source}"
            shown.append((text, figures.source(figure)))
    deployed = state.deployment
    if deployed is not None and deployed.node == state.selected:
        instructions = deployed.figure("instructions")
        if instructions is not None:
            text = f"{figures.short_count(instructions.value)} instructions"
            shown.append((f"{text} {board_name(deployed.board)}", figures.source(instructions)))
    return shown
