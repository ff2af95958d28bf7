"""FULLY_CONNECTED and BATCH_MATMUL."""

from __future__ import annotations

import math

from studio.model.importers.tflite.file import DAMAGED
from studio.model.importers.tflite.operator import Site


def fully_connected(site: Site) -> None:
    """Gemm over rows; what has other axes is reshaped before and behind."""
    weights, x = site.tensor(1), site.tensor(0)
    if site.option("WeightsFormat", 0):
        raise site.refused("shuffled weights", "export with default weights")
    if len(weights.shape) != 2 or weights.shape[1] < 1 or math.prod(x.shape) % weights.shape[1]:
        raise site.refused(f"weights {list(weights.shape)} for {list(x.shape)}", DAMAGED)
    rows = math.prod(x.shape) // weights.shape[1]
    value = site.x(0)
    if x.shape != (rows, weights.shape[1]):
        value = site.reshaped(value, (rows, weights.shape[1]))
    inputs = [value, site.graph.weights(site.index(1))]
    if site.has(2):
        inputs.append(site.bias(2))
    out = site.emit("Gemm", *inputs, transB=1)
    site.mark_if_hybrid(asymmetric=bool(site.option("AsymmetricQuantizeInputs", False)))
    out = site.activated(out)
    shape = site.result().shape
    if shape != (rows, weights.shape[0]):
        if math.prod(shape) != rows * weights.shape[0]:
            raise site.refused(f"a result of shape {list(shape)}", DAMAGED)
        out = site.reshaped(out, shape)
    site.done(out)


def batch_matmul(site: Site) -> None:
    """MatMul of the last two axes, either operand transposed before."""
    operands = []
    for number, option in ((0, "AdjX"), (1, "AdjY")):
        rank = len(site.tensor(number).shape)
        if rank < 2:
            raise site.refused(f"an operand of {rank} axes", DAMAGED)
        perm = (*range(rank - 2), rank - 1, rank - 2)
        adjoint = site.option(option, False)
        operands.append(site.graph.weights(site.index(number), perm if adjoint else None))
    site.done(site.emit("MatMul", *operands))


TRANSLATORS = {"FULLY_CONNECTED": fully_connected, "BATCH_MATMUL": batch_matmul}
