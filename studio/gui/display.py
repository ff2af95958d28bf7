"""Whether there is a display: Qt ends the whole program where it finds none."""

from __future__ import annotations

import os
import re
import sys

from studio.errors import StudioError


def require_display() -> None:
    """Let a copy of this process start Qt first (Linux; elsewhere there always is a display).

    Raises:
        StudioError: it did not live; Qt's reason stands in `where`.
    """
    if sys.platform != "linux":
        return
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _start_qt(writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    if status:
        raise StudioError(
            "there is no display to show a window on",
            next(iter(re.findall(r"qt\.qpa\.\w+: (.+)", said)), said.strip()[:200]),
            "use the command line, or set QT_QPA_PLATFORM=offscreen",
        )


def _start_qt(errors: int) -> None:
    """Start Qt with its messages in a pipe, and end."""
    import resource

    from PySide6.QtGui import QGuiApplication

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(errors, 2)
    QGuiApplication(["studio"])
    os._exit(0)
