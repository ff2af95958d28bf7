"""SVDF: a fully connected layer over time, factorised into features and filters over them."""

from __future__ import annotations

import numpy as np

from studio.model.importers.tflite.file import DAMAGED
from studio.model.importers.tflite.operator import Site

# Inputs: 0 what is new [1, n], 1 weights of the features [filters, n], 2 weights over time
# [filters, memory], 3 a bias [units], 4 the features of the last runs [1, filters * memory].


def svdf(site: Site) -> None:
    """A feature a filter goes behind those of the last runs; a unit weighs those of its filters.

    In integers the only activation is Relu, and it is what the result's scale cuts off.
    """
    if site.input_count != 5:
        raise site.refused(f"{site.input_count} inputs", DAMAGED)
    new, time, rank = site.tensor(0).shape, site.tensor(2).shape, int(site.option("Rank"))
    if len(new) != 2 or new[0] != 1:
        raise site.refused(f"an input of shape {list(new)}", "use batch 1")
    if len(time) != 2 or rank < 1 or time[0] % rank or site.tensor(1).shape != (time[0], new[1]):
        raise site.refused(f"weights {list(site.tensor(1).shape)} and {list(time)}", DAMAGED)
    filters, memory = time
    if site.tensor(4).shape != (1, filters * memory):
        raise site.refused(f"a state of shape {list(site.tensor(4).shape)}", DAMAGED)
    seen = _window(site, filters, memory)
    site.graph.state_out(site.index(4), site.reshaped(seen, (1, filters * memory)))
    units = filters // rank
    operands = [seen, _over_time(site, (units, rank, memory))]
    if site.has(3):
        operands.append(_bias(site))
    out = site.emit("Conv", *operands, group=units, kernel_shape=[memory])
    if not site.tensor(0).quantized:
        out = site.activated(out)
    site.done(site.reshaped(out, (1, units)))


def _window(site: Site, filters: int, memory: int) -> str:
    """The features of the last runs and of this one, [1, filters, memory]."""
    graph, index = site.graph, site.index(4)
    feature = site.emit("Gemm", site.x(0), graph.weights(site.index(1)), transB=1)
    if site.tensor(4).quantized:
        feature = graph.quantized(feature, index, f"{site.name}/feature")
    before = site.reshaped(graph.state_in(index), (1, filters, memory))
    names = ("starts", "ends", "axes")
    bounds = [site.const([n], np.int64, k) for n, k in zip((1, memory, 2), names, strict=True)]
    kept = site.emit("Slice", before, *bounds)
    return site.emit("Concat", kept, site.reshaped(feature, (1, filters, 1)), axis=2)


def _over_time(site: Site, shape: tuple[int, ...]) -> str:
    tensor, index = site.tensor(2), site.index(2)
    if tensor.data is None:
        raise site.refused("weights that are computed at run time", "use constants")
    stored = site.graph.constant_tensor(tensor.data.reshape(shape), index)
    if tensor.scales is None:
        return stored
    zeros = None if tensor.zero_points is None else tensor.zero_points.astype(tensor.data.dtype)
    name = f"{site.graph.name_of(index)}/dequantize"
    return site.graph.dequantized(stored, tensor.scales, zeros, name)


def _bias(site: Site) -> str:
    """In integers its scale is that of state times weights, whatever the file says."""
    tensor, state, time = site.tensor(3), site.tensor(4), site.tensor(2)
    if tensor.data is None or tensor.dtype != "int32":
        return site.x(3)
    if state.scales is None or time.scales is None:
        raise site.refused("an integer bias without scales", DAMAGED)
    stored = site.graph.constant_tensor(tensor.data, site.index(3))
    name = f"{site.graph.name_of(site.index(3))}/dequantize"
    return site.graph.dequantized(stored, state.scales * time.scales, None, name)


TRANSLATORS = {"SVDF": svdf}
