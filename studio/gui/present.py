"""From the session's state to what the views show: words and figures, no widgets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.compression.step import steps
from studio.errors import StudioError, Unsupported
from studio.gui import figures
from studio.gui.canvas.card import Card, Mini
from studio.gui.panels.accuracy import Measured
from studio.gui.panels.advice import Line
from studio.gui.panels.board_rows import BoardRow
from studio.gui.panels.station_row import Station
from studio.gui.panels.trade_off import Limit, Point
from studio.gui.step_groups import icon_of
from studio.project import ROOT, Application, branch
from studio.session import state as deploying
from studio.session.board_work import STATIONS
from studio.session.state import NodeView, Result, State
from studio.targets.figure import Figure
from studio.targets.library import called, known, names_file
from studio.targets.profile import Profile

if TYPE_CHECKING:
    from studio.budget import Budget, Reserve
    from studio.budget.advice import Change

SHORT_NAMES = {
    "virtual/host": "Virtual host",
    "virtual/mps2-an385": "Virtual M3",
    "virtual/mps2-an386": "Virtual M4",
    "virtual/mps2-an500": "Virtual M7",
    "virtual/mps2-an505": "Virtual M33",
    "virtual/mps3-an547": "Virtual M55",
    "stm32f746g_disco": "F746G Discovery",
    "nano33ble_sense": "Nano 33 BLE",
    "rpi_pico": "Raspberry Pico",
    "bluepill_f103c8": "Blue Pill F103",
    "survey_cortex_m0plus_4k": "M0+, 4 kB RAM",
    "survey_cortex_m0plus_8k": "M0+, 8 kB RAM",
    "survey_cortex_m7": "M7, 384 kB RAM",
    "survey_hifive1": "HiFive1",
    "survey_samg55": "SAMG55",
    "survey_vegaboard": "VEGAboard",
}
"""Names that fit a row of the budget; the tooltip has the whole one."""
NOTABLE = 0.5
"""Percentage points of accuracy that deserve a second look."""
FIGURE_NAMES = {"ram": "RAM", "compared": "compared"}


@dataclass(frozen=True, slots=True)
class Running:
    """How far the job in the foreground is.

    Attributes:
        node: the node that it works on now, or None.
        share: of the work, that is done.
        text: what it does now.
        board: the board that it is for.
    """

    node: str | None
    share: float | None = None
    text: str = ""
    board: str = ""


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
    return [_card(state, node, running) for node in nodes(state)]


def nodes(state: State) -> list[str]:
    """The model and the nodes of the recipe, parents first."""
    return [ROOT, *(node.id for node in state.project.recipe.nodes)] if state.model else []


def variant_title(state: State, node: str) -> str:
    """The name of a card, with the letter of its variant where there are several."""
    letter = _letter(state, node)
    return f"{letter}  {node_title(state, node)}" if letter else node_title(state, node)


def trade_off(state: State) -> list[Point]:
    """The measured nodes with what they cost on the selected board."""
    leaves = {variant.id for variant in state.project.recipe.variants} or {ROOT}
    found = []
    for node in nodes(state):
        result, view = state.result(node), state.views.get(node, NodeView())
        budget = view.budgets.get(state.project.board)
        if result is None or result.evaluation is None or budget is None:
            continue
        boards = [b for name, b in view.budgets.items() if name in state.project.boards]
        costs = {
            "flash": budget.flash_bytes.value,
            "ram": budget.ram_bytes.value,
            "macs": budget.macs.value,
        }
        for key, figure in (("instructions", budget.instructions), ("time", budget.latency_us)):
            if figure is not None:
                costs[key] = figure.value
        fitting = f"{sum(b.fits for b in boards)}/{len(boards)}"
        title, accuracy = variant_title(state, node), result.evaluation.accuracy
        label = _letter(state, node) or node_title(state, node)
        found.append(Point(node, title, label, node in leaves, accuracy, costs, fitting))
    return found


def limits(state: State) -> list[Limit]:
    """What stack and application leave of the compared boards, and the user's limit."""
    found = []
    for board, budget in state.view.budgets.items():
        sizes = {kind: float(budget.profile.size_bytes(kind)) for kind in ("flash", "ram")}
        sizes["ram"] -= budget.stack_bytes.value + budget.reserve.ram_bytes
        sizes["flash"] -= budget.reserve.flash_bytes
        found.append(Limit(board_name(board), sizes))
    if most_ms := state.project.latency_limit_ms:
        found.append(Limit("latency limit", {"time": 1000 * most_ms}))
    return found


