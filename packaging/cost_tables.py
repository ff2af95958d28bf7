"""Make resources/costs: instructions of each kernel, by compiler and core (`make cost-tables`).

The calls of packaging/cost_sweep.py run on a virtual board that counts instructions; the
coefficients are the non-negative least squares of the relative error. A fifth of the calls is
left out of a first fit and states the error; the table is then fitted to all.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from cost_sweep import Sweep
from scipy.optimize import nnls
from size_tables import BOARDS

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.virtual import start
from studio.build.firmware import build, project_files, write_project
from studio.build.size_table import data_bytes
from studio.build.toolchains import Toolchain, toolchains
from studio.compiler.cost import STEP_INSTRUCTIONS, CostTable, KernelCost, call_counts, cost_table
from studio.compiler.kernel import kernels
from studio.compiler.program import Program
from studio.errors import BuildError
from studio.job import finish
from studio.targets.library import profile

SEED = 20
IMAGE_BYTES = 300_000  # after which an image is full; the smallest board has 512 kB of flash
CALL_BYTES = 50  # of code
FOLDER = Path(__file__).resolve().parents[1] / "resources" / "costs"
PARTS = 5  # of the calls, each left out of a fit once
Sample = tuple[dict[str, float], float]


def measured(program: Program, core: str, toolchain: Toolchain) -> list[float]:
    """Instructions of each call of a Program, on the virtual board that stands for a core."""
    board = profile(BOARDS[core])
    roomy = replace(board, core=core)
    with tempfile.TemporaryDirectory(prefix="tinyml-studio-costs-") as folder:
        write_project(project_files(program, roomy), Path(folder))
        image = finish(build(Path(folder), toolchain))
        with start(board, image) as running, Link(running.port, run_timeout_s=900) as link:
            found = finish(timing(link, board))
    return [layer.value.value for layer in found.layers]


def samples(core: str, toolchain: Toolchain, named: Sequence[str]) -> dict[str, list[Sample]]:
    """(counts, instructions) of each call of the sweep, by kernel."""
    found: dict[str, list[Sample]] = {}
    for sweep in sweeps(named):
        program = sweep.program()
        values = measured(program, core, toolchain)
        for sample in sweep.samples:
            call = program.calls[sample.call]
            counts = call_counts(program, call, sample.steps, sample.zeros)
            stage = STEP_INSTRUCTIONS * sample.steps if sample.steps > 1 else 0
            found.setdefault(call.kernel, []).append((counts, values[sample.call] - stage))
    return found


def sweeps(named: Sequence[str] = ()) -> Iterator[Sweep]:
    """Images' worth of calls of all kernels, or of those with one of the words in their name."""
    sweep = Sweep()
    for name, kernel in sorted(kernels().items()):
        if named and not any(word in name for word in named):
            continue
        sweep.add(kernel, np.random.default_rng([SEED, *name.encode()]))
        if data_bytes(sweep.program()) + CALL_BYTES * len(sweep.calls) > IMAGE_BYTES:
            yield sweep
            sweep = Sweep()
    yield sweep


def fit(rows: list[Sample]) -> dict[str, float]:
    """The coefficients that make the relative errors least."""
    names = sorted({name for counts, _ in rows for name in counts})
    matrix = np.array([[counts.get(n, 0.0) / value for n in names] for counts, value in rows])
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12)
    found, _ = nnls(matrix / scale, np.ones(len(rows)), maxiter=20 * len(names))
    return {n: round(float(c), 4) for n, c in zip(names, found / scale, strict=True) if c > 0}


def errors(coefficients: dict[str, float], rows: list[Sample]) -> np.ndarray:
    """Relative errors of a fit."""
    guesses = [sum(coefficients.get(n, 0.0) * v for n, v in counts.items()) for counts, _ in rows]
    return np.abs(np.array(guesses) / np.array([value for _, value in rows]) - 1)


def kernel_cost(rows: list[Sample]) -> KernelCost:
    """The fit to all calls; its error is that of fits that had not seen the calls in question.

    A call with a count that no call of a fit has is none that the fit could know.
    """
    missed = []
    for part in range(PARTS):
        seen = [row for i, row in enumerate(rows) if i % PARTS != part]
        known = {name for counts, _ in seen for name in counts}
        new = [row for row in rows[part::PARTS] if known >= row[0].keys()]
        missed.append(errors(fit(seen), new))
    every = np.concatenate(missed)
    return KernelCost(
        fit(rows), round(float(every.max()), 4), round(float(np.quantile(every, 0.9)), 4),
        len(rows),
    )  # fmt: skip


def main() -> None:
    """Write the tables of all cores, or of those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cores", nargs="*", default=list(BOARDS))
    parser.add_argument("--samples", type=Path, help="keep what was measured in this folder")
    parser.add_argument("--toolchain", action="append", help="only this one")
    parser.add_argument("--jobs", type=int, default=2, help="tables at the same time")
    parser.add_argument(
        "--kernel", action="append", default=[], help="only those with this in their name"
    )
    args = parser.parse_args()
    pairs = [(core, toolchain) for core in args.cores for toolchain in _able(core, args.toolchain)]
    with ProcessPoolExecutor(max_workers=args.jobs) as pool:
        columns = (*zip(*pairs, strict=True), repeat(args.kernel), repeat(args.samples))
        for line in pool.map(_table, *columns):
            print(line, flush=True)


def _able(core: str, named: list[str] | None) -> list[Toolchain]:
    """The toolchains that compile for a core, or those of them that are named."""
    found = []
    for toolchain in toolchains().values():
        try:
            toolchain.core_flags(core)
        except BuildError:
            continue
        if not named or toolchain.id in named:
            found.append(toolchain)
    return found


def _table(core: str, toolchain: Toolchain, named: list[str], kept: Path | None) -> str:
    """Write one table; returns how long it took and which kernels are worst."""
    started, path = time.monotonic(), FOLDER / f"{toolchain.id}-{core}.json"
    known = cost_table(toolchain.id, core).kernels if named else {}
    measured_here = kept / path.name if kept else None
    if measured_here and measured_here.is_file():
        found: dict[str, Any] = json.loads(measured_here.read_text("utf-8"))
    else:
        found = samples(core, toolchain, named)
        if measured_here:
            measured_here.parent.mkdir(parents=True, exist_ok=True)
            measured_here.write_text(json.dumps(found), "utf-8")
    costs = {kernel: kernel_cost([(c, v) for c, v in rows]) for kernel, rows in found.items()}
    table = CostTable(toolchain.id, toolchain.version, core, BOARDS[core], {**known, **costs})
    path.write_text(table.text(), "utf-8")
    worst = sorted(costs.items(), key=lambda item: -item[1].typical_error)[:4]
    errors_of = (f"{k} {c.typical_error:.1%} {c.error:.1%}" for k, c in worst)
    return " ".join((path.name, f"{time.monotonic() - started:.0f} s", *errors_of))


if __name__ == "__main__":
    sys.exit(main())
