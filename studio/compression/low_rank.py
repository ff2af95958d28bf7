"""Split layers into a product of smaller ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from studio.compression.checkpoint import Checkpoints
from studio.compression.constants import constant, drop_unused
from studio.compression.recovery import recover
from studio.compression.step import Needs, Step, param
from studio.compression.training import Schedule, check_trainable, teaching
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset

# A split adds a layer and its buffer; below this share of the parameters that does not pay.
_WORTH = 0.05

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LowRank:
    """Write a layer's weights as a product of smaller ones, where that shrinks it.

    Dense layers and 1x1 convolutions become two (singular values), larger convolutions three
    (Tucker-2: 1x1, k x k, 1x1). Each keeps the given share of the energy of its weights.
    """

    energy: float = param(0.95, "Energy to keep", lo=0.1, hi=0.9999)
    gain: float = param(0.2, "Smallest gain", lo=0.0, hi=0.95, help="Share of a layer's weights")
    epochs: int = param(10, "Epochs", lo=0, hi=10_000)
    rate: float = param(1e-3, "Learning rate", lo=1e-7, hi=1.0)
    seed: int = param(0, "Seed", lo=0, hi=1_000_000)


def preview(p: LowRank, model: Model) -> Model:
    """The split model, not trained.

    Raises:
        RecipeError: the model is quantised, or no layer would shrink.
    """
    split, report = _split_all(p, model)
    return model.derived(split.ir, STEP.id, asdict(p), report)


def run(
    p: LowRank, model: Model, data: Dataset | None, checkpoints: Checkpoints | None = None
) -> Job[Model]:
    """Split, then train.

    Raises:
        RecipeError: as `preview`; no data; training that diverges.
        DataError: data that do not fit the model.
    """
    yield Progress("Splitting layers", 0.0)
    result, report = _split_all(p, model)
    if p.epochs:
        trainable = check_trainable(result, data, STEP.id)
        schedule = Schedule(p.epochs, p.rate, seed=p.seed)
        checkpoint = (checkpoints or Checkpoints()).next()
        result = yield from recover(
            result, trainable, schedule, checkpoint, batch_norm=False,
            loss=teaching(model, trainable),
        )  # fmt: skip
    yield Progress(f"{model.parameters} parameters became {result.parameters}", 1.0)
    return model.derived(result.clone_ir(), STEP.id, asdict(p), report)


STEP = Step(
    LowRank, preview, run, group="Prune", title="Low rank", needs=Needs.SAMPLES, trains=True
)


def _split_all(p: LowRank, model: Model) -> tuple[Model, dict[str, str]]:
    if model.quantized:
        raise RecipeError("the model is quantised", STEP.id, "split before quantising")
    found = _decomposed(model)
    ir = model.clone_ir()
    report = {
        node.name or "": _split(p, ir.graph, node, found[node.name or ""])
        for node in tuple(ir.graph)
        if node.name in found
    }
    if not any(said.startswith("split") for said in report.values()):
        raise RecipeError(
            "no layer would shrink enough", STEP.id,
            f"at {p.energy:g} of the energy each keeps too many ranks; prune channels instead",
        )  # fmt: skip
    drop_unused(ir.graph)
    split = Model.from_ir(ir, model.name)
    saved = 1 - split.parameters / model.parameters
    if saved < _WORTH:
        raise RecipeError(
            f"splitting would save {saved:.1%} of the parameters, too little for more layers",
            STEP.id, "keep less energy, or prune channels instead",
        )  # fmt: skip
    return split, report


@dataclass(frozen=True, slots=True)
class _Axis:
    """The directions along one axis of a kernel, the strongest first.

    Attributes:
        shares: the energy that the first ones hold together, rising to 1.
        vectors: float64 [size, size], a direction in each column.
    """

    shares: Real
    vectors: Real

    @classmethod
    def of(cls, rows: Real) -> _Axis:
        """Of the rows of a matrix: eigenvectors of its Gram matrix."""
        values, vectors = np.linalg.eigh(rows @ rows.T)
        power = np.cumsum(np.maximum(values[::-1], 0))
        return cls(power / (power[-1] or 1.0), vectors[:, ::-1])

    def rank(self, energy: float) -> int:
        """How many directions hold the energy."""
        return min(len(self.shares), int(np.searchsorted(self.shares, energy)) + 1)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A kernel [outputs, inputs, ...] and its directions; `inputs` only where it has a window."""

    kernel: Real
    outputs: _Axis
    inputs: _Axis | None


# Directions take long; a slider moves only where they are cut.
_known: WeakKeyDictionary[Model, dict[str, _Layer]] = WeakKeyDictionary()


