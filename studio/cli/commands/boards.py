"""The boards that the program knows, with their memory, and the serial ports of this computer.

A star marks a fact that was recalled or inferred and that nobody checked.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from studio.cli import stations
from studio.cli.answer import Answer, number, table
from studio.targets.library import profiles
from studio.targets.profile import Profile


def arguments(parser: argparse.ArgumentParser) -> None:
    """No more than the name."""
    parser.add_argument("name", nargs="?", default="", help="only ids and names that contain this")


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """List profiles and ports."""
    from studio.boards.ports import connected

    wanted = args.name.lower()
    found = [p for p in profiles().values() if wanted in f"{p.id} {p.name} {p.mcu}".lower()]
    ports = connected()
    data = {"boards": [_plain(p) for p in found], "ports": [asdict(port) for port in ports]}
    lines = [
        f"port {one.port}: {one.description}"
        + (f" ({', '.join(one.boards)})" if one.boards else "")
        for one in ports
    ]
    return Answer(data, [*_text(found), *lines], held=bool(found))


def _plain(profile: Profile) -> dict[str, object]:
    return {
        "board": profile.id,
        "name": profile.name,
        "mcu": profile.mcu,
        "core": profile.core,
        "features": sorted(profile.features),
        "clock_hz": int(profile.clock_hz.value) if profile.clock_hz else None,
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
                number(profile.clock_hz.value / 1e6) + clock if profile.clock_hz else "unknown",
                number(profile.size_bytes("flash")) + memory,
                number(profile.size_bytes("ram")) + memory,
                profile.name,
            )
        )
    return table(rows) if found else ["no such board"]
