"""The ready-made recipes on five nets, computed by the generated C (`make bench-recipes`).

    python tests/bench/recipes.py [PART OF A NET'S NAME [PART OF A RECIPE'S NAME]]

Quality is what the C, built for this computer, answers on the test part; the virtual Cortex-M4
answers the first samples with the same bytes and counts instructions; flash and RAM are those of
its linked image. The autoencoder has 196 windows of one recording and no labels: its figure is the
mean squared error of the reconstruction over all of them, which it was also calibrated (and, where
a recipe trains, trained) on; it says what compression costs, not how well it detects.

Prints a Markdown table; exits 1 where the board's bytes differ, or where the autoencoder's error
grows past 1.05 times the float net's under the recipe that promises no loss.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
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
from studio.compiler.program import Program
from studio.data.dataset import Dataset, load
from studio.errors import RecipeError
from studio.job import finish
from studio.model.importers import open_model
from studio.model.model import Model
from studio.recipe.cache import Cache
from studio.recipe.examples import open_example
from studio.recipe.recipe import Recipe, read_recipe
from studio.recipe.runner import run
from studio.targets.library import profile
from studio.targets.resources import resource

BOARD = profile("virtual/mps2-an386")
VERIFIED = 20  # samples on the board
MOST_ERROR = 1.05  # of the float autoencoder's
ACTIVITY = """
source = {source}
window = 260
scale = 0.00025
stride = 52
test = 0.4
classes = ["stationary", "walking", "running"]
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One variant of one net; quality is accuracy, or an autoencoder's mean squared error."""

    net: str
    variant: str
    quality: float
    samples: int
    flash_bytes: int
    ram_bytes: int
    instructions: int
    identical: bool


def tasks() -> Iterator[tuple[str, Model, Dataset]]:
    """The nets with their data."""
    for example in ("digits", "motion"):
        model, data, _ = finish(open_example(example))
        yield example, model, data
    recordings = DATA / "sensors" / "st-har-lsm6dsl"
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder) / "activity.toml"
        described.write_text(ACTIVITY.format(source=f"'{recordings}'"), "utf-8")
        yield "ST activity", finish(open_model(recordings / "model.tflite")), load(described)
    bench = DATA / "bench"
    yield "GRU", finish(open_model(bench / "imu_gru.onnx")), load(bench / "imu.npz")
    yield "autoencoder", *autoencoder()


def autoencoder() -> tuple[Model, Dataset]:
    """MLPerf Tiny's float net and the windows of one recording, which serve for everything."""
    folder = DATA / "models" / "mlperf-tiny-ad"
    frames = np.fromfile(folder / "normal_id_01_00000000_hist_librosa.bin", np.float32)
    frames = frames.reshape(-1, 128)
    x = np.stack([frames[i : i + 5].ravel() for i in range(len(frames) - 4)])
    data = Dataset("normal_id_01_00000000", x, None, (), np.full(len(x), "train"))
    return finish(open_model(folder / "ad01_fp32.tflite")), data


def recipes() -> Iterator[tuple[str, Recipe]]:
    """The ready-made recipes by name."""
    for path in sorted(resource("resources/recipes").glob("*.toml")):
        recipe = read_recipe(path)
        yield recipe.name, recipe


def variants(
    model: Model, data: Dataset, cache: Cache, wanted: str
) -> Iterator[tuple[str, Model | str]]:
    """Each variant's name and model, or why there is none; the float net first."""
    yield "float", model
    for name, recipe in recipes():
        if wanted not in name:
            continue
        try:
            results = finish(run(recipe, model, data, cache))
        except RecipeError as refusal:
            yield name, refusal.what
            continue
        for leaf in recipe.variants:
            title = name if len(recipe.variants) == 1 else f"{name}: {leaf.id}"
            yield title, results[leaf.id]


def quality(program: Program, host: HostModel, data: Dataset) -> tuple[float, int]:
    """Accuracy of the C on the test part, or the mean squared error over all samples."""
    source, target = program.inputs[0], program.outputs[0]
    part = data if data.y is None else data.test
    stored = [source.to_physical(source.quantize(x[None])) for x in part.x]
    answers = np.concatenate(
        [target.to_logical(target.dequantize(host.run([x])[0])) for x in stored]
    )
    if part.y is None:
        return float(np.square(answers.reshape(part.x.shape) - part.x).mean()), len(part)
    return float(np.mean(answers.argmax(1) == part.y)), len(part)


def measured(net: str, variant: str, model: Model, data: Dataset) -> Row:
    """One row: the C on this computer, the image on the virtual board."""
    program = lower(model)
    host = finish(HostModel.build(program))
    value, samples = quality(program, host, data)
    with tempfile.TemporaryDirectory() as folder:
        write_project(project_files(program, BOARD), Path(folder))
        image = finish(build(Path(folder), toolchain("gcc")))
        flasher = flasher_for(BOARD)
        with finish(flasher.flash(flasher.plan(BOARD, image))) as board, Link(board.port) as link:
            found = finish(verify(host, link, VERIFIED))
            took = finish(timing(link, BOARD))
    return Row(net, variant, value, samples, image.flash_bytes, image.ram_bytes,
               int(took.total.value), found.identical)  # fmt: skip


def main() -> int:
    """Print the table; 1 if something is not as it must be."""
    wanted, wanted_recipe = (*sys.argv[1:], "", "")[:2]
    print("| net | variant | accuracy, or error | samples | flash B | RAM B | instructions |")
    print("|---|---|---:|---:|---:|---:|---:|")
    failed = False
    for net, model, data in tasks():
        if wanted not in net:
            continue
        first: Row | None = None
        for variant, made in variants(model, data, Cache(), wanted_recipe):
            if isinstance(made, str):
                print(f"| {net} | {variant} | refuses: {made} | | | | |", flush=True)
                continue
            row = measured(net, variant, made, data)
            first = first or row
            print(f"| {net} | {variant} | {shown(row, first)} | {row.samples} | {row.flash_bytes} |"
                  f" {row.ram_bytes} | {row.instructions} |", flush=True)  # fmt: skip
            failed |= not row.identical
            if data.y is None and variant == "Safe int8":
                failed |= row.quality > MOST_ERROR * first.quality
    return int(failed)


def shown(row: Row, first: Row) -> str:
    """Quality as people read it."""
    if row.net == "autoencoder":
        return f"{row.quality:.4f} ({row.quality / first.quality:.3f} x float)"
    return f"{row.quality:.2%} ({(row.quality - first.quality) * 100:+.2f})"


if __name__ == "__main__":
    sys.exit(main())