def parents(state: State) -> dict[str, str | None]:
    """Node to parent, parents first."""
    if state.model is None:
        return {}
    return {ROOT: None, **{n.id: n.parent or ROOT for n in state.project.recipe.nodes}}


def parent_of(state: State, node: str) -> str:
    """The node whose result `node` works on."""
    return state.project.recipe.by_id[node].parent or ROOT


def places(state: State, node: str) -> list[str]:
    """The nodes that `node` can be moved below."""
    taken = {*branch(state.project.recipe, node), parent_of(state, node)}
    return [other for other in nodes(state) if other not in taken]


def children(state: State, node: str) -> list[str]:
    """The nodes that work on the result of `node`."""
    return [other.id for other in state.project.recipe.nodes if (other.parent or ROOT) == node]


def _card(state: State, node: str, running: Running | None) -> Card:
    view, result = state.views.get(node, NodeView()), state.result(node)
    word, text = _node_state(state, node, view, result, running)
    return Card(
        id=node,
        title=node_title(state, node),
        state=word,
        state_text=text,
        figures=(_accuracy(state, node, result), *_memory(state, node, view)),
        detail=view.error.what if view.error is not None else "",
        tooltip=_tooltip(state, node, view, result),
        progress=(running.share or 0.0) if running and running.node == node else None,
        letter=_letter(state, node),
        icon="model" if node == ROOT else icon_of(state.project.recipe.by_id[node].kind.group),
    )


def _accuracy(state: State, node: str, result: Result | None) -> Mini:
    """The measured accuracy, and how it differs from the card before."""
    about = ""
    if node == ROOT and state.model is not None:
        about = "int8" if state.model.quantized else "float32"
    if result is None or result.evaluation is None:
        return Mini("\u2013", about)
    share, points = result.evaluation.accuracy, _points(state, node, result)
    lost = points is not None and points <= -NOTABLE
    text = about if points is None else f"{points:+.1f}{figures.THIN}pt"
    return Mini(
        figures.percent(share), text.replace("-", figures.MINUS), share, "text" if lost else "muted"
    )


def _memory(state: State, node: str, view: NodeView) -> list[Mini]:
    """Flash and RAM on the selected board; bars show the share of what the source takes."""
    board = state.project.board
    budget = view.budgets.get(board)
    if budget is None:
        return []
    source = state.views.get(ROOT, NodeView()).budgets.get(board)
    above = state.views.get(parent_of(state, node)) if node != ROOT else None
    before = above.budgets.get(board) if above else None
    found = []
    for name, kind in (("flash", "flash_bytes"), ("RAM", "ram_bytes")):
        value = getattr(budget, kind).value
        old = getattr(before, kind).value if before else 0
        share = value / (getattr(source, kind).value or 1) if source else None
        over = bool(getattr(budget, f"over_{kind}"))
        change = f"{name} {figures.change(old, value)}".rstrip()
        tone = "good" if value < 0.99 * old else "text" if old and value > 1.01 * old else "muted"
        if over:
            change, tone = f"{name} over", "bad"
        found.append(Mini(figures.short_bytes(value), change, share, tone, over))
    return found


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
    if node in state.ran:
        return "stale", "stale"
    return "ready", "not run"


def _letter(state: State, node: str) -> str:
    """A, B, ... where there is more than one variant to tell apart."""
    variants = [variant.id for variant in state.project.recipe.variants]
    return chr(ord("A") + variants.index(node)) if node in variants[:26] and variants[1:] else ""


