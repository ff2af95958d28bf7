"""Files of the user's, read whole: those that are files, and not too large."""

from __future__ import annotations

import stat
from pathlib import Path

from studio.errors import StudioError


def read_whole(path: Path, most_bytes: int, kind: type[StudioError], hint: str) -> bytes:
    """A file's content.

    Raises:
        StudioError: of `kind`, it cannot be read, is a folder, pipe or device, which may never
            end, or is larger than `most_bytes`.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise kind("is a folder", str(path), hint)
        if not stat.S_ISREG(mode):
            raise kind("is a pipe or device, no file", str(path), hint)
        with path.open("rb") as stream:
            content = stream.read(most_bytes + 1)
    except OSError as error:
        raise kind(f"cannot be read: {error.strerror}", str(path), hint) from None
    except ValueError:
        raise kind("has a name that no file can have", ascii(str(path)), hint) from None
    if len(content) > most_bytes:
        raise kind(f"is larger than {most_bytes} bytes", str(path), hint)
    return content
