"""Flash, RAM and arena of a model on boards, before anything is built: does it fit?

Holds where it fits every board that is named.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from studio.cli import stations
from studio.cli.answer import Answer, number, table
from studio.targets.library import profile

if TYPE_CHECKING:
    from studio.budget import Budget


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the boards, the choices."""
    stations.add_model(parser)
    stations.add_board(parser, several=True)
    stations.add_choices(parser)
    stations.add_toolchain(parser, ("zig", "gcc"))


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Lower once, then a budget a board."""
    from studio.budget import budget

    boards = [profile(board) for board in args.board]
    program = stations.lowered(args, report)
    found = [budget(program, board, args.toolchain or "zig") for board in boards]
    fits = all(one.fits for one in found)
    data = {"model": program.name, "fits": fits, "budgets": [_plain(one) for one in found]}
    return Answer(data, _text(found), held=fits)


def _plain(one: Budget) -> dict[str, object]:
    return {
        "board": one.profile.id,
        "fits": one.fits,
        "flash_bytes": one.flash_bytes,
        "flash_limit_bytes": one.profile.size_bytes("flash"),
        "over_flash_bytes": one.over_flash_bytes,
        "ram_bytes": one.ram_bytes,
        "stack_bytes": one.stack_bytes,
        "ram_limit_bytes": one.profile.size_bytes("ram"),
        "over_ram_bytes": one.over_ram_bytes,
        "arena_bytes": one.arena_bytes,
        "arena_bound_bytes": one.arena_bound_bytes,
        "scratch_bytes": one.scratch_bytes,
        "macs": one.macs,
        "flash_parts_bytes": one.flash_parts,
        "peak_layer": one.peak[0],
        "peak_buffers": list(one.peak[1]),
    }


def _text(found: list[Budget]) -> list[str]:
    rows = [("board", "flash", "of", "RAM", "stack", "of", "", "source")]
    for one in found:
        flash, ram = (number(one.profile.size_bytes(kind)) for kind in ("flash", "ram"))
        rows.append(
            (
                one.profile.id,
                number(one.flash_bytes),
                flash,
                number(one.ram_bytes),
                number(one.stack_bytes),
                ram,
                "fits" if one.fits else "over",
                one.flash_bytes.source,
            )
        )
    first = found[0]
    lines = [
        *table(rows),
        f"arena {number(first.arena_bytes)} bytes, bound {number(first.arena_bound_bytes)},"
        f" scratch {number(first.scratch_bytes)} of it (computed)",
    ]
    for one in found:
        where = f"{one.profile.id}: over by"
        if one.over_flash_bytes:
            lines.append(f"{where} {number(one.over_flash_bytes)} bytes of flash")
        if one.over_ram_bytes:
            lines.append(
                f"{where} {number(one.over_ram_bytes)} bytes of RAM, fullest at {one.peak[0]}"
                f" ({', '.join(one.peak[1])})"
            )
    return lines