def _points(state: State, node: str, result: Result) -> float | None:
    """Percentage points that a node gains against the one before; None where not known."""
    before = state.result(parent_of(state, node)) if node != ROOT else None
    if before is None or not (result.evaluation and before.evaluation):
        return None
    return 100 * (result.evaluation.accuracy - before.evaluation.accuracy)


def _tooltip(state: State, node: str, view: NodeView, result: Result | None) -> str:
    lines = [node_title(state, node)]
    if view.error is not None:
        lines.append(str(view.error))
    if result is not None and result.error is not None:
        lines.append(f"Not measured: {result.error}")
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


def why_nothing(view: NodeView) -> str:
    """Why there is no program to show, and what to do; "" where that is not known."""
    if view.error is None:
        return ""
    said = (f"Nothing to show: {view.error.what}", view.error.hint)
    return ". ".join(part[:1].upper() + part[1:] for part in said if part) + "."


def chosen_board(state: State) -> Profile | None:
    """The profile of the selected board; None where its file was not read yet."""
    return known(state.project.board)


def board_name(board: str) -> str:
    """A board's short name for people."""
    return SHORT_NAMES.get(board) or called(board)


def board_rows(state: State) -> list[BoardRow]:
    """A row for each board that the user compares."""
    return [_board_row(state, board) for board in state.project.boards]


def _board_row(state: State, board: str) -> BoardRow:
    name = board_name(board)
    budget = state.view.budgets.get(board)
    if budget is None:
        refused = state.view.refused.get(board)
        error = state.view.error or refused
        why = str(error) if error else "Open a model to see what it takes"
        told = f"\u2715 {refused.what}" if refused and not application_error(state) else ""
        return BoardRow(board, name, over=told, tooltip=f"{name}\n{why}")
    found, own = budget.profile, budget.reserve
    flash_size, ram_size = found.size_bytes("flash"), found.size_bytes("ram")
    flash = budget.flash_bytes.value + own.flash_bytes
    ram = budget.ram_bytes.value + budget.stack_bytes.value + own.ram_bytes
    over = _over(budget)
    layer, buffers = budget.peak
    lines = [
        f"{found.name}, {found.mcu}, {found.core}",
        *([board] if names_file(board) else []),
        f"Flash {figures.exact_bytes(flash)} of {figures.exact_bytes(flash_size)}",
        *(f"    {part} {figures.exact_bytes(size)}" for part, size in budget.flash_parts.items()),
        *_taken_line("application", own.flash_bytes),
        f"    {figures.source(budget.flash_bytes)}",
        f"RAM {figures.exact_bytes(ram)} of {figures.exact_bytes(ram_size)}",
        f"    arena {figures.exact_bytes(budget.arena_bytes.value)}, "
        f"stack {figures.exact_bytes(budget.stack_bytes.value)}",
        *_taken_line("weights", int(budget.copied_bytes.value)),
        *_taken_line("application", own.ram_bytes),
        f"    {figures.source(budget.ram_bytes)}",
        f"Fullest at {layer}: {', '.join(buffers[:3])}",
        *_effort_lines(budget),
    ]
    return BoardRow(
        board,
        name,
        flash / flash_size,
        ram / ram_size,
        f"\u2715 over by {' and '.join(over)}, see {_culprit(budget)}" if over else "",
        "\n".join(lines),
        (own.flash_bytes / flash_size, own.ram_bytes / ram_size),
        _takes(own),
    )


def _effort_lines(budget: Budget) -> list[str]:
    """Time and energy of an inference, as far as they are known."""
    time, energy = budget.latency_us, budget.energy_uj
    if time is None:
        return ["Time of an inference: not known"]
    joules = f", {figures.short_energy(energy.value)}" if energy else ", energy not known"
    told = f"An inference {figures.short_time(time.value)}{joules}"
    return [told, f"    {figures.source(energy or time)}"]


