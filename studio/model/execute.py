"""A model as a differentiable function in torch, to be trained and written back.

network = Network(model)
logits = network(x)[0]          # x [n, ...] as in a Dataset
loss(logits, y).backward()      # into network.parameters
trained = network.write_back()
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import ModelError
from studio.model.model import Model
from studio.model.torch_ops import OPERATORS, Operator

if TYPE_CHECKING:
    import onnx_ir
    import torch
    from torch import Tensor

# Inputs of an operator that are settings or states, not weights to learn.
_SETTINGS = {
    "BatchNormalization": (3, 4), "GRU": (4, 5), "LSTM": (4, 5, 6), "Clip": (1, 2), "Pad": (2,),
}  # fmt: skip
# Scalars in arithmetic are part of a formula, such as the 3 and the 6 of a hard swish.
_ARITHMETIC = {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where", "Sum", "Mean"}
_LEARNED = {
    "Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LayerNormalization",
    "InstanceNormalization", "GRU", "LSTM", "PRelu", "QuantizeLinear", "DequantizeLinear",
    *_ARITHMETIC,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Call:
    """One node: its function and the values that it reads, makes and lets go."""

    apply: Operator
    attributes: dict[str, Any]
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    dead: tuple[str, ...]
    where: str
    dense: bool


class Network:
    """A model with one input as a function of many samples.

    Attributes:
        parameters: weights and quantisation scales by initialiser name; leaves that take gradients.
        scales: the names among them that are quantisation scales.
        constants: everything else that is stored, running statistics of batch norms among it.
        dropout: share of a dense layer's inputs to drop while training, and the generator.

    Raises:
        ModelError: several inputs, or an operator that torch has no word for.
    """

    def __init__(self, model: Model) -> None:
        if len(model.inputs) != 1:
            raise ModelError(f"has {len(model.inputs)} inputs", model.name, "training feeds one")
        self.model = model
        self.parameters: dict[str, Tensor] = {}
        self.constants: dict[str, Tensor] = {}
        self._input = model.inputs[0]
        self._outputs = tuple(output.name for output in model.outputs)
        for name, value in model.ir.graph.initializers.items():
            tensor = _tensor(value)
            if _is_learned(value):
                self.parameters[name] = tensor.requires_grad_()
            else:
                self.constants[name] = tensor
        self.scales = {
            node.inputs[1].name or ""
            for node in model.ir.graph
            if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.inputs[1]
        }
        self.dropout: tuple[float, torch.Generator | None] = (0.0, None)
        self._calls = _plan(model)
        self.train(False)

    @property
    def training(self) -> bool:
        """Whether batch norms use the statistics of the batch and move their own."""
        return self._training

    def train(self, on: bool) -> None:
        """Choose between training and inference."""
        self._training = on
        for call in self._calls:
            call.attributes["training"] = on

    def freeze(self, names: Iterable[str]) -> None:
        """Let these parameters stay as they are."""
        for name in names:
            if name in self.parameters:
                self.constants[name] = self.parameters.pop(name).detach()

    def __call__(self, x: Tensor) -> list[Tensor]:
        """Outputs [n, ...] for samples [n, ...], without the model's batch axis."""
        found = self.values(x, self._outputs)
        return [found[name][:, 0] for name in self._outputs]

    def values(self, x: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        """The named values for samples [n, ...]: [n, *the value's shape, batch included]."""
        wanted = set(names)
        known: dict[str, Tensor] = {self._input.name: x.reshape(len(x), *self._input.shape)}
        stored = {**self.parameters, **self.constants}
        for call in self._calls:
            tensors = [
                None if n is None else known[n] if n in known else stored[n][None]
                for n in call.inputs
            ]
            if self._training and self.dropout[0] and call.dense and tensors[0] is not None:
                tensors[0] = _dropped(tensors[0], *self.dropout)
            try:
                results = call.apply(call.attributes, *tensors)
            except ModelError as error:
                where = f"{self.model.name}: {call.where}"
                raise ModelError(error.what, where, error.hint) from None
            results = results if isinstance(results, tuple) else (results,)
            known.update(zip(call.outputs, results, strict=False))
            for name in call.dead:
                if name not in wanted:
                    known.pop(name, None)
        samples = len(x)
        return {name: _of_all(known[name], samples) for name in wanted}

    def write_back(self) -> Model:
        """The model with the numbers that training has reached; the original is unchanged."""
        import onnx_ir

        ir = self.model.clone_ir()
        for name, tensor in {**self.parameters, **self.constants}.items():
            value = ir.graph.initializers[name]
            old = value.const_value
            if old is None or not old.dtype.is_floating_point():
                continue
            array = tensor.detach().numpy().astype(old.numpy().dtype)
            if not np.array_equal(array, old.numpy()):
                value.const_value = onnx_ir.Tensor(array.copy(), name=name)
        return Model.from_ir(ir, self.model.name)


def _dropped(x: Tensor, share: float, random: torch.Generator | None) -> Tensor:
    import torch

    kept = torch.rand(x.shape, generator=random) >= share
    return x * kept / (1 - share)


def _of_all(value: Tensor, samples: int) -> Tensor:
    """A value that does not depend on the input, for each sample."""
    return value if value.shape[0] == samples else value.expand(samples, *value.shape[1:])


def _tensor(value: onnx_ir.Value) -> Tensor:
    """An initialiser as a tensor of its own; integers that are quantised numbers become float."""
    import torch

    if value.const_value is None:
        raise ModelError(f"initialiser '{value.name}' has no data")
    array = value.const_value.numpy()
    if array.dtype in (np.float16, np.float64):
        array = array.astype(np.float32)
    if any(n.op_type in ("QuantizeLinear", "DequantizeLinear") for n in value.consumers()):
        array = array.astype(np.float32)
    # ascontiguousarray would give a scalar an axis
    return torch.from_numpy(np.array(array, order="C", copy=True))


def _is_learned(value: onnx_ir.Value) -> bool:
    if value.const_value is None or not value.const_value.dtype.is_floating_point():
        return False
    for node, index in value.uses():
        if node.op_type not in _LEARNED or index in _SETTINGS.get(node.op_type, ()):
            return False
        if node.op_type in _ARITHMETIC and value.const_value.size == 1:
            return False
    return bool(value.uses())


def _plan(model: Model) -> list[_Call]:
    """The calls in order, each with the values that nobody reads after it."""
    nodes = list(model.ir.graph)
    last: dict[str, int] = {}
    for index, node in enumerate(nodes):
        last.update((v.name or "", index) for v in (*node.inputs, *node.outputs) if v is not None)
    calls = []
    for index, node in enumerate(nodes):
        known = node.domain in ("", "ai.onnx") and node.op_type in OPERATORS
        if not known:
            raise ModelError(
                f"{node.op_type} cannot be trained", f"{model.name}: node '{node.name}'"
            )
        touched = {v.name or "" for v in (*node.inputs, *node.outputs) if v is not None}
        calls.append(
            _Call(
                OPERATORS[node.op_type],
                _attributes(node),
                tuple(None if v is None else v.name for v in node.inputs),
                tuple(value.name or "" for value in node.outputs),
                tuple(sorted(name for name in touched if last[name] == index)),
                f"node '{node.name}'",
                node.op_type in ("Gemm", "MatMul"),
            )
        )
    return calls


def _attributes(node: onnx_ir.Node) -> dict[str, Any]:
    """Plain values, with what a function needs to know beside its attributes."""
    values = {name: attribute.value for name, attribute in node.attributes.items()}
    values["outputs"] = len(node.outputs)
    if node.op_type == "QuantizeLinear":
        dtype = node.outputs[0].dtype
        if dtype is None or dtype.is_floating_point():
            raise ModelError("only integers are trained", f"node '{node.name}'")
        values["lowest"], values["highest"] = float(dtype.min), float(dtype.max)
    return values
