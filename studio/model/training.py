"""Train a small classifier in torch and write it as ONNX, batch normalisation left in.

The examples are made with this. The networks are chains of modules, so the graph is written
node by node: torch's exporters would fold the batch normalisation away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.data.dataset import Dataset
from studio.errors import DataError
from studio.job import Job, Progress

if TYPE_CHECKING:
    import onnx
    import torch

_OPSET = 17
_IR_VERSION = 10


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to train: Adam with a cosine from `rate` to zero.

    Attributes:
        noise: standard deviation of Gaussian noise on each batch, in units of the data's.
        shift: largest shift of a batch along the last axis, in samples, circular.
        smoothing: label smoothing of the cross-entropy.
    """

    epochs: int
    batch: int
    rate: float
    noise: float = 0.0
    shift: int = 0
    smoothing: float = 0.05


def train(network: torch.nn.Sequential, data: Dataset, schedule: Schedule, seed: int) -> Job[None]:
    """Train `network` in place on the training part; the same seed gives the same weights.

    Raises:
        DataError: data without labels.
    """
    import torch

    part = data.train
    if part.y is None:
        raise DataError(
            "has no labels",
            data.name,
            "training needs the class of each sample; distilling needs none",
        )
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # sums in one order, whatever the machine
    x, y = torch.from_numpy(part.x), torch.from_numpy(part.y)
    optimizer = torch.optim.Adam(network.parameters(), lr=schedule.rate, weight_decay=1e-4)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, schedule.epochs)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=schedule.smoothing)
    noise = schedule.noise * float(x.std())
    network.train()
    for epoch in range(schedule.epochs):
        total = 0.0
        for chosen in torch.split(torch.randperm(len(x)), schedule.batch):
            samples = x[chosen] + noise * torch.randn_like(x[chosen])
            if schedule.shift:
                offset = int(torch.randint(-schedule.shift, schedule.shift + 1, ()))
                samples = samples.roll(offset, dims=-1)
            loss = loss_of(network(samples), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(chosen)
        cosine.step()
        share = (epoch + 1) / schedule.epochs
        yield Progress(f"Training {data.name}", share, {"loss": total / len(x)})
    network.eval()


def to_onnx(network: torch.nn.Sequential, shape: tuple[int, ...], name: str) -> bytes:
    """Serialised ONNX of a chain of modules in evaluation mode.

    Args:
        network: Conv1d, Conv2d, BatchNorm, ReLU, MaxPool, AdaptiveAvgPool to 1, Flatten, Linear.
        shape: of one sample.
        name: of the graph.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    value = "input"
    modules = list(network.named_children())
    for index, (layer, module) in enumerate(modules):
        op_type, arrays, attributes = _described(module)
        names = [f"{layer}.{role}" for role in arrays]
        weights += [
            numpy_helper.from_array(a, n) for n, a in zip(names, arrays.values(), strict=True)
        ]
        result = "output" if index == len(modules) - 1 else layer
        nodes.append(helper.make_node(op_type, [value, *names], [result], name=layer, **attributes))
        value = result
    classes: Any = modules[-1][1].out_features
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *shape])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, classes])],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="tinyml-studio"
    )
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _described(module: Any) -> tuple[str, dict[str, np.ndarray], dict[str, Any]]:
    """A module as an ONNX operator: name, constants in the order of its inputs, attributes."""
    kind = type(module).__name__.rstrip("123d")
    arrays = dict(_arrays(module))
    if kind == "Conv":
        return "Conv", arrays, {
            "kernel_shape": module.kernel_size,
            "strides": module.stride,
            "pads": module.padding * 2,
            "dilations": module.dilation,
            "group": module.groups,
        }  # fmt: skip
    if kind == "BatchNorm":
        return "BatchNormalization", arrays, {"epsilon": module.eps}
    if kind == "MaxPool":
        rank = int(type(module).__name__[-2])
        size = {"kernel_shape": [module.kernel_size] * rank, "strides": [module.stride] * rank}
        return "MaxPool", {}, size
    if kind == "Linear":
        return "Gemm", arrays, {"transB": 1}
    plain = {"ReLU": "Relu", "AdaptiveAvgPool": "GlobalAveragePool", "Flatten": "Flatten"}
    return plain[kind], {}, {}


def _arrays(module: Any) -> Iterator[tuple[str, np.ndarray]]:
    for role in ("weight", "bias", "running_mean", "running_var"):
        tensor = getattr(module, role, None)
        if tensor is not None:
            yield role, tensor.detach().numpy().copy()