def advice(state: State) -> tuple[str, list[Line]]:
    """What would make the selected node fit the selected board; "" where it does."""
    if state.over is None:
        return "", []
    found, name = state.current_advice, board_name(state.project.board)
    if found is None:
        return f"Looking for what would make it fit {name}\u2026", []
    if not found.changes:
        return f"No single change makes it fit {name}: prune it, or distil it first", []
    return f"To fit {name}", [_advice_line(change) for change in found.changes]


def _advice_line(change: Change) -> Line:
    budget, less = change.budget, {"flash": change.flash_bytes, "RAM": change.ram_bytes}
    what = change.what[:1].upper() + change.what[1:]
    if change.kind == "board":
        what, less = board_name(budget.profile.id), {}
    over = _over(budget)
    told = [f"{kind} {_signed(-size)}" for kind, size in less.items() if size]
    told.append(f"still over by {' and '.join(over)}" if over else "fits")
    missing = figures.short_bytes(budget.over_flash_bytes + budget.over_ram_bytes)
    tooltip = f"{', '.join(told)}\nComputed: the budget of the model after this change"
    return Line(what, f"{missing} over" if over else "fits", not over, tooltip)


def _over(budget: Budget) -> list[str]:
    lack = {"flash": budget.over_flash_bytes, "RAM": budget.over_ram_bytes}
    return [f"{figures.short_bytes(size)} {kind}" for kind, size in lack.items() if size]


def _signed(size: float) -> str:
    sign = "+" if size > 0 else figures.MINUS
    return f"{sign}{figures.short_bytes(abs(size))}"


def _culprit(budget: Budget) -> str:
    """Where to look first: the fullest layer, or what else takes most."""
    if not budget.over_ram_bytes:
        return budget.most_of_flash
    parts = {
        budget.peak[0].rpartition("/")[2]: budget.arena_bytes.value,
        "weights in RAM": budget.copied_bytes.value,
        "application": budget.reserve.ram_bytes,
    }
    return max(parts, key=parts.__getitem__)


def _taken_line(what: str, size_bytes: int) -> list[str]:
    return [f"    {what} {figures.exact_bytes(size_bytes)}"] if size_bytes else []


def _takes(own: Reserve | Application) -> str:
    if not own.flash_bytes and not own.ram_bytes:
        return ""
    flash, ram = figures.short_bytes(own.flash_bytes), figures.short_bytes(own.ram_bytes)
    return f"{flash} flash, {ram} RAM"


def application(state: State) -> str:
    """What the user's application takes, or the name of its file where that is not known."""
    budget = next(iter(state.view.budgets.values()), None)
    own = state.project.application
    if budget is not None:
        return _takes(budget.reserve)
    if not own.file:
        return _takes(own)
    return "cannot be used" if application_error(state) else Path(own.file).name


def application_error(state: State) -> StudioError | None:
    """Why the file of the user's application keeps every budget away; None where it does not."""
    if not state.project.application.file:
        return None
    path, errors = Path(state.project.application.file), state.view.refused.values()
    return next((error for error in errors if error.where in (str(path), path.name)), None)


