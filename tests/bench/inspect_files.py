"""How long `inspect` takes for every model file of the shared data, and how much memory.

`make bench-inspect` prints a Markdown table and exits 1 where a file takes 10 s or 1 GB. Memory
is the resident set of the program and its workers together: the largest sum that was seen by
looking every few milliseconds, but no less than the largest process' own high water.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from conftest import DATA
from model.corpus import MODELS, model_files

SCRIPT = Path(sys.executable).with_name("tinyml-studio")
LIMIT_S = 10.0
LIMIT_BYTES = 1_000_000_000
LOOK_EVERY_S = 0.005


@dataclass(frozen=True)
class Inspection:
    """One run of the program.

    Attributes:
        status: its exit status: 0 all operators are supported, 1 some are not, 2 refused.
        took_s: from start to end.
        worked_s: of processors, which does not depend on what else runs.
        peak_bytes: memory of the program and its workers.
        says: what it wrote to both outputs.
    """

    status: int
    took_s: float
    worked_s: float
    peak_bytes: int
    says: str


def inspect(path: Path) -> Inspection:
    """Run `tinyml-studio inspect` on one file, in processes of their own (Linux)."""
    began = time.monotonic()
    with subprocess.Popen(
        [SCRIPT, "inspect", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        peak_bytes, ended, status, usage = 0, 0, 0, None
        while not ended:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            members = family(process.pid)
            seen = (sum(map(resident_bytes, members)), *map(high_water_bytes, members))
            peak_bytes = max(peak_bytes, *seen)
            time.sleep(LOOK_EVERY_S)
        took_s = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.stdout is not None
        says = process.stdout.read()
    worked_s = usage.ru_utime + usage.ru_stime
    return Inspection(process.returncode, took_s, worked_s, peak_bytes, says)


def family(pid: int) -> list[int]:
    """A process and all that descend from it; empty once it has ended."""
    found = [pid]
    for member in found:
        for task in Path(f"/proc/{member}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:  # it ended meanwhile
                continue
    return found


def resident_bytes(pid: int) -> int:
    """The resident set of a process; 0 once it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def high_water_bytes(pid: int) -> int:
    """The largest resident set of a process since its program began; 0 once it has ended.

    What wait4 tells is no measure: it counts the memory of the process that started this one.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def main() -> int:
    """Inspect every file."""
    print("| file | exit status | s | MB |")
    print("|---|---:|---:|---:|")
    over = []
    for name in model_files():
        seen = inspect(MODELS / name)
        print(f"| {name} | {seen.status} | {seen.took_s:.2f} | {seen.peak_bytes / 1e6:.0f} |")
        if seen.took_s >= LIMIT_S or seen.peak_bytes >= LIMIT_BYTES or seen.status not in (0, 1, 2):
            over.append(name)
    for name in over:
        print(f"over the limit: {name}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    assert DATA.is_dir(), "STUDIO_DATA does not point to the shared test data"
    sys.exit(main())
