"""What an inference takes on a board, in all and layer by layer.

On QEMU instructions, which are not cycles; on this computer nanoseconds.
"""

from __future__ import annotations

import argparse

from studio.cli import stations
from studio.cli.answer import Answer, number, table
from studio.job import finish
from studio.targets.figure import Figure


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the board and its port."""
    stations.add_model(parser)
    stations.add_board(parser)
    stations.add_port(parser)
    stations.add_choices(parser)
    stations.add_toolchain(parser)


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Time one inference and each layer; ask for the stack afterwards."""
    from studio.boards.timing import timing
    from studio.boards.verify import check_model
    from studio.compiler.emit import emit

    board = stations.board(args)
    program = stations.lowered(args, board, report)
    names = [call.layer for call in program.calls]
    with stations.linked(args, program, board, report) as link:
        check_model(link, emit(program), program.name)
        times = finish(timing(link, board, names), report)
        memory = link.memory()
    used = Figure(memory.stack_used_bytes, "measured", "painted, most since the start")
    data = {
        "model": program.name,
        "board": board.id,
        times.unit: times.total,
        "unit": times.unit,
        "layers": [{"layer": layer.name, times.unit: layer.value} for layer in times.layers],
        "macs": Figure(program.macs, "computed"),
        "arena_bytes": Figure(memory.arena_bytes, "measured"),
        "stack_bytes": used,
    }
    per_mac = f", {times.total.value / program.macs:.2f} a MAC" if program.macs else ""
    rows: list[tuple[str, ...]] = [("layer", times.unit)]
    rows += [(layer.name, number(layer.value)) for layer in times.layers]
    text = [
        *table(rows),
        f"{number(times.total)} {times.unit} an inference (measured){per_mac}",
        f"stack {number(used)} bytes used (measured)",
    ]
    return Answer(data, text)
