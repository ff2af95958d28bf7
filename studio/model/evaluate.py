"""What a model computes, by onnxruntime with all graph optimisations off.

onnxruntime is the independent judge: it runs exactly the nodes that the graph has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.data.dataset import Dataset
from studio.errors import DataError, ModelError
from studio.model.hops import hop_axis, hops
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

Array = npt.NDArray[Any]
Samples = Array | Sequence[Array]
Runner = Callable[[Sequence[Array]], list[Array]]
Session = Callable[[Sequence[str], Mapping[str, Array]], list[Array]]


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
    """Refuse data that a model cannot take; one with state may take a sample in hops.

    Raises:
        DataError: samples of another shape than the model's only input, more classes than outputs.
        ModelError: a model with several inputs.
    """
    if len(model.inputs) != 1:
        raise ModelError(f"has {len(model.inputs)} inputs", model.name, "data sets feed one input")
    want = model.inputs[0].shape[1:]
    in_hops = bool(model.states) and hop_axis(dataset.shape, want) is not None
    if dataset.shape != want and not in_hops:
        raise DataError(
            f"samples have the shape {list(dataset.shape)}, the model takes {list(want)}",
            dataset.name,
            "choose the data that the model was trained on, or reshape it",
        )
    outputs = int(np.prod(model.outputs[0].shape[1:]))
    if dataset.y is not None and len(dataset.labels) > outputs:
        raise DataError(
            f"has {len(dataset.labels)} classes, the model answers with {outputs}",
            dataset.name,
            "choose the model's data; labels that are numbers count from 0",
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


def infer(model: Model, x: Samples) -> list[Array]:
    """Outputs for samples, each from fresh state.

    Args:
        model: any model.
        x: [n, ...], samples without the batch axis of the model; a sequence of such arrays, one an
            input, for a model with several inputs. They are cast to the inputs' types. A model
            with state takes longer samples in hops; its last answer counts.

    Returns:
        One array [n, ...] per output.

    Raises:
        DataError: as many arrays as the model has inputs are needed, with as many samples each.
    """
    return _stacked(_judge(model.to_bytes(), model, _outputs(model)), model, x)


def infer_sequence(model: Model, x: Samples) -> list[Array]:
    """Outputs for samples of which each leaves its state to the next.

    Args, returns and raises as `infer`; samples are those of one run.
    """
    return _stacked(_carrying(model.to_bytes(), model, _outputs(model), {}), model, x)


def _carrying(data: bytes, model: Model, names: tuple[str, ...], state: dict[str, Array]) -> Runner:
    """A runner that takes the states from `state` and leaves their next values there."""
    run = _runner(data, model, names + tuple(pair.output for pair in model.states), state)

    def step(sample: Sequence[Array]) -> list[Array]:
        outputs = run(sample)
        for pair, array in zip(model.states, outputs[len(names) :], strict=True):
            state[pair.input] = array
        return outputs[: len(names)]

    return step


def _judge(data: bytes, model: Model, names: tuple[str, ...]) -> Runner:
    """A runner that takes each sample from fresh state, in hops where it is longer than a run's."""
    if not model.states or len(model.inputs) != 1:
        return _runner(data, model, names)
    state: dict[str, Array] = {}
    step, shape = _carrying(data, model, names, state), model.inputs[0].shape[1:]

    def last(sample: Sequence[Array]) -> list[Array]:
        state.clear()
        return [step((piece,)) for piece in hops(sample[0], shape)][-1]

    return last


def _outputs(model: Model) -> tuple[str, ...]:
    return tuple(spec.name for spec in model.outputs)


