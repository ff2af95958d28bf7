"""How fast it answers, medians of 7 (`make bench`): start-up, previews, lowering, budgets."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from nets import mobilenet

from studio.budget import budget
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compression.step import steps
from studio.errors import BuildError, RecipeError
from studio.job import finish
from studio.model.model import Model
from studio.recipe.examples import open_example
from studio.targets.library import profiles

RUNS = 7
SCRIPT = Path(sys.executable).with_name("tinyml-studio")


def median_ms(work: Callable[[], object]) -> float:
    """Milliseconds of one call, the median of RUNS."""
    taken = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - begin))
    return statistics.median(taken)


def started(*words: str) -> None:
    """Run the program to its end; the window closes as soon as it is up."""
    environment = {**os.environ, "STUDIO_EXIT_AFTER_MS": "0"}
    if not environment.get("DISPLAY"):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    subprocess.run([SCRIPT, *words], env=environment, stdout=subprocess.DEVNULL, check=True)


def of_model(name: str, model: Model) -> list[tuple[str, float]]:
    """What follows a slider: a preview of each step, the Program, all budgets."""
    rows = []
    quantized = model
    for step in steps().values():
        params = step.make()
        title = f"{name}: preview of {step.title.lower()}"
        try:
            step.preview(params, model)
        except RecipeError:  # it has nothing to do here
            continue
        rows.append((title, median_ms(lambda s=step, p=params: s.preview(p, model))))
        if step.id == "quantize_int8":
            quantized = step.preview(params, model)
    program = lower(quantized)
    rows.append((f"{name}: lower, int8", median_ms(lambda: lower(quantized))))
    title = f"{name}: budgets of all {len(profiles())} boards"
    rows.append((title, median_ms(lambda: budgets(program))))
    return rows


def budgets(program: Program) -> None:
    """What a Program takes on every board."""
    for profile in profiles().values():
        try:
            budget(program, profile)
        except BuildError:  # no compiler for that core
            continue


def moves_ms(count: int = 60) -> list[float]:
    """A slider pulled: from each of its values to the budgets of all boards.

    Channels are pruned from a net of 30 layers, which is quantised and lowered in plan `small`;
    no two moves lead to the same net. Milliseconds of processor time, so that other work on the
    machine does not count. Old garbage waits, as it does in the window.
    """
    model, prune, quantize = mobilenet(), steps()["prune_channels"], steps()["quantize_int8"]
    taken = []
    gc.collect()
    gc.disable()
    for move in range(count):
        begin = time.process_time()
        pruned = prune.preview(prune.make(ratio=0.05 + 0.01 * move, multiple=1), model)
        program = lower(quantize.preview(quantize.make(), pruned), Options(plan="small"))
        budgets(program)
        taken.append(1000 * (time.process_time() - begin))
    gc.enable()
    return taken[3:]  # the first ones read tables


def main() -> None:
    """Print a table."""
    rows = [
        ("tinyml-studio --help", median_ms(lambda: started("--help"))),
        ("tinyml-studio open, until it is closed again", median_ms(lambda: started("open"))),
    ]
    for example in ("digits", "motion"):
        rows += of_model(example, finish(open_example(example))[0])
    print(f"| what | ms, median of {RUNS} |\n|---|---:|")
    for title, taken in rows:
        print(f"| {title} | {taken:.1f} |")
    moves = sorted(moves_ms())
    for name, share in (("median", 0.5), ("p95", 0.95)):
        title = f"30 layers, plan small: a slider's move to all budgets, processor time, {name}"
        print(f"| {title} | {moves[int(share * len(moves))]:.1f} |")


if __name__ == "__main__":
    main()
