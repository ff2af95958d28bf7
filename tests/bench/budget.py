"""Flash, RAM and stack before the build, against images and boards (`make bench-budget`).

None of these nets had a part in the tables of sizes and stack frames, which are made from the
kernels' own examples. Bars: flash within 3 % and RAM exact before the build; flash within 0.5 %
of the flashed binary after it; the stack's high-water at most predicted, and that at most 25 %
above it. Exits 1 where one is missed. Arguments name cores, compilers, or nets.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.costs import BOARDS, COMPILERS, calibrated, int8
from conftest import DATA
from model.corpus import MODELS

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.virtual import start
from studio.budget import budget
from studio.build.firmware import build, project_files, write_project
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compression.prune_weights import PruneWeights
from studio.compression.prune_weights import preview as pruned
from studio.compression.quantize_int4 import QuantizeInt4
from studio.compression.quantize_int4 import preview as int4
from studio.compression.quantize_int16 import QuantizeInt16
from studio.compression.quantize_int16 import run as int16
from studio.compression.quantize_recurrent import QuantizeRecurrent
from studio.compression.quantize_recurrent import run as recurrent
from studio.job import finish
from studio.model.importers import open_model
from studio.model.model import Model
from studio.recipe.examples import open_example
from studio.targets.library import profile

FLASH_BAR, FLASHED_BAR, STACK_BAR = 0.03, 0.005, 0.25
TITLES = """\
| core | compiler | net | flash | linked | error | after | RAM | linked | stack | used | error |
|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""
SUMMARY = """
| core | compiler | rows within all bars | worst flash | after it | RAM exact | stack |
|---|---|---:|---:|---:|---:|---:|"""
FILES = {
    "kws": "mlperf-tiny-kws/kws_ref_model.tflite",
    "ad": "mlperf-tiny-ad/ad01_int8.tflite",
    "ic": "mlperf-tiny-ic/pretrainedResnet_quant.tflite",
    "person_detect": "tflm-examples/person_detect.tflite",
    "micro_kws qdq": "emx-micro-kws/micro_kws_m_static_qdq.onnx",
    "hello_world": "tflm-examples/hello_world_int8.tflite",
    "lstm int8": "tflm-examples/trained_lstm_int8.tflite",
    "svdf with state": "tflm-examples/keyword_scrambled_8bit.tflite",
    "vad with state": "micro-wake-word/vad.tflite",
    "mnist float": "onnx2c-mnist/mnist.simplified.onnx",
    "magic_wand float": "mlonmcu/magic_wand.tflite",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Bytes as predicted before the build, and as they turned out.

    Attributes:
        flash, ram, stack: before the build.
        linked_flash, linked_ram: as the studio reads them from the ELF file.
        flashed: the raw binary's size.
        high_water: of the stack, as the running board found it.
    """

    flash: int
    linked_flash: int
    flashed: int
    ram: int
    linked_ram: int
    stack: int
    high_water: int

    @property
    def flash_error(self) -> float:
        """Of the prediction, relative to the linked image."""
        return self.flash / self.linked_flash - 1

    @property
    def flashed_error(self) -> float:
        """Of what is said of the linked image, relative to the binary."""
        return self.linked_flash / self.flashed - 1

    @property
    def stack_error(self) -> float:
        """Of the prediction, relative to the high-water."""
        return self.stack / self.high_water - 1

    @property
    def misses(self) -> list[str]:
        """The bars that are not met."""
        missed = {
            "flash": abs(self.flash_error) > FLASH_BAR,
            "ram": self.ram != self.linked_ram,
            "flashed": abs(self.flashed_error) > FLASHED_BAR,
            "stack": not 0 <= self.stack_error <= STACK_BAR,
        }
        return [name for name, is_missed in missed.items() if is_missed]


def kws() -> Model:
    """A keyword net in float32, from another project."""
    return finish(open_model(MODELS / "emx-micro-kws/micro_kws_m_static_fp32.onnx"))


def gru() -> Model:
    """Gestures by a GRU, quantised."""
    model = finish(open_model(DATA / "bench" / "imu_gru.onnx"))
    return calibrated(QuantizeRecurrent(samples=16), recurrent, model)


def example(name: str) -> Model:
    """The net of one of the studio's own examples."""
    return finish(open_example(name))[0]


COMPRESSED: dict[str, Callable[[], Model]] = {
    "kws 80 % zeros": lambda: int8(pruned(PruneWeights(sparsity=0.8, batch_norm=False), kws())),
    "kws int4": lambda: int4(QuantizeInt4(), kws()),
    "digits int16": lambda: calibrated(QuantizeInt16(samples=16), int16, example("digits")),
    "gru": gru,
    "motion int8": lambda: int8(example("motion")),
    "motion float": lambda: example("motion"),
}
ROW_BY_ROW = ("ic, small", "micro_kws qdq, small")
NETS = (*FILES, *ROW_BY_ROW, *COMPRESSED)


def program_of(net: str) -> Program:
    """A net of the test data, or what the studio's own steps make of one."""
    name = net.removesuffix(", small")
    model = finish(open_model(MODELS / FILES[name])) if name in FILES else COMPRESSED[name]()
    return lower(model, Options(plan="small") if net in ROW_BY_ROW else Options())


def measured(program: Program, core: str, compiler: str) -> Row:
    """Predict, build, flash and run."""
    board = replace(profile(BOARDS[core]), core=core)
    before = budget(program, board, compiler)
    with tempfile.TemporaryDirectory() as folder:
        write_project(project_files(program, board), Path(folder))
        image = finish(build(Path(folder), toolchain(compiler)))
        flashed = binary_bytes(image.elf)
        with start(board, image) as running, Link(running.port, run_timeout_s=300) as link:
            finish(timing(link, board))
            high_water = link.memory().stack_used_bytes
    return Row(
        flash=int(before.flash_bytes.value),
        linked_flash=image.flash_bytes,
        flashed=flashed,
        ram=int(before.ram_bytes.value),
        linked_ram=image.ram_bytes,
        stack=int(before.stack_used_bytes.value),
        high_water=high_water,
    )


def binary_bytes(elf: Path) -> int:
    """Size of the raw binary that a flasher writes, by binutils."""
    binary = elf.with_suffix(".bin")
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, binary], check=True)
    return binary.stat().st_size


