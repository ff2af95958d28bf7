"""Put batch normalisation back where an exporter has folded it away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression.step import Needs, Step, param
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.evaluate import check_fits
from studio.model.execute import Network
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset

# Mean and variance of each channel.
Moments = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]

_EPSILON = 1e-5
_ACTIVATIONS = {"Relu", "Clip", "LeakyRelu", "HardSwish", "Sigmoid", "Tanh", "Elu", "Selu", "Gelu"}


@dataclass(frozen=True, slots=True)
class InsertBatchNorm:
    """Add a batch normalisation behind each convolution and each dense layer with an activation.

    Its scale and offset undo what its statistics do, so the function stays the same; a training
    that follows is much better with them. Fold them again afterwards.
    """

    samples: int = param(256, "Calibration samples", lo=2, hi=100_000)


def preview(p: InsertBatchNorm, model: Model) -> Model:
    """The structure, with statistics of mean 0 and variance 1.

    Raises:
        RecipeError: the model is quantised, or has no layer to normalise.
    """
    layers = normalizable(model)
    if not layers:
        raise RecipeError("no layer is without batch normalisation", STEP.id, "leave this step out")
    one = {name: _unit(model, name) for name in layers.values()}
    return model.derived(inserted(model, one), STEP.id, asdict(p), _report(layers))


def run(p: InsertBatchNorm, model: Model, data: Dataset | None) -> Job[Model]:
    """Measure mean and variance of each channel, and insert.

    Raises:
        RecipeError: no data, the model is quantised, or has no layer to normalise.
        DataError: data that do not fit the model.
    """
    preview(p, model)
    if data is None:
        raise RecipeError("needs samples to calibrate on", STEP.id, "choose a data set")
    check_fits(data, model)
    yield Progress("Measuring channels", 0.0)
    layers = normalizable(model)
    found = moments(model, data.calibration(p.samples), tuple(layers.values()))
    yield Progress(f"Inserted {len(layers)} batch normalisations", 1.0)
    return model.derived(inserted(model, found), STEP.id, asdict(p), _report(layers))


STEP = Step(
    InsertBatchNorm, preview, run, group="Prepare", title="Insert batch norm", needs=Needs.SAMPLES
)


def normalizable(model: Model) -> dict[str, str]:
    """Layers that can take a batch norm, by name, with the value that they compute.

    Raises:
        RecipeError: the model is quantised.
    """
    if model.quantized:
        raise RecipeError("the model is quantised", STEP.id, "do it before quantising")
    return {
        node.name or "": node.outputs[0].name or "" for node in model.ir.graph if _takes_norm(node)
    }


def _takes_norm(node: onnx_ir.Node) -> bool:
    if node.op_type not in ("Conv", "Gemm") or node.outputs[0].is_graph_output():
        return False
    if node.inputs[1] is None or node.inputs[1].const_value is None:
        return False
    readers = {user.op_type for user in node.outputs[0].consumers()}
    if "BatchNormalization" in readers:
        return False
    return node.op_type == "Conv" or (bool(readers) and readers <= _ACTIVATIONS)


def moments(
    model: Model, x: npt.NDArray[np.float32], values: tuple[str, ...]
) -> dict[str, Moments]:
    """Mean and variance of each channel (axis 1) of the named values over samples [n, ...]."""
    import torch

    network = Network(model)
    sums: dict[str, npt.NDArray[np.float64]] = {}
    counts: dict[str, int] = {}
    with torch.no_grad():
        for part in torch.split(torch.from_numpy(x), 64):
            for name, value in network.values(part, values).items():
                flat = value.flatten(0, 1).movedim(1, 0).flatten(1).double()
                both = torch.stack([flat.sum(1), flat.square().sum(1)]).numpy()
                sums[name] = sums.get(name, np.zeros(())) + both
                counts[name] = counts.get(name, 0) + flat.shape[1]
    found = {}
    for name in values:
        mean, square = sums[name] / counts[name]
        found[name] = mean.astype(np.float32), np.maximum(square - mean**2, 0).astype(np.float32)
    return found


def inserted(model: Model, found: Mapping[str, Moments]) -> onnx_ir.Model:
    """The graph with a batch norm behind each of the named values, which keep their names."""
    ir = model.clone_ir()
    for node in tuple(ir.graph):
        if (name := node.outputs[0].name or "") in found:
            _insert(ir.graph, node, *found[name])
    return ir


def _insert(
    graph: onnx_ir.Graph,
    layer: onnx_ir.Node,
    mean: npt.NDArray[np.float32],
    variance: npt.NDArray[np.float32],
) -> None:
    import onnx_ir

    raw = layer.outputs[0]
    uses = tuple(raw.uses())
    name = raw.name or ""
    arrays = {
        "gamma": np.sqrt(variance.astype(np.float64) + _EPSILON).astype(np.float32),
        "beta": mean, "mean": mean, "variance": variance,
    }  # fmt: skip
    factors = []
    for role, array in arrays.items():
        label = f"{layer.name}.norm.{role}"
        factors.append(onnx_ir.val(label, const_value=onnx_ir.Tensor(array, name=label)))
        graph.register_initializer(factors[-1])
    raw.name = f"{name}/raw"
    out = onnx_ir.val(name, raw.dtype, raw.shape)
    norm = onnx_ir.node(
        "BatchNormalization", [raw, *factors], {"epsilon": _EPSILON}, outputs=[out],
        name=f"{layer.name}.norm",
    )  # fmt: skip
    graph.insert_after(layer, norm)
    for user, index in uses:
        user.replace_input_with(index, out)


def _unit(model: Model, name: str) -> Moments:
    channels = model.shape_of(name)[1]
    return np.zeros(channels, np.float32), np.ones(channels, np.float32)


def _report(layers: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(layers, "batch normalisation behind it")
