"""What a model takes on boards, before anything is built: does it fit, how long does it take?

`--board all` takes every board that there is. Holds where it fits every board that is named.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli import stations
from studio.cli.answer import Answer, number, table
from studio.errors import BuildError, StudioError
from studio.targets.figure import Figure
from studio.targets.library import as_id, names_file, profile, profiles
from studio.writing import write_whole

if TYPE_CHECKING:
    from studio.budget import Budget
    from studio.budget.advice import Change
    from studio.budget.effort import Duty
    from studio.build.banks import Banks
    from studio.compiler.program import Program
    from studio.targets.profile import Profile


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the boards, the choices."""
    stations.add_model(parser)
    stations.add_board(parser, several=True)
    stations.add_choices(parser)
    stations.add_toolchain(parser, ("zig", "gcc"))
    parser.add_argument("--layers", action="store_true", help="a row for each layer")
    parser.add_argument("--advice", action="store_true", help="what would make it fit")
    stations.add_application(parser)
    parser.add_argument(
        "--latency-ms",
        type=stations.positive,
        metavar="T",
        help="what an inference may take, as estimated",
    )
    parser.add_argument("--battery-mah", type=float, metavar="C", help="capacity of a battery")
    parser.add_argument(
        "--period-s", type=float, default=1.0, metavar="T", help="from one inference to the next"
    )
    parser.add_argument(
        "--sleep-ma", type=float, default=0.0, metavar="I", help="the board's current meanwhile"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="the boards side by side")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the same for a document")
    parser.add_argument(
        "--layers-csv", type=Path, metavar="FILE", help="the layers, timed for the first board"
    )
    parser.add_argument(
        "--map", type=Path, metavar="FILE", help="what lies in the arena when: .svg or .png"
    )


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Lower once, then a budget a board."""
    from studio.budget import budget
    from studio.budget.advice import changes
    from studio.compiler.lower import lower

    reserve, duty = stations.reserve(args), _duty(args)
    toolchain = args.toolchain or "zig"
    every = "all" in args.board
    boards = list(profiles().values()) if every else _boards(args.board)
    model = stations.opened(args, report)
    options = stations.options(args)
    program = lower(model, options)
    found, refused = [], {}
    for board in boards:
        try:
            found.append(budget(program, board, toolchain, reserve))
        except BuildError as error:
            if not every:
                raise
            refused[board.id] = error.what
    _export(args, program, boards[0], found)
    late = _late(found, args.latency_ms)
    fits = all(one.fits for one in found) and not late
    advice: dict[str, tuple[Change, ...]] = {}
    if args.advice and not every:
        advice = {one.profile.id: changes(model, options, one, toolchain) for one in found}
    rows = [_plain(one, duty, advice.get(one.profile.id, ())) for one in found]
    transposes = Figure(program.transposes, "computed")
    data = {
        "model": program.name,
        "fits": fits,
        "transposes": transposes,
        "budgets": rows,
        "refused": refused,
        "late": list(late),
        "notes": list(program.notes),
    }
    lines = [*_text(found), f"transposes that remain {number(transposes)} (computed)"]
    lines += program.notes
    lines += [f"{board}: {why}" for board, why in late.items()]
    lines += _layer_lines(found[0]) if args.layers and found else []
    lines += [_advice_line(board, one) for board, some in advice.items() for one in some]
    return Answer(data, lines, held=fits)


def _boards(names: list[str]) -> list[Profile]:
    """Profiles, each once; those of files under their paths, since two may have the same name."""
    return [
        replace(profile(name), id=as_id(name)) if names_file(name) else profile(name)
        for name in dict.fromkeys(names)
    ]


def _late(found: list[Budget], most_ms: float | None) -> dict[str, str]:
    """Boards on which an inference takes longer than allowed, or nobody knows how long."""
    late: dict[str, str] = {}
    if most_ms is None:
        return late
    for one in found:
        taken_ms = one.latency_us.value / 1000 if one.latency_us else math.inf
        if taken_ms > most_ms:
            known = (
                f"takes {number(taken_ms)} ms" if one.latency_us else "takes nobody knows how long"
            )
            late[one.profile.id] = f"{known}, {number(most_ms)} ms are allowed"
    return late


def _duty(args: argparse.Namespace) -> Duty | None:
    from studio.budget.effort import Duty

    if args.battery_mah is None:
        return None
    return Duty(args.battery_mah, args.period_s, args.sleep_ma)


def _export(
    args: argparse.Namespace, program: Program, board: Profile, found: list[Budget]
) -> None:
    """Write the tables that were asked for, and the picture of the first board's arena."""
    from studio.budget.layers import as_csv as layers_csv
    from studio.budget.side_by_side import as_csv, as_markdown
    from studio.build.banks import placed

    rows = found[0].layers if found else ()
    for path, text in (
        (args.csv, as_csv(found)),
        (args.markdown, as_markdown(found)),
        (args.layers_csv, layers_csv(rows)),
    ):
        if path is not None:
            write_whole(path, text.encode())
    if args.map is not None:
        one = next((one for one in found if one.profile == board), None)
        taken = (one.rest_bytes, one.reserve.ram_bytes) if one else (0, 0)
        there, _ = placed(program, board, *taken)
        write_whole(args.map, _map(args.map.suffix.lower(), str(args.map), there))