def effect(state: State) -> str:
    """What the selected step saves on the selected board, in words."""
    if state.selected == ROOT:
        return ""
    if state.view.error is not None:
        return f"{state.view.error}"
    board = state.project.board
    before = state.views.get(parent_of(state, state.selected), NodeView())
    if board not in before.budgets or board not in state.view.budgets:
        return ""
    old, new = before.budgets[board], state.view.budgets[board]
    flash = old.flash_bytes.value - new.flash_bytes.value
    ram = old.ram_bytes.value - new.ram_bytes.value
    name = board_name(board).replace(" ", "\u00a0")
    return (
        f"Saves {figures.short_bytes(flash)} flash and {figures.short_bytes(ram)} RAM on {name}.\n"
        "Computed from the structure, before anything is run."
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
    lines += _check_lines(state, state.views.get(ROOT, NodeView()))
    return "\n".join(lines)


def _check_lines(state: State, view: NodeView) -> list[str]:
    """What the operator check says of the source model, and what remains of its layouts."""
    lines = []
    if state.graph is not None and state.graph.model is state.model:
        counts = Counter(node.verdict for node in state.graph.nodes)
        lines.append(f"Operators: {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}.")
    if view.error is not None:
        lines.append(f"Cannot run on a board: {view.error}")
    elif view.program is not None and view.program.transposes:
        lines.append(f"Transposes that remain in its code: {view.program.transposes}.")
    return lines


def refused(state: State) -> Unsupported | None:
    """What the operator check refuses of the model that was opened; None where it can run."""
    if state.graph is None or not state.graph.refused:
        return None
    first, *others = state.graph.refused
    more = f" and {len(others)} more" if others else ""
    what = f"{first.op_type}{more} of {len(state.graph.nodes)} operators cannot run on a board"
    return Unsupported(what, f"{state.project.name}: {first.name}", first.reason)


def measured(state: State) -> list[Measured]:
    """The nodes that were evaluated, the model first."""
    found = []
    for node in nodes(state):
        result = state.result(node)
        if result is not None and result.evaluation is not None:
            found.append(Measured(node, variant_title(state, node), result.evaluation))
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
    shown += [
        (f"{name} {figures.exact_bytes(figure.value)} {figure.source}", figures.source(figure))
        for name, figure in _sizes(state)
    ]
    deployed = state.deployment
    if deployed is not None and state.deployed:
        instructions = deployed.figure("instructions")
        if instructions is not None:
            text = f"{figures.short_count(instructions.value)} instructions"
            shown.append((f"{text} {board_name(deployed.board)}", figures.source(instructions)))
    return shown


def _sizes(state: State) -> list[tuple[str, Figure]]:
    """Flash and RAM of the selected variant: measured where it was built, else computed."""
    built, board = state.deployment, state.project.board
    if built is not None and state.deployed:
        found = (("Flash", built.figure("flash_bytes")), ("RAM", built.figure("ram_bytes")))
        return [(name, figure) for name, figure in found if figure is not None]
    budget = state.view.budgets.get(board)
    return [("Flash", budget.flash_bytes), ("RAM", budget.ram_bytes)] if budget else []


def deployment(state: State, running: Running | None) -> tuple[str, list[Station]]:
    """Title and stations of the Deploy panel; `running` of a deployment on its way."""
    at = next((s for s in STATIONS if running and running.text.startswith(f"{s}: ")), None)
    if at is not None and running is not None:
        here = STATIONS.index(at)
        stations = [
            Station(
                title,
                "done" if index < here else "running" if index == here else "waiting",
                running.text.removeprefix(f"{at}: ") if index == here else "",
            )
            for index, title in enumerate(STATIONS)
        ]
        return f"To {board_name(running.board)}", stations
    deployed = state.deployment
    if deployed is None:
        return "", []
    board, name = board_name(deployed.board), deployed.program.name
    if deployed.running is None:
        shown = [
            _stopped(one) if one.title == "Flash" else _station(one) for one in deployed.stations
        ]
        return f"{board} has stopped; it ran {name}", shown
    age = "" if state.deployed else ", not what is selected now"
    return f"{board} runs {name}{age}", [_station(one) for one in deployed.stations]


def live_board(state: State) -> str:
    """The board that runs and can be watched, "" for none."""
    deployed = state.deployment
    return board_name(deployed.board) if deployed and deployed.running is not None else ""


def _stopped(flashed: deploying.Station) -> Station:
    return Station(flashed.title, "waiting", "stopped; flash it again to watch it")


def _station(one: deploying.Station) -> Station:
    words = [one.text] if one.text else []
    for name, figure in one.figures.items():
        label, _, unit = name.rpartition("_")
        if unit == "bytes":
            words.append(f"{FIGURE_NAMES.get(label, label)} {figures.exact_bytes(figure.value)}")
        else:
            words.append(f"{figures.grouped(figure.value)} {name} an inference")
    details = dict.fromkeys(figure.detail for figure in one.figures.values())
    source = f"Measured: {'; '.join(details)}" if details else ""
    return Station(one.title, one.state, "   ".join(words), source)