def _stacked(run: Runner, model: Model, x: Samples) -> list[Array]:
    rows = [[output[0] for output in run(sample)] for sample in _rows(model, x)]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def infer_all(model: Model, x: Samples) -> dict[str, Array]:
    """Every value of the graph for one sample, from fresh state.

    Args:
        model: any model.
        x: one sample, with or without the batch axis; one an input where there are several.

    Returns:
        Arrays by value name, batch axis included, the inputs among them.
    """
    names = observable(model)
    parts = (x,) if isinstance(x, np.ndarray) else x
    _need_one_an_input(model, len(parts))
    sample = {
        spec.name: np.asarray(part, spec.dtype).reshape(spec.shape)
        for spec, part in zip(model.inputs, parts, strict=True)
    }
    arrays = next(observe(model, names, tuple(sample.values())))
    return {**sample, **dict(zip(names, arrays, strict=True))}


def observable(model: Model) -> tuple[str, ...]:
    """Names of all values that nodes of the graph compute."""
    return tuple(value.name for node in model.ir.graph for value in node.outputs if value.name)


def observe(model: Model, names: tuple[str, ...], x: Samples) -> Iterator[list[Array]]:
    """The named values, batch axis included, for one sample after the other from fresh state.

    Only the nodes that they depend on run. `x` is as in `infer`.
    """
    from onnx_ir.passes.common import RemoveUnusedNodesPass

    ir, carried = model.clone_ir(), {pair.output for pair in model.states}
    chosen = set(names)
    wanted: dict[str, onnx_ir.Value] = {
        value.name: value for node in ir.graph for value in node.outputs if value.name in chosen
    }
    kept = [value for value in ir.graph.outputs if value.name in carried]
    ir.graph.outputs.clear()
    ir.graph.outputs.extend(dict.fromkeys([*(wanted[name] for name in names), *kept]))
    RemoveUnusedNodesPass()(ir)
    run = _judge(Model.from_ir(ir).to_bytes(), model, names)
    for sample in _rows(model, x):
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


def _rows(model: Model, x: Samples) -> Iterator[tuple[Array, ...]]:
    """The samples, one after the other, each with a part for every input."""
    columns = (x,) if isinstance(x, np.ndarray) else tuple(x)
    _need_one_an_input(model, len(columns))
    if len({len(column) for column in columns}) > 1:
        counts = ", ".join(str(len(column)) for column in columns)
        raise DataError(
            f"the inputs have different numbers of samples: {counts}",
            model.name,
            "give as many samples for each input",
        )
    return zip(*columns, strict=True)


def _need_one_an_input(model: Model, arrays: int) -> None:
    if len(model.inputs) != arrays:
        names = ", ".join(spec.name for spec in model.inputs)
        raise DataError(
            f"has {len(model.inputs)} inputs, there are samples for {arrays}",
            model.name,
            f"give an array for each of {names}",
        )


def _runner(
    data: bytes, model: Model, names: tuple[str, ...], state: Mapping[str, Array] | None = None
) -> Runner:
    """A function from one sample to outputs of a serialised graph, batch axis included.

    What `state` holds when it is called goes in beside the sample.
    """
    run_session = opened(data, model.name)

    def run(sample: Sequence[Array]) -> list[Array]:
        feed = {
            spec.name: np.asarray(part, spec.dtype).reshape(spec.shape)
            for spec, part in zip(model.inputs, sample, strict=True)
        }
        return run_session(names, {**feed, **(state or {})})

    return run


def opened(data: bytes, where: str) -> Session:
    """A function from names of outputs, and arrays by input name, to the outputs of a graph.

    Args:
        data: serialised ONNX.
        where: the model's name, for errors.

    Raises:
        ModelError: onnxruntime cannot run it.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1  # nets this small lose time to threads
    options.log_severity_level = 4
    with _translated(where):
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(names: Sequence[str], feed: Mapping[str, Array]) -> list[Array]:
        with _translated(where):
            outputs: list[Array] = session.run(names, feed)
        return outputs

    return run


@contextmanager
def _translated(where: str) -> Iterator[None]:
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
        raise ModelError(f"onnxruntime cannot run it: {reason}", where) from None