def _map(suffix: str, where: str, program: Program) -> bytes:
    """The picture of the arena in the form that its name asks for."""
    from studio.budget import peak
    from studio.budget.map_picture import picture

    if suffix not in (".svg", ".png"):
        raise StudioError("is no name of a picture", where, "end it in .svg or .png")
    drawn = picture(program, peak(program)[0])
    return drawn.svg().encode() if suffix == ".svg" else drawn.png()


def _plain(one: Budget, duty: Duty | None, advice: tuple[Change, ...]) -> dict[str, object]:
    from studio.budget.effort import battery_days

    data: dict[str, object] = {
        "board": one.profile.id,
        "fits": one.fits,
        "flash_bytes": one.flash_bytes,
        "flash_limit_bytes": one.profile.size_bytes("flash"),
        "over_flash_bytes": one.over_flash_bytes,
        "ram_bytes": one.ram_bytes,
        "stack_bytes": one.stack_bytes,
        "stack_used_bytes": one.stack_used_bytes,
        "ram_limit_bytes": one.profile.size_bytes("ram"),
        "over_ram_bytes": one.over_ram_bytes,
        "arena_bytes": one.arena_bytes,
        "arena_bound_bytes": one.arena_bound_bytes,
        "scratch_bytes": one.scratch_bytes,
        "state_bytes": one.state_bytes,
        "copied_bytes": one.copied_bytes,
        "macs": one.macs,
        "instructions": one.instructions,
        "cycles": one.cycles,
        "latency_us": one.latency_us,
        "charge_uc": one.charge_uc,
        "energy_uj": one.energy_uj,
        "reserve_bytes": asdict(one.reserve),
        "flash_parts_bytes": one.flash_parts,
        "kernel_bytes": [
            {"name": name, "size_bytes": size} for name, size in one.kernel_bytes.items()
        ],
        "banks": _plain_banks(one.banks),
        "layers": [asdict(layer) for layer in one.layers],
        "peak_layer": one.peak[0],
        "peak_buffers": list(one.peak[1]),
        "unverified": sorted(one.profile.unverified),
    }
    if duty is not None:
        data["battery_days"] = battery_days(one.profile, one.latency_us, duty)
    if advice:
        data["advice"] = [_plain_change(change) for change in advice]
    return data


def _plain_banks(banks: Banks) -> dict[str, object]:
    sizes = banks.bytes_by_name.items()
    return {
        "arena": [{"name": name, "size_bytes": size} for name, size in sizes],
        "rest": banks.rest.name,
        "several": banks.several,
        "over_bytes": banks.over_bytes,
    }


def _plain_change(change: Change) -> dict[str, object]:
    return {
        "what": change.what,
        "kind": change.kind,
        "board": change.budget.profile.id,
        "fits": change.fits,
        "less_flash_bytes": change.flash_bytes,
        "less_ram_bytes": change.ram_bytes,
    }


def _advice_line(board: str, change: Change) -> str:
    enough = "enough" if change.fits else "not enough alone"
    if change.kind == "board":
        return f"{board}: {change.what} is {enough}"
    return (
        f"{board}: {change.what} saves {number(change.ram_bytes)} bytes of RAM and "
        f"{number(change.flash_bytes)} of flash, {enough}"
    )


def _layer_lines(one: Budget) -> list[str]:
    titles = ("layer", "kernel", "MACs", "weights", "activations", "scratch", "instructions")
    rows: list[tuple[str, ...]] = [titles]
    for layer in one.layers:
        bytes_ = (layer.weight_bytes, layer.activation_bytes, layer.scratch_bytes)
        known = "unknown" if layer.instructions is None else number(layer.instructions)
        rows.append((layer.name, layer.kernel, *map(number, (layer.macs, *bytes_)), known))
    return table(rows)


def _text(found: list[Budget]) -> list[str]:
    rows = [("board", "flash", "of", "RAM", "stack", "of", "", "instructions", "ms", "source")]
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
                number(one.instructions) if one.instructions else "unknown",
                number(one.latency_us.value / 1000) if one.latency_us else "unknown",
                one.flash_bytes.source,
            )
        )
    if not found:
        return []
    first = found[0]
    lines = [
        *table(rows),
        f"arena {number(first.arena_bytes)} bytes, bound {number(first.arena_bound_bytes)},"
        f" scratch {number(first.scratch_bytes)} and state {number(first.state_bytes)} of it"
        " (computed)",
    ]
    if first.copied_bytes.value:
        lines.append(
            f"weights in RAM {number(first.copied_bytes)} bytes, copied from flash (computed);"
            " what that gains is not estimated"
        )
    beside = first.reserve
    if beside.flash_bytes or beside.ram_bytes:
        lines.append(
            f"beside them an application of {number(beside.flash_bytes)} bytes of flash and"
            f" {number(beside.ram_bytes)} of RAM"
        )
    for one in found:
        where = f"{one.profile.id}: over by"
        if one.over_flash_bytes:
            lines.append(f"{where} {number(one.over_flash_bytes)} bytes of flash")
        if one.over_ram_bytes:
            lines.append(
                f"{where} {number(one.over_ram_bytes)} bytes of RAM, fullest at {one.peak[0]}"
                f" ({', '.join(one.peak[1])})"
            )
        if one.banks.several:
            lines.append(f"{one.profile.id}: needs two banks: {one.banks.text}")
    return lines
