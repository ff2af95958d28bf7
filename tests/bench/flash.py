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
COMPILERS = ("zig", "gcc")
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
    heads = "".join(f" flash {compiler} B | of int8 | share |" for compiler in COMPILERS)
    print(f"| net | form | weights B |{heads}")
    print("|---|---|---:|" + "---:|---:|---:|" * len(COMPILERS))
    worst = 0.0
    for name, model in nets().items():
        programs = {form: lower(made) for form, made in forms(model).items()}
        flash = {
            (form, compiler): linked(program, compiler).flash_bytes
            for form, program in programs.items()
            for compiler in COMPILERS
        }
        for form, program in programs.items():
            own, columns = weight_bytes(program), ""
            for compiler in COMPILERS:
                taken = flash[form, compiler]
                said = budget(program, BOARD, compiler).flash_bytes.value
                worst = max(worst, abs(said / taken - 1))
                of_int8 = taken / flash["int8", compiler]
                columns += f" {grouped(taken)} | {of_int8:.2f} | {100 * own / taken:.0f} % |"
            print(f"| {name} | {form} | {grouped(own)} |{columns}", flush=True)
    print(f"\nThe budget is off by at most {worst:.1%}.")
    return 0 if worst <= BAR else 1


def grouped(number: float) -> str:
    """A number with a space between thousands."""
    return f"{number:,.0f}".replace(",", " ")


if __name__ == "__main__":
    sys.exit(main())
