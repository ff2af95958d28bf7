"""Predicted against counted instructions, layer by layer (`make bench-costs`).

None of these nets had a part in the calibration. A layer counts where it makes up more than
1 % of its net.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from nets import MLPERF, conv_1d

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.virtual import start
from studio.build.firmware import build, project_files, write_project
from studio.build.toolchains import toolchain
from studio.compiler.cost import cost_table, stage_instructions
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.job import finish
from studio.model.importers import open_model
from studio.model.model import Model
from studio.recipe.examples import open_example
from studio.targets.library import profile

BOARDS = {
    "cortex-m3": "virtual/mps2-an385", "cortex-m4f": "virtual/mps2-an386",
    "cortex-m7": "virtual/mps2-an500", "cortex-m33": "virtual/mps2-an505",
    "cortex-m55": "virtual/mps3-an547",
}  # fmt: skip
DATA = Path(os.environ.get("STUDIO_DATA") or Path(__file__).resolve().parents[3] / "shared/data")
PART = 0.01  # of the net, below which a layer does not count


def nets() -> dict[str, Model]:
    """MLPerf Tiny's shapes, both examples, the keyword net of the test data; int8 unless named."""
    floats = {name: make() for name, make in MLPERF.items()}
    for example in ("digits", "motion"):
        floats[example] = finish(open_example(example))[0]
    found = {name: preview(QuantizeInt8(), model) for name, model in floats.items()}
    real = DATA / "models" / "emx-micro-kws" / "micro_kws_m_static_qdq.onnx"
    if real.is_file():
        found["micro_kws"] = finish(open_model(real))
    return {**found, "conv_1d float": conv_1d(), "digits float": floats["digits"]}


def counted(program: Program, core: str, compiler: str) -> tuple[float, list[float]]:
    """Instructions of the net and of each stage on the virtual board."""
    board = profile(BOARDS[core])
    with tempfile.TemporaryDirectory() as folder:
        write_project(project_files(program, board), Path(folder))
        image = finish(build(Path(folder), toolchain(compiler)))
        with start(board, image) as running, Link(running.port, run_timeout_s=300) as link:
            found = finish(timing(link, board))
    return found.total.value, [layer.value.value for layer in found.layers]


def errors(program: Program, core: str, compiler: str) -> tuple[float, float, str]:
    """Relative error of the net, and the worst of the layers that count, with its name."""
    guesses = stage_instructions(program, cost_table(compiler, core))
    total, stages = counted(program, core, compiler)
    worst, where = 0.0, ""
    for stage, guess, value in zip(program.stages, guesses, stages, strict=True):
        error = guess / value - 1
        if value > PART * total and abs(error) > abs(worst):
            worst, where = error, program.calls[stage[0].call].kernel
    return sum(guesses) / total - 1, worst, where


def main() -> None:
    """Print a table."""
    models = nets()
    print("| core | compiler | net | plan | net's error | worst layer | its kernel |")
    print("|---|---|---|---|---:|---:|---|")
    for core in sys.argv[1:] or BOARDS:
        for compiler in ("zig", "gcc"):
            for name, model in models.items():
                for plan in ("layerwise", "small"):
                    net, worst, where = errors(lower(model, Options(plan=plan)), core, compiler)
                    row = f"| {core} | {compiler} | {name} | {plan} | {net:+.1%} | {worst:+.1%}"
                    print(f"{row} | {where} |", flush=True)


if __name__ == "__main__":
    main()
