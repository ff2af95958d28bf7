"""A C project for a board: the model, the kernels that it needs, the firmware with its monitor.

For a board without a port of the firmware it is the model and its kernels, for a project of yours.
The same model and choices give the same bytes, from here and from the window.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli import stations
from studio.cli.answer import Answer, number
from studio.errors import BuildError
from studio.targets.figure import Figure

if TYPE_CHECKING:
    from studio.budget import Reserve
    from studio.build.banks import Banks
    from studio.compiler.program import Program
    from studio.targets.profile import Profile


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the board, the choices, the folder."""
    stations.add_model(parser)
    stations.add_board(parser)
    stations.add_choices(parser)
    stations.add_application(parser)
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True)


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Write the files."""
    from studio.build.banks import placed
    from studio.build.firmware import generated_files, write_project

    board, reserve = stations.board(args), stations.reserve(args)
    program = stations.lowered(args, board, report, reserve.ram_bytes)
    files = generated_files(program, board, reserve.ram_bytes)
    banks = placed(program, board, reserved_bytes=reserve.ram_bytes)[1]
    over = _over(program, board, reserve)
    write_project(files, args.output)
    data = {
        "model": program.name,
        "board": board.id,
        "directory": str(args.output),
        "firmware": bool(board.port),
        "fits": None if over is None else not any(over.values()),
        "files": sorted(files),
        "arena_bytes": Figure(program.arena_bytes, "computed"),
        "banks": [{"name": name, "size_bytes": size} for name, size in banks.bytes_by_name.items()],
        "arena_bound_bytes": Figure(program.bound_bytes, "computed"),
        "scratch_bytes": Figure(program.scratch_bytes, "computed"),
        "state_bytes": Figure(program.state_bytes, "computed"),
        "weight_bytes": Figure(program.weight_bytes, "computed"),
        "copied_bytes": Figure(program.copied_bytes, "computed"),
        "macs": Figure(program.macs, "computed"),
        "notes": list(program.notes),
    }
    text = [
        f"{len(files)} files in {args.output}",
        f"arena {number(program.arena_bytes)} bytes, bound {number(program.bound_bytes)};"
        f" weights {number(program.weight_bytes)} bytes (computed)",
        f"arena in {banks.text}",
        *_copied(program, banks),
        *(
            f"does not fit {board.name}: over by {number(size)} bytes of {kind}"
            for kind, size in (over or {}).items()
            if size
        ),
        *program.notes,
        f"next: tinyml-studio build {args.output}"
        if board.port
        else f"plain C: the firmware has no port for {board.name} yet",
    ]
    return Answer(data, text)


def _over(program: Program, board: Profile, reserve: Reserve) -> dict[str, int] | None:
    """What the board lacks; None where nobody measured its core."""
    from studio.budget import budget

    try:
        found = budget(program, board, reserve=reserve)
    except BuildError:
        return None
    return {"flash": found.over_flash_bytes, "RAM": found.over_ram_bytes}


def _copied(program: Program, banks: Banks) -> list[str]:
    if not program.copied:
        return []
    return [f"weights in RAM {number(program.copied_bytes)} bytes (computed), in {banks.rest.name}"]