def main() -> int:
    """Print a table and what was worst."""
    words = sys.argv[1:]
    cores = [core for core in BOARDS if core in words] or list(BOARDS)
    compilers = [compiler for compiler in COMPILERS if compiler in words] or COMPILERS
    nets = [net for net in NETS if net in words] or NETS
    rows: dict[tuple[str, str, str], Row] = {}
    print(TITLES)
    for net in nets:
        program = program_of(net)
        for core in cores:
            for compiler in compilers:
                row = rows[core, compiler, net] = measured(program, core, compiler)
                print(
                    f"| {core} | {compiler} | {net} | {row.flash} | {row.linked_flash} |"
                    f" {row.flash_error:+.2%} | {row.flashed_error:+.2%} | {row.ram} |"
                    f" {row.linked_ram} | {row.stack} | {row.high_water} |"
                    f" {row.stack_error:+.1%} | {' '.join(row.misses)}",
                    flush=True,
                )
    return summary(rows)


def summary(rows: dict[tuple[str, str, str], Row]) -> int:
    """Print the worst of each figure by core and compiler; 1 where a bar is missed."""
    print(SUMMARY)
    for pair in dict.fromkeys(key[:2] for key in rows):
        own = {key[2]: row for key, row in rows.items() if key[:2] == pair}
        met = sum(not row.misses for row in own.values())
        exact = sum(row.ram == row.linked_ram for row in own.values())
        flash = max(own, key=lambda net: abs(own[net].flash_error))
        after = max((row.flashed_error for row in own.values()), key=abs)
        stack = sorted(row.stack_error for row in own.values())
        print(
            f"| {pair[0]} | {pair[1]} | {met} / {len(own)}"
            f" | {own[flash].flash_error:+.2%} ({flash})"
            f" | {after:+.2%} | {exact} / {len(own)} | {stack[0]:+.1%} to {stack[-1]:+.1%} |"
        )
    missed = [" ".join((*key, *row.misses)) for key, row in rows.items() if row.misses]
    print(f"\n{len(rows) - len(missed)} of {len(rows)} rows meet every bar", *missed, sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
