"""Flash of linked images by how the weights are kept (`make bench-flash`).

The autoencoder and the DS-CNN of MLPerf Tiny's shapes and the digits example, batch norms folded,
in float, int8, int4 and int8 with 80 % of the weights zero; plan layerwise, monitor firmware,
virtual Cortex-M4, zig and gcc. Structure only: but for zeros, what a weight is does not change what
it takes. Exits 1 where the budget is off by more than 3 %.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from nets import MLPERF

from studio.budget import budget
from studio.build.firmware import build, project_files, write_project
from studio.build.link_map import Image
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compiler.program import Program
from studio.compression import fold_batch_norm, prune_weights, quantize_int4, quantize_int8
from studio.job import finish
from studio.model.model import Model
from studio.recipe.examples import open_example
from studio.targets.library import profile

BOARD = profile("virtual/mps2-an386")
BAR = 0.03


def nets() -> dict[str, Model]:
    """The float nets by name."""
    digits = finish(open_example("digits"))[0]
    folded = fold_batch_norm.preview(fold_batch_norm.FoldBatchNorm(), digits)
    return {"autoencoder": MLPERF["ad"](), "KWS": MLPERF["kws"](), "digits": folded}


def forms(model: Model) -> dict[str, Model]:
    """A net with its weights kept in each way."""
    int8 = quantize_int8.QuantizeInt8()
    thin = prune_weights.PruneWeights(sparsity=0.8, batch_norm=False)
    return {
        "float": model,
        "int8": quantize_int8.preview(int8, model),
        "int4": quantize_int4.preview(quantize_int4.QuantizeInt4(), model),
        "sparse": quantize_int8.preview(int8, prune_weights.preview(thin, model)),
    }


def linked(program: Program, compiler: str) -> Image:
    """The image of a program in its monitor firmware."""
    with tempfile.TemporaryDirectory() as folder:
        write_project(project_files(program, BOARD), Path(folder))
        return finish(build(Path(folder), toolchain(compiler)))


def weight_bytes(program: Program) -> int:
    """Bytes of the weights themselves, as they are kept; no biases, no scales."""
    names = {str(call.params["weights"]) for call in program.calls if "weights" in call.params}
    return sum(program.constants[name].size_bytes for name in names)


def main() -> int:
    """Print a table."""
    print("| net | weights | of them | compiler | flash | of int8 | weights' share | budget |")
    print("|---|---|---:|---|---:|---:|---:|---:|")
    close = True
    for name, model in nets().items():
        programs = {form: lower(made) for form, made in forms(model).items()}
        for compiler in ("zig", "gcc"):
            flash = {form: linked(p, compiler).flash_bytes for form, p in programs.items()}
            for form, program in programs.items():
                own, taken = weight_bytes(program), flash[form]
                off = budget(program, BOARD, compiler).flash_bytes.value / taken - 1
                close &= abs(off) <= BAR
                print(
                    f"| {name} | {form} | {own} | {compiler} | {taken} "
                    f"| {taken / flash['int8']:.2f} | {own / taken:.0%} | {off:+.1%} |"
                )
    return 0 if close else 1


if __name__ == "__main__":
    sys.exit(main())
