"""Windows taken in hops against whole windows, on a virtual Cortex-M4 (`make bench-stream`).

    python tests/bench/stream.py [PART OF A NET'S NAME]

int8 nets, plan `small`, zig and gcc: RAM of the linked image (which the budget must have said),
instructions of one run. The host and the board must agree byte by byte over a sequence of hops,
and nets without padding over time must say of every window what the window net says; exits 1
where something differs.

Accuracy is taken from fresh state, window by window, and with the windows one after the other as
one signal, where each has the one before it for its past and answers may be read a hop later.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from conftest import DATA
from nets import ds_cnn, quantized
from recipes import tasks
from time_nets import keyword

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.verify import verify
from studio.boards.virtual import start
from studio.budget import budget
from studio.build.firmware import build, project_files, write_project
from studio.build.host import HostModel
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compression.fold_batch_norm import FoldBatchNorm
from studio.compression.fold_batch_norm import preview as folded
from studio.compression.quantize_int8 import QuantizeInt8
from studio.compression.quantize_int8 import run as quantize
from studio.compression.stream_time import StreamTime
from studio.compression.stream_time import preview as streamed
from studio.data.dataset import Dataset, load
from studio.job import finish
from studio.model.evaluate import evaluate, infer_sequence
from studio.model.hops import hop_axis, hops
from studio.model.importers import open_model
from studio.model.model import Model
from studio.targets.library import profile

BOARD = profile("virtual/mps2-an386")
RUNS = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A quantised net, its data, and how many new samples come at once."""

    name: str
    model: Model
    data: Dataset | None
    hop: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a program takes on the board, and whether all was as it should be."""

    ram_bytes: int
    instructions: int
    right: bool


def cases() -> Iterator[Case]:
    """Nets of motion and of speech; those of speech have random weights."""
    imu, windows = open_model(DATA / "bench" / "imu_conv1d.onnx"), load(DATA / "bench" / "imu.npz")
    found = {"I": (finish(imu), windows, 8)}
    for name, model, data in tasks():
        if name in ("motion", "ST activity"):
            found[name] = model, data, 4 if name == "motion" else 26
    for name, (model, data, hop) in found.items():
        whole = finish(quantize(QuantizeInt8(), folded(FoldBatchNorm(), model), data))
        yield Case(name, whole, data, hop)
    yield Case("kws", quantized(ds_cnn()), None, 2)
    yield Case("kws, no padding over time", quantized(keyword()), None, 2)


def on_board(program: Program, compiler: str) -> Found:
    """Built, run over a sequence, timed."""
    host = finish(HostModel.build(program))
    with tempfile.TemporaryDirectory() as folder:
        write_project(project_files(program, BOARD), Path(folder))
        image = finish(build(Path(folder), toolchain(compiler)))
        with start(BOARD, image) as running, Link(running.port, run_timeout_s=300) as link:
            same = finish(verify(host, link, RUNS)).identical
            instructions = int(finish(timing(link, BOARD)).total.value)
    said = budget(program, BOARD, compiler).ram_bytes.value
    return Found(image.ram_bytes, instructions, same and said == image.ram_bytes)


def answers_alike(whole: Program, part: Program) -> bool:
    """Whether the C says of every window of one signal what the C of the window net says."""
    shape, piece = (p.inputs[0].logical_shape[1:] for p in (whole, part))
    axis = hop_axis(shape, piece)
    assert axis is not None
    rows, hop = shape[axis], piece[axis]
    length = (-(-rows // hop) + RUNS) * hop
    size = (*shape[:axis], length, *shape[axis + 1 :])
    signal = np.random.default_rng(0).normal(0, 1, size).astype(np.float32)
    windows, stream = (finish(HostModel.build(program)) for program in (whole, part))
    stream.reset()
    said = [stream.run(stored(part, x))[0].tobytes() for x in hops(signal, piece)]
    ends = range(-(-rows // hop) * hop, length + 1, hop)
    wanted = [np.take(signal, range(end - rows, end), axis=axis) for end in ends]
    return said[-len(wanted) :] == [windows.run(stored(whole, x))[0].tobytes() for x in wanted]


def stored(program: Program, x: np.ndarray) -> list[np.ndarray]:
    """A sample as the C takes it."""
    source = program.inputs[0]
    return [source.to_physical(source.quantize(x[None]))]


def in_a_row(model: Model, data: Dataset, later: int) -> float:
    """Accuracy with the test windows one after the other, each answer read some hops later."""
    pieces = [hops(x, model.inputs[0].shape[1:]) for x in data.test.x]
    answers = infer_sequence(model, np.stack([p for window in pieces for p in window]))[0]
    ends = np.cumsum([len(window) for window in pieces]) - 1
    read = answers.reshape(len(answers), -1)[np.minimum(ends + later, ends[-1])]
    assert data.test.y is not None
    return float(np.mean(read.argmax(axis=1) == data.test.y))


def main() -> int:
    """Print two tables."""
    right, rows = True, []
    head = "| net | takes | MACs | arena | state | compiler | RAM | instructions | share |"
    print(f"{head}\n|---|---|---:|---:|---:|---|---:|---:|---:|")
    for case in cases():
        if sys.argv[1:] and sys.argv[1] not in case.name:
            continue
        part = streamed(StreamTime(hop=case.hop), case.model)
        exact = not any("zeros" in text for text in part.history[-1]["layers"].values())
        programs = [lower(model, Options(plan="small")) for model in (case.model, part)]
        alike = answers_alike(*programs)
        right &= alike or not exact
        for compiler in ("zig", "gcc"):
            found = [on_board(program, compiler) for program in programs]
            for form, model, program, figures in zip(
                ("window", f"hop of {case.hop}"), (case.model, part), programs, found, strict=True
            ):
                right &= figures.right
                share = figures.instructions / found[0].instructions
                sizes = f"{model.macs} | {program.arena_bytes} | {program.state_bytes}"
                taken = f"{compiler} | {figures.ram_bytes} | {figures.instructions} | {share:.3f}"
                print(f"| {case.name} | {form} | {sizes} | {taken} |", flush=True)
        rows.append(
            f"| {case.name} | {'yes' if alike else 'no'} | {accuracies(case, part, alike)} |"
        )
    print("\n| net | same bytes | windows | in hops, from fresh | in a row | a hop later |")
    print("\n".join(["|---|---|---:|---:|---:|---:|", *rows]))
    return 0 if right else 1


def accuracies(case: Case, part: Model, alike: bool) -> str:
    """Of the window net, from fresh state, and in a row, where that may be another."""
    if case.data is None:
        return " | ".join(["random weights"] * 4)
    found = [evaluate(case.model, case.data).accuracy, evaluate(part, case.data).accuracy]
    if alike:
        return " | ".join([*(f"{share:.2%}" for share in found), "the same", "the same"])
    found += [in_a_row(part, case.data, later) for later in (0, 1)]
    return " | ".join(f"{share:.2%}" for share in found)


if __name__ == "__main__":
    sys.exit(main())
