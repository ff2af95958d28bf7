"""Host against five virtual boards, zig against gcc, byte for byte (`make bench-equality`).

Four nets, float and int8: digits, motion, and the keyword net of emx-onnx-cgen in its float
form (quantised here on seeded random inputs) and in its quantised one. Prints Markdown
tables: the generated C on the host against onnxruntime (ORT_DISABLE_ALL), then the boards
against the host. Exits 1 where a byte differs between host and board.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from conftest import DATA
from judge import worst_layer

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
from studio.model.evaluate import infer
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


def judge(model: Model, samples: int = 1000) -> str:
    """The host's C against onnxruntime on random inputs: a row of the first table."""
    program = lower(model)
    source, target = program.inputs[0], program.outputs[0]
    rng = np.random.default_rng(1)
    if source.dtype == "int8":
        stored = rng.integers(-128, 128, (samples, *source.shape)).astype(np.int8)
    else:
        stored = rng.standard_normal((samples, *source.shape), np.float32)
    real = np.concatenate([source.to_logical(source.dequantize(x)) for x in stored])
    want = infer(model, real)[0]
    host = finish(HostModel.build(program))
    got = np.concatenate([target.to_logical(host.run([x])[0]) for x in stored])
    same = np.mean(got.argmax(1) == want.argmax(1))
    if target.dtype == "float32":
        return f"{same:.1%} | {np.abs(got - want).max():.2g} | |"
    steps = np.abs(got.astype(int) - target.quantize(want)).max()
    layers = max(worst_layer(model, program, x[None])[0] for x in real[:20])
    return f"{same:.1%} | {steps} LSB | {layers} LSB |"


def compare(model: Model, board: str, compiler: str, samples: int) -> tuple[bool, int, int]:
    """(identical, bytes compared, instructions of one inference)."""
    program, target = lower(model), profile(board)
    with tempfile.TemporaryDirectory() as folder:
        write_project(project_files(program, target), Path(folder))
        image = finish(build(Path(folder), toolchain(compiler)))
        flasher = flasher_for(target)
        host = finish(HostModel.build(program))
        plan = flasher.plan(target, image)
        with finish(flasher.flash(plan)) as running, Link(running.port, run_timeout_s=60) as link:
            found = finish(verify(host, link, samples))
            took = finish(timing(link, target))
    if found.difference is not None:
        print(f"{board} {compiler}: {found.difference}", file=sys.stderr)
    return found.identical, found.compared_bytes, int(took.total.value)


def main() -> int:
    """Compare everything; the scale of samples may be given in percent."""
    share = int(sys.argv[1]) / 100 if len(sys.argv) > 1 else 1.0
    nets = models()
    print("| net | same top-1, 1 000 inputs | largest difference | of a layer fed alike |")
    print("|---|---|---|---|")
    for name, model in nets.items():
        print(f"| {name} | {judge(model)}", flush=True)
    print("\n| net | board | compiler | samples | bytes | identical | instructions |")
    print("|---|---|---|---:|---:|---|---:|")
    same = True
    for name, model in nets.items():
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
