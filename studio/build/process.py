"""A compiler as a child process that a cancelled job ends."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from studio.errors import BuildError
from studio.job import Job, Progress

_POLL_S = 0.02


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], progress: Progress
) -> Job[tuple[int, str]]:
    """Run a command to its end; closing the job kills it and all that it started.

    Args:
        command: the program and its arguments.
        folder: the working directory.
        environment: variables to set beside those of this process.
        progress: what to report while it runs.

    Returns:
        Exit status, and standard output and error together.

    Raises:
        BuildError: the program is not there.
    """
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise BuildError(
                f"cannot be started: {error.strerror}", command[0], "install it, or choose another"
            ) from error
        try:
            while child.poll() is None:
                yield progress
                try:
                    child.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            _end(child)
        output.seek(0)
        return child.returncode, output.read().decode(errors="replace")


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()