def _decomposed(model: Model) -> dict[str, _Layer]:
    if model not in _known:
        found = {}
        for node in model.ir.graph:
            if (kernel := _kernel(node)) is None:
                continue
            count, inputs = kernel.shape[:2]
            window = int(np.prod(kernel.shape[2:])) > 1
            rows = np.moveaxis(kernel, 1, 0).reshape(inputs, -1)
            outputs = _Axis.of(kernel.reshape(count, -1))
            found[node.name or ""] = _Layer(kernel, outputs, _Axis.of(rows) if window else None)
        _known[model] = found
    return _known[model]


def _kernel(node: onnx_ir.Node) -> Real | None:
    """The weights as [outputs, inputs, ...], of layers that could be split."""
    if node.op_type not in ("Conv", "Gemm", "MatMul"):
        return None
    weight = constant(node.inputs[1])
    if weight is None or weight.ndim < 2 or int(node.attributes.get_int("group", 1)) > 1:
        return None
    if node.op_type == "Conv":
        return weight.astype(np.float64)
    if weight.ndim > 2 or int(node.attributes.get_int("transA", 0)):
        return None
    return (weight if _turned(node) else weight.T).astype(np.float64)


def _split(p: LowRank, graph: onnx_ir.Graph, node: onnx_ir.Node, layer: _Layer) -> str:
    """Replace a layer where it shrinks; what was done, in words."""
    kernel = layer.kernel
    outputs, inputs = kernel.shape[:2]
    outer = layer.outputs.rank(p.energy)
    inner = layer.inputs.rank(p.energy) if layer.inputs else 0
    window = kernel[0, 0].size
    size = outer * (outputs + inputs)
    if layer.inputs:
        size = inputs * inner + inner * outer * window + outer * outputs
    if size > (1 - p.gain) * kernel.size:
        return f"stays: rank {outer} would take {size} of {kernel.size} weights"
    left = layer.outputs.vectors[:, :outer]
    core = np.tensordot(left, kernel, (0, 0))
    last = left.reshape(outputs, outer, *(1,) * (kernel.ndim - 2))
    if layer.inputs is None:
        _chain(graph, node, [core, last])
        return f"split at rank {outer}: {kernel.size} weights, now {size}"
    right = layer.inputs.vectors[:, :inner]
    core = np.moveaxis(np.tensordot(core, right, (1, 0)), -1, 1)
    first = right.T.reshape(inner, inputs, *(1,) * (kernel.ndim - 2))
    _chain(graph, node, [first, core, last])
    return f"split at ranks {inner} and {outer}: {kernel.size} weights, now {size}"


def _chain(graph: onnx_ir.Graph, node: onnx_ir.Node, parts: list[Real]) -> None:
    """Put layers with these weights in the place of one; the last keeps its name and bias."""
    import onnx_ir

    moving = len(parts) - 2  # this one takes the strides and the padding
    value = node.inputs[0]
    result = node.outputs[0]
    for index, part in enumerate(parts[:-1]):
        name = f"{node.name}.part{index + 1}"
        inputs = [value, _initializer(graph, node, f"{name}.weight", part)]
        shape = _shape(result if index == moving or value is None else value)
        shape[1 if node.op_type == "Conv" else -1] = len(part)
        out = onnx_ir.val(name, result.dtype, onnx_ir.Shape(shape))
        attributes = _attributes(node, part, index == moving)
        graph.insert_before(
            node, onnx_ir.node(node.op_type, inputs, attributes, outputs=[out], name=name)
        )
        value = out
    node.replace_input_with(0, value)
    node.replace_input_with(1, _initializer(graph, node, f"{node.name}.last", parts[-1]))
    if node.op_type == "Conv":
        for name in tuple(node.attributes):
            node.attributes.pop(name, None)
        size = list(parts[-1].shape[2:])
        node.attributes["kernel_shape"] = onnx_ir.AttrInt64s("kernel_shape", size)


def _attributes(node: onnx_ir.Node, part: Real, moves: bool) -> dict[str, Any]:
    """Attributes of a part of a layer; only the one that moves has its strides and padding."""
    if node.op_type != "Conv":
        return {} if node.op_type == "MatMul" else {"transB": int(_turned(node))}
    taken = {name: attribute.value for name, attribute in node.attributes.items()} if moves else {}
    return {**taken, "kernel_shape": list(part.shape[2:])}


def _initializer(graph: onnx_ir.Graph, node: onnx_ir.Node, name: str, array: Real) -> onnx_ir.Value:
    """A constant in the order in which the node reads its weights."""
    import onnx_ir

    array = array if node.op_type == "Conv" or _turned(node) else array.T
    while name in graph.initializers:
        name += "_"
    tensor = onnx_ir.tensor(np.ascontiguousarray(array, np.float32), name=name)
    value = onnx_ir.val(name, const_value=tensor)
    graph.register_initializer(value)
    return value


def _turned(node: onnx_ir.Node) -> bool:
    """Whether dense weights are [outputs, inputs]."""
    return node.op_type == "Gemm" and bool(node.attributes.get_int("transB", False))


def _shape(value: onnx_ir.Value) -> list[int]:
    assert value.shape is not None
    return [int(n) for n in value.shape.numpy()]
