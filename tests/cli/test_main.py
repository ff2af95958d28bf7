"""The command line itself: help, exit status, errors, progress."""

from __future__ import annotations

import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.cli import main
from studio.cli.answer import number, table
from studio.cli.progress import ProgressLine
from studio.job import Progress
from studio.targets.figure import Figure

COMMANDS = (
    "inspect", "compress", "evaluate", "budget", "generate", "build", "flash", "verify", "profile",
    "monitor", "boards", "open",
)  # fmt: skip


def test_help_names_every_command_and_says_what_it_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    described = {words[0] for words in lines if len(words) > 3}
    assert described >= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_help_answers_at_once() -> None:
    seconds = []
    for _ in range(7):
        begin = time.perf_counter()
        code = "import sys, studio.cli; studio.cli.main(['--help'])"
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begin)
    assert statistics.median(seconds) < 0.3


def test_an_unknown_command_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["fly"])
    assert end.value.code == 2
    assert "fly" in capsys.readouterr().err


def test_an_error_says_what_where_and_hint(studio: Callable[..., Any], tmp_path: Path) -> None:
    missing = tmp_path / "none.onnx"
    ran = studio("inspect", missing)
    assert ran.status == 2
    assert ran.out == ""
    assert "error: there is no such file" in ran.err
    assert str(missing) in ran.err
    assert "hint: " in ran.err


def test_an_error_as_json_has_its_three_parts(studio: Callable[..., Any], tmp_path: Path) -> None:
    ran = studio("inspect", tmp_path / "none.onnx", "--json")
    assert ran.status == 2
    assert set(ran.data) == {"error"}
    assert set(ran.data["error"]) == {"what", "where", "hint"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_shows_on_a_terminal_and_leaves_nothing_behind() -> None:
    stream = Terminal()
    with ProgressLine(stream) as line:
        line.show(Progress("training", 0.5, {"loss": 0.25}))
    assert "50% training  loss 0.25" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_progress_is_silent_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with ProgressLine(stream) as line:
        line.show(Progress("training"))
    assert stream.getvalue() == ""


def test_figures_are_grouped_and_columns_align() -> None:
    assert number(Figure(1234567, "computed")) == "1 234 567"
    assert number(0.97512) == "0.9751"
    assert table([("a", "n"), ("bb", "1 000"), ("c", "7")]) == ["a   n", "bb  1 000", "c       7"]


def test_json_is_one_object_and_nothing_else() -> None:
    code = "import sys, studio.cli; sys.exit(studio.cli.main(['boards', '--json']))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert isinstance(json.loads(ran.stdout), dict)
    assert ran.stderr == ""
