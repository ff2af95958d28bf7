import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.build import toolchains
from studio.build.process import run
from studio.errors import BuildError
from studio.job import Progress, finish


def test_zig_and_a_host_compiler_come_with_the_package():
    found = toolchains.toolchains()
    assert found["zig"].version == "zig 0.16.0"
    assert {"zig", "host"} <= set(found)


def test_a_missing_compiler_is_named_with_how_to_get_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert toolchains.toolchains() == {}
    for name, advice in (("gcc", "gcc-arm-none-eabi"), ("zig", "ziglang"), ("host", "clang")):
        with pytest.raises(BuildError, match="not installed") as caught:
            toolchains.toolchain(name)
        assert caught.value.where == name
        assert advice in caught.value.hint


def test_zig_serves_the_host_where_there_is_no_cc(monkeypatch):
    really = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "cc" else really(name))
    assert toolchains.default_toolchain("host").dialect == "zig"


def test_an_unknown_toolchain_and_a_core_it_has_not_are_refused():
    with pytest.raises(BuildError, match="no such toolchain"):
        toolchains.toolchain("turbo-c")
    with pytest.raises(BuildError, match="riscv32") as caught:
        toolchains.Toolchain("gcc", "", ("gcc",), "gcc").core_flags("riscv32")
    assert "zig" in caught.value.hint


def test_a_compiler_that_cannot_start_is_a_build_error(tmp_path):
    with pytest.raises(BuildError, match="cannot be started"):
        finish(run(["/nowhere/cc"], tmp_path, {}, Progress("compiling")))


@pytest.mark.skipif(not shutil.which("sleep"), reason="no sleep on PATH")
def test_cancelling_kills_the_compiler_and_what_it_started(tmp_path):
    job = run(
        ["/bin/sh", "-c", "sleep 60 & echo $! > child; wait"], tmp_path, {}, Progress("compiling")
    )
    next(job)
    child = tmp_path / "child"
    while not child.exists() or not child.read_text().strip():
        next(job)
    pid = int(child.read_text())
    job.close()
    assert _ended(pid)


COMPILE = """
from pathlib import Path
from studio.build.process import run
from studio.job import Progress, finish
finish(run(["/bin/sh", "-c", "sleep 60 & echo $! > child; wait"], Path("."), {}, Progress("")))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc on this system")
def test_a_compiler_and_what_it_started_do_not_outlive_a_killed_studio(tmp_path):
    child = tmp_path / "child"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", COMPILE]
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as studio:
        while not child.exists() or not child.read_text().strip():
            time.sleep(0.01)
        pid = int(child.read_text())
        end = time.monotonic() + 10  # being nice is the last thing that it is told
        while _niceness(pid) < 5 and time.monotonic() < end:
            time.sleep(0.01)
        niceness = _niceness(pid)
        studio.kill()
    assert niceness >= 5
    assert _ended(pid)


def _niceness(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])


def _ended(pid: int) -> bool:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False
