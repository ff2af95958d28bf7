"""The command line itself: help, exit status, errors, progress."""

from __future__ import annotations

import io
import json
import os
import signal
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


NAMES = "from studio.cli import main; import sys; sys.exit(main(sys.argv[1:]))"


def _program(*words: str, **others: str) -> subprocess.Popen[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    command = [sys.executable, "-c", NAMES, *words]
    return subprocess.Popen(
        command, env=ours | others, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /dev/full")
@pytest.mark.parametrize("words", [("boards",), ("boards", "--json"), ("build", "no", "--json")])
def test_output_without_room_is_an_error_in_words(words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", NAMES, *words]
        ran = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False
        )
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: cannot be written")
    assert len(ran.stderr.splitlines()) == 3


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_names_that_the_encoding_of_the_output_lacks(form: tuple[str, ...], tmp_path: Path) -> None:
    ran = _program("build", str(tmp_path / "模型"), *form, PYTHONIOENCODING="ascii")
    out, err = ran.communicate(timeout=60)
    assert ran.returncode == 2
    assert "\\u6a21" in (json.dumps(json.loads(out)) if form else err)


def test_a_command_without_standard_error_runs(tmp_path: Path) -> None:
    code = f"import sys; sys.stderr = None\n{NAMES}"
    command = [sys.executable, "-c", code, "boards", "--json"]
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
def test_a_command_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path) -> None:
    words = ("flash", "digits", "--board", "virtual/host", "--stay")
    ran = _program(*words, TMPDIR=str(tmp_path), PYTHONUNBUFFERED="1")
    assert ran.stdout is not None
    assert any("running until" in line for line in ran.stdout)
    assert list(tmp_path.iterdir())
    ran.send_signal(signal.SIGTERM)
    ran.communicate(timeout=60)
    assert ran.returncode in (0, 2)
    assert not list(tmp_path.iterdir())


def test_running_a_model_keeps_no_telemetry(tmp_path: Path) -> None:
    homes = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(tmp_path))
    ran = _program("evaluate", "digits", "--data", "digits", **homes)
    ran.communicate(timeout=60)
    assert ran.returncode == 0
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name.lower()]
