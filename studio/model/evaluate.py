"""What a model computes, by onnxruntime with all graph optimisations off.

onnxruntime is the independent judge: it runs exactly the nodes that the graph has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.data.dataset import Dataset
from studio.errors import DataError, ModelError
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

Array = npt.NDArray[Any]
Runner = Callable[[Array], list[Array]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well a model classifies.

    Attributes:
        split: the part of the data set that it was measured on.
        n: samples.
        confusion: int64 [classes, classes], rows are the true class, columns the answer.
        labels: class names.
    """

    split: str
    n: int
    confusion: npt.NDArray[np.int64]
    labels: tuple[str, ...]

    @cached_property
    def correct(self) -> int:
        """Samples whose largest output is their class."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """Share of samples that are right, 0 to 1."""
        return self.correct / self.n


def check_fits(dataset: Dataset, model: Model) -> None:
    """Refuse data that a model cannot take.

    Raises:
        DataError: samples of another shape than the model's only input, more classes than outputs.
        ModelError: a model with several inputs.
    """
    if len(model.inputs) != 1:
        raise ModelError(f"has {len(model.inputs)} inputs", model.name, "data sets feed one input")
    want = model.inputs[0].shape[1:]
    if dataset.shape != want:
        raise DataError(
            f"samples have the shape {list(dataset.shape)}, the model takes {list(want)}",
            dataset.name,
            "choose the data that the model was trained on, or reshape it",
        )
    outputs = int(np.prod(model.outputs[0].shape[1:]))
    if dataset.y is not None and len(dataset.labels) > outputs:
        raise DataError(
            f"has {len(dataset.labels)} classes, the model answers with {outputs}", dataset.name
        )


def fitted(dataset: Dataset, model: Model) -> Dataset:
    """The data set, with flat samples (such as a CSV's rows) brought into the model's shape.

    Raises:
        DataError: as `check_fits`.
    """
    want = model.inputs[0].shape[1:]
    if len(dataset.shape) == 1 != len(want) and dataset.shape[0] == np.prod(want):
        dataset = replace(dataset, x=dataset.x.reshape(len(dataset), *want))
    check_fits(dataset, model)
    return dataset


def infer(model: Model, x: Array) -> list[Array]:
    """Outputs for samples.

    Args:
        model: a model with one input.
        x: float32 [n, ...], samples without the batch axis of the model.

    Returns:
        One array [n, ...] per output.
    """
    run = _runner(model.to_bytes(), model)
    rows = [[output[0] for output in run(sample)] for sample in x]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def infer_all(model: Model, x: Array) -> dict[str, Array]:
    """Every value of the graph for one sample.

    Args:
        model: a model with one input.
        x: one sample, with or without the batch axis.

    Returns:
        Arrays by value name, batch axis included, the input among them.
    """
    names = observable(model)
    sample = np.asarray(x, np.float32).reshape(model.inputs[0].shape)
    arrays = next(observe(model, names, sample))
    return {model.inputs[0].name: sample, **dict(zip(names, arrays, strict=True))}


def observable(model: Model) -> tuple[str, ...]:
    """Names of all values that nodes of the graph compute."""
    return tuple(value.name for node in model.ir.graph for value in node.outputs if value.name)


def observe(model: Model, names: tuple[str, ...], x: Array) -> Iterator[list[Array]]:
    """The named values, batch axis included, for one sample after the other.

    Only the nodes that they depend on run.
    """
    from onnx_ir.passes.common import RemoveUnusedNodesPass

    ir = model.clone_ir()
    wanted: dict[str, onnx_ir.Value] = {
        value.name: value for node in ir.graph for value in node.outputs if value.name in set(names)
    }
    ir.graph.outputs.clear()
    ir.graph.outputs.extend(wanted[name] for name in names)
    RemoveUnusedNodesPass()(ir)
    run = _runner(Model.from_ir(ir).to_bytes(), model)
    for sample in x:
        yield run(sample)


def evaluate(model: Model, dataset: Dataset, split: str = "test") -> Evaluation:
    """Accuracy and confusion on one part of a data set.

    Raises:
        DataError: data that does not fit the model or has no labels.
    """
    check_fits(dataset, model)
    part = dataset.part(split)
    if part.y is None:
        raise DataError("has no labels", dataset.name, "accuracy needs the class of each sample")
    answers = infer(model, part.x)[0].reshape(len(part), -1).argmax(axis=1)
    classes = max(len(part.labels), int(answers.max()) + 1)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (part.y, answers), 1)
    return Evaluation(split, len(part), confusion, part.labels)


def _runner(data: bytes, model: Model) -> Runner:
    """A function from one sample to the outputs of a serialised graph, batch axis included."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()

    if len(model.inputs) != 1:
        raise ModelError(f"has {len(model.inputs)} inputs", model.name, "data sets feed one input")
    spec = model.inputs[0]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1  # nets this small lose time to threads
    options.log_severity_level = 4
    with _translated(model):
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(sample: Array) -> list[Array]:
        feed = {spec.name: np.asarray(sample, spec.dtype).reshape(spec.shape)}
        with _translated(model):
            outputs: list[Array] = session.run(None, feed)
        return outputs

    return run


@contextmanager
def _translated(model: Model) -> Iterator[None]:
    """Raise what onnxruntime raises as ModelError."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    try:
        yield
    except (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.NotImplemented,
        state.RuntimeException,
    ) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"onnxruntime cannot run it: {reason}", model.name) from None
