"""Let the weights of a layer share a few values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compression import huffman
from studio.compression.checkpoint import Checkpoints
from studio.compression.constants import constant, drop_unused, set_constant
from studio.compression.recovery import recover
from studio.compression.step import Needs, Step, param
from studio.compression.training import Schedule, check_trainable, teaching
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.execute import Network
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset

Members = npt.NDArray[np.intp]

_ROUNDS = 30
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class ClusterWeights:
    """Let the weights of each layer share a few values (k-means), and train those.

    A weight is then a short index into a table (Deep Compression, arXiv 1510.00149). That saves
    flash only where a kernel with tables is chosen; it costs time everywhere.
    """

    clusters: int = param(16, "Values per layer", lo=2, hi=256)
    epochs: int = param(8, "Epochs", lo=0, hi=10_000)
    rate: float = param(1e-2, "Learning rate", lo=1e-7, hi=1.0)
    huffman: bool = param(
        False, "Huffman code", help="Report the size with codes of different length"
    )
    seed: int = param(0, "Seed", lo=0, hi=1_000_000)


def preview(p: ClusterWeights, model: Model) -> Model:
    """The structure, which stays: weights as they were.

    Raises:
        RecipeError: the model is quantised, or has no layer with more weights than values.
    """
    names = _layers(p, model)
    report = {node.name or "": f"{p.clusters} values" for node in names}
    return model.derived(model.clone_ir(), STEP.id, asdict(p), report)


def run(
    p: ClusterWeights, model: Model, data: Dataset | None, checkpoints: Checkpoints | None = None
) -> Job[Model]:
    """Find the values, then train them.

    Raises:
        RecipeError: as `preview`; no data; training that diverges.
        DataError: data that do not fit the model.
    """
    _layers(p, model)
    yield Progress("Finding values", 0.0)
    ir = model.clone_ir()
    members: dict[str, Members] = {}
    for node in _layers(p, model, ir):
        weight = constant(node.inputs[1])
        assert weight is not None
        values, found = clustered(weight, p.clusters)
        set_constant(ir.graph, node, 1, "weight", values[found])
        assert node.inputs[1] is not None
        members[node.inputs[1].name or ""] = found
    drop_unused(ir.graph)
    result = Model.from_ir(ir, model.name)
    if p.epochs:
        trainable = check_trainable(result, data, STEP.id)
        schedule = Schedule(p.epochs, p.rate, l2=0.0, seed=p.seed)
        # Folding a batch norm would scale each channel and break the values up.
        result = yield from recover(
            result, trainable, schedule, (checkpoints or Checkpoints()).next(), batch_norm=False,
            hold=partial(_holder, members=members), loss=teaching(model, trainable),
        )  # fmt: skip
    report = {
        node.name or "": _size(p, members[node.inputs[1].name or ""])
        for node in _layers(p, result)
        if node.inputs[1] is not None
    }
    return model.derived(result.clone_ir(), STEP.id, asdict(p), report)


STEP = Step(
    ClusterWeights, preview, run, group="Quantise", title="Cluster weights", needs=Needs.SAMPLES,
    trains=True,
)  # fmt: skip


def clustered(
    weight: npt.NDArray[Any], count: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    """Values by Lloyd's k-means in one dimension, from evenly spread starts.

    Returns:
        float32 [count] values in rising order, and the index of each weight's in its shape.
    """
    flat = weight.ravel().astype(np.float64)
    values = np.linspace(flat.min(), flat.max(), count)
    for _ in range(_ROUNDS):
        found = np.searchsorted((values[1:] + values[:-1]) / 2, flat)
        sums, counts = np.bincount(found, flat, count), np.bincount(found, minlength=count)
        moved = np.where(counts > 0, sums / np.maximum(counts, 1), values)
        if (counts == 0).any():  # an idle value goes where the error is largest
            moved[np.argmin(counts)] = flat[np.argmax(np.abs(flat - moved[found]))]
        if np.array_equal(moved, values):
            break
        values = np.sort(moved)
    found = np.searchsorted((values[1:] + values[:-1]) / 2, flat)
    return values.astype(np.float32), found.reshape(weight.shape)


def _layers(p: ClusterWeights, model: Model, ir: onnx_ir.Model | None = None) -> list[onnx_ir.Node]:
    """Layers with more constant weights than values."""
    if model.quantized:
        raise RecipeError("the model is quantised", STEP.id, "cluster before quantising")
    found = [
        node
        for node in (ir or model.ir).graph
        if node.op_type in ("Conv", "Gemm", "MatMul")
        and node.inputs[1] is not None
        and node.inputs[1].const_value is not None
        and node.inputs[1].const_value.size > p.clusters
    ]
    if not found:
        raise RecipeError(
            f"no layer has more than {p.clusters} weights", STEP.id, "choose fewer values a layer"
        )
    return found


def _holder(network: Network, members: Mapping[str, Members]) -> Callable[[], None]:
    """Moves all weights that share a value by the mean of their steps."""
    import torch

    held = []
    for name, found in members.items():
        index = torch.from_numpy(found.ravel())
        held.append((network.parameters[name], index, torch.bincount(index).clamp_min(1)))

    def hold() -> None:
        with torch.no_grad():
            for weight, index, counts in held:
                sums = torch.bincount(index, weight.flatten().double(), len(counts))
                weight.copy_((sums / counts)[index].reshape(weight.shape))

    return hold


def _size(p: ClusterWeights, found: Members) -> str:
    """What the layer would take with a table, and that it does not yet."""
    bits = max(1, int(np.ceil(np.log2(p.clusters))))
    size_bytes = -(-found.size * bits // 8)
    if p.huffman:
        size_bytes = huffman.encode(found).size_bytes
    size_bytes += p.clusters * _FLOAT_BYTES
    return (
        f"{found.size} weights share {len(np.unique(found))} values; {size_bytes} bytes with a"
        " table; 0 bytes saved, as no kernel with tables is chosen"
    )
