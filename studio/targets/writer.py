"""A profile as the text of its TOML file, which `library.read_profile` reads back as it was."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.errors import ProfileError
from studio.targets.profile import Profile, Region
from studio.writing import write_whole


def profile_text(profile: Profile) -> str:
    """The file's text; what is not known of the board is left out."""
    import tomli_w

    table: dict[str, Any] = {
        key: value
        for key, value in asdict(profile).items()
        if key not in ("id", "memory") and (value or key in ("name", "mcu", "core"))
    }
    for key in ("uploads", "usb_ids", "sensors", "unverified"):
        if key in table:
            table[key] = sorted(table[key]) if key == "unverified" else list(table[key])
    return "\n".join([tomli_w.dumps(table), *map(_region_text, profile.memory)])


def _region_text(region: Region) -> str:
    import tomli_w

    named = tomli_w.dumps({"name": region.name, "kind": region.kind})
    unsure = "" if region.verified else "verified = false\n"
    sized = f"address = 0x{region.address:08x}\nsize_bytes = {region.size_bytes:_}\n"
    return f"[[memory]]\n{named}{sized}{unsure}"


def write_profile(profile: Profile, path: Path) -> None:
    """Write a profile's file whole, or not at all.

    Raises:
        ProfileError: the file cannot be written.
    """
    write_whole(path, profile_text(profile).encode(), ProfileError)
