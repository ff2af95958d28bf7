"""Jobs: generators that report progress, and work in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.errors import DataError, ModelError
from studio.job import Job, Progress, finish, in_process

ROOT = Path(__file__).resolve().parents[1]


def counting(n: int) -> Job[int]:
    for i in range(n):
        yield Progress("counting", i / n)
    return n


def greedy() -> int:
    return len(bytearray(1 << 31))


def complaining() -> None:
    raise DataError("is empty", "data.csv", "fill it")


def dying() -> None:
    os._exit(7)


def sleeping() -> None:
    time.sleep(60)


def test_a_job_returns_its_result_and_reports_on_the_way():
    seen: list[Progress] = []
    assert finish(counting(3), seen.append) == 3
    assert [progress.done for progress in seen] == [0, 1 / 3, 2 / 3]


def test_a_process_passes_progress_and_result_through():
    seen: list[Progress] = []
    assert finish(in_process(counting, 3, text="starting"), seen.append) == 3
    assert {"starting", "counting"} <= {progress.text for progress in seen}


def test_an_error_in_a_process_keeps_its_parts():
    with pytest.raises(DataError) as caught:
        finish(in_process(complaining, text="reading"))
    assert (caught.value.what, caught.value.where, caught.value.hint) == (
        "is empty", "data.csv", "fill it",
    )  # fmt: skip


def test_a_process_that_dies_is_a_named_error():
    with pytest.raises(ModelError, match="exit code 7"):
        finish(in_process(dying, text="reading", failure=ModelError))


def test_a_process_that_takes_too_long_is_ended():
    begun = time.monotonic()
    with pytest.raises(ModelError, match=r"longer than 0\.5 s"):
        finish(in_process(sleeping, text="reading", timeout_s=0.5, failure=ModelError))
    assert time.monotonic() - begun < 10


def test_a_process_that_wants_too_much_memory_is_refused_it():
    with pytest.raises(ModelError, match=r"memory|died"):
        finish(in_process(greedy, text="reading", memory_bytes=1 << 28, failure=ModelError))


def test_cancelling_ends_the_process():
    job = in_process(sleeping, text="reading")
    next(job)
    begun = time.monotonic()
    job.close()
    assert time.monotonic() - begun < 5


def test_a_script_without_a_guard_may_start_processes():
    script = """
from studio.job import finish, in_process
import math
print(finish(in_process(math.factorial, 5, text="counting")))
"""
    answer = subprocess.run(
        [sys.executable, "-"], input=script, text=True, capture_output=True, cwd=ROOT, check=True
    )
    assert answer.stdout == "120\n"


def telling_its_pid(path: str) -> None:
    Path(path).write_text(f"{os.getpid()} {os.nice(0)}\n")
    time.sleep(60)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc on this system")
def test_a_worker_is_nice_and_does_not_outlive_a_killed_studio(tmp_path: Path) -> None:
    told = tmp_path / "told"
    code = (
        "from test_job import telling_its_pid; from studio.job import finish, in_process\n"
        f"finish(in_process(telling_its_pid, {str(told)!r}, text=''))"
    )
    path = os.pathsep.join([str(ROOT / "tests"), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as studio:
        while not told.exists() or not told.read_text().endswith("\n"):
            time.sleep(0.01)
        pid, niceness = map(int, told.read_text().split())
        studio.kill()
    assert niceness >= min(os.nice(0) + 5, 19)
    end = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat")
        if stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
