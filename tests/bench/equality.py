"""Host against five virtual boards, zig against gcc, byte for byte (`make bench-equality`).

Four nets, float and int8: digits, motion, and the keyword net of emx-onnx-cgen in its float
form (quantised here on seeded random inputs) and in its quantised one. Prints a Markdown
table; exits 1 where a byte differs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from conftest import DATA

from studio.boards.flashers.flasher import flasher_for
from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.verify import verify
from studio.build.firmware import build, project_files, write_project
from studio.build.host import HostModel
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compression.quantize_int8 import QuantizeInt8
from studio.compression.quantize_int8 import run as quantize
from studio.data.dataset import Dataset
from studio.job import finish
from studio.model.importers import open_model
from studio.model.model import Model
from studio.recipe.cache import Cache
from studio.recipe.examples import open_example
from studio.recipe.runner import run as run_recipe
from studio.targets.library import profile

BOARDS = {
    "virtual/mps2-an385": 50,
    "virtual/mps2-an386": 1000,
    "virtual/mps2-an500": 50,
    "virtual/mps2-an505": 50,
    "virtual/mps3-an547": 50,
}


def models() -> dict[str, Model]:
    """The nets by name."""
    found = {}
    for example in ("digits", "motion"):
        model, data, recipe = finish(open_example(example))
        results = finish(run_recipe(recipe, model, data, Cache()))
        found[f"{example} float"] = model
        found[f"{example} int8"] = results[recipe.variants[0].id]
    folder = DATA / "models" / "emx-micro-kws"
    kws = finish(open_model(folder / "micro_kws_m_static_fp32.onnx"))
    x = np.random.default_rng(0).standard_normal((256, *kws.inputs[0].shape[1:]), np.float32)
    noise = Dataset("noise", x, None, (), np.full(len(x), "train"))
    found["kws float"] = kws
    found["kws int8"] = finish(quantize(QuantizeInt8(), kws, noise))
    found["kws qdq"] = finish(open_model(folder / "micro_kws_m_static_qdq.onnx"))
    return found


def compare(model: Model, board: str, compiler: str, samples: int) -> tuple[bool, int, int]:
    """(identical, bytes compared, instructions of one inference)."""
    program, target = lower(model), profile(board)
    with tempfile.TemporaryDirectory() as folder:
        write_project(project_files(program, target), Path(folder))
        image = finish(build(Path(folder), toolchain(compiler)))
        flasher = flasher_for(target)
        host = finish(HostModel.build(program))
        plan = flasher.plan(target, image)
        with finish(flasher.flash(plan)) as running, Link(running.port) as link:
            found = finish(verify(host, link, samples))
            took = finish(timing(link, target))
    if found.difference is not None:
        print(f"{board} {compiler}: {found.difference}", file=sys.stderr)
    return found.identical, found.compared_bytes, int(took.total.value)


def main() -> int:
    """Compare everything; the scale of samples may be given in percent."""
    share = int(sys.argv[1]) / 100 if len(sys.argv) > 1 else 1.0
    print("| net | board | compiler | samples | bytes | identical | instructions |")
    print("|---|---|---|---:|---:|---|---:|")
    same = True
    for name, model in models().items():
        for board, samples in BOARDS.items():
            for compiler in ("zig", "gcc"):
                n = max(int(samples * share), 1)
                began = time.monotonic()
                identical, compared, instructions = compare(model, board, compiler, n)
                same &= identical
                print(
                    f"| {name} | {board} | {compiler} | {n} | {compared} | "
                    f"{'yes' if identical else 'NO'} | {instructions} |",
                    flush=True,
                )
                seconds = time.monotonic() - began
                print(f"{name} {board} {compiler} {seconds:.1f} s", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
