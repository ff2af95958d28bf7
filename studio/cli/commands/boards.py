"""The boards that the program knows, with their memory.

A star marks a fact that was recalled or inferred and that nobody checked.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from studio.cli.answer import Answer, number, table
from studio.job import Progress
from studio.targets.library import profiles
from studio.targets.profile import Profile


def arguments(parser: argparse.ArgumentParser) -> None:
    """No more than the name."""
    parser.add_argument("name", nargs="?", default="", help="only ids and names that contain this")


def run(args: argparse.Namespace, report: Callable[[Progress], None]) -> Answer:
    """List profiles."""
    wanted = args.name.lower()
    found = [p for p in profiles().values() if wanted in f"{p.id} {p.name} {p.mcu}".lower()]
    return Answer({"boards": [_plain(p) for p in found]}, _text(found), held=bool(found))


def _plain(profile: Profile) -> dict[str, object]:
    return {
        "board": profile.id,
        "name": profile.name,
        "mcu": profile.mcu,
        "core": profile.core,
        "features": sorted(profile.features),
        "clock_hz": int(profile.clock_hz.value),
        "flash_limit_bytes": profile.size_bytes("flash"),
        "ram_limit_bytes": profile.size_bytes("ram"),
        "virtual": profile.virtual,
        "runs": bool(profile.port),
        "sensors": list(profile.sensors),
        "sources": profile.sources,
        "unverified": sorted(profile.unverified),
    }


def _text(found: list[Profile]) -> list[str]:
    rows = [("board", "core", "MHz", "flash bytes", "RAM bytes", "name")]
    for profile in found:
        memory, clock = ("*" if key in profile.unverified else "" for key in ("memory", "clock_hz"))
        rows.append(
            (
                profile.id,
                profile.core,
                number(profile.clock_hz.value / 1e6) + clock,
                number(profile.size_bytes("flash")) + memory,
                number(profile.size_bytes("ram")) + memory,
                profile.name,
            )
        )
    return table(rows) if found else ["no such board"]
