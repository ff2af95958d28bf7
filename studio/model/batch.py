"""A graph that was exported for several samples at once, rewritten for one.

Where the batch lies in each value is measured: what changes with the first sample only. Shapes that
have the batch written into them follow, and the result must compute what the original does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

Array = npt.NDArray[Any]
_RECURRENT = {"RNN", "GRU", "LSTM"}
_STATES = (5, 6)  # initial_h and initial_c: [directions, batch, cells]
_TOLERANCE = 1e-4


def batch_size(proto: onnx.ModelProto) -> int:
    """The number of samples that every input and output has first; 1 where they disagree."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    values = [v for v in proto.graph.input if v.name not in weights] + list(proto.graph.output)
    dims = [value.type.tensor_type.shape.dim for value in values]
    sizes = {shape[0].dim_value if shape else 1 for shape in dims}
    return sizes.pop() if len(sizes) == 1 else 1


def for_one_sample(proto: onnx.ModelProto) -> onnx.ModelProto | None:
    """The graph with batch 1, or None where that cannot be had.

    Args:
        proto: a model with static shapes and its constants folded; it stays as it is.
    """
    import onnx

    n = batch_size(proto)
    first, second = (_samples(proto, n, seed) for seed in (0, 1))
    mixed = {name: np.concatenate([second[name][:1], x[1:]]) for name, x in first.items()}
    values = _values(proto, first)
    changed = _values(proto, mixed)
    if values is None or changed is None:
        return None
    one = onnx.ModelProto()
    one.CopyFrom(proto)
    for name, after in changed.items():
        axis = _batch_axis(values[name] != after, n)
        _follow(one.graph, name, values[name].shape, axis, n)
    _shrink_states(one.graph)
    for value in one.graph.input:
        if value.name in first:
            value.type.tensor_type.shape.dim[0].dim_value = 1
    for value in [*one.graph.output, *one.graph.value_info]:
        value.type.tensor_type.ClearField("shape")
    del one.graph.value_info[:]
    return one if _same(proto, one, first, values, n) else None


def _samples(proto: onnx.ModelProto, n: int, seed: int) -> dict[str, Array]:
    """Random inputs: normal reals, or integers that are small enough to be indices."""
    from onnx import helper

    rng = np.random.default_rng(seed)
    weights = {tensor.name for tensor in proto.graph.initializer}
    drawn = {}
    for value in proto.graph.input:
        if value.name in weights:
            continue
        tensor = value.type.tensor_type
        shape = [dim.dim_value for dim in tensor.shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        real = dtype.kind == "f"
        drawn[value.name] = (
            rng.normal(size=shape) if real else np.full(shape, seed) ^ rng.integers(0, 2, shape)
        ).astype(dtype)
    return drawn


def _values(proto: onnx.ModelProto, feed: dict[str, Array]) -> dict[str, Array] | None:
    """Every value that the graph computes; None where onnxruntime cannot run it."""
    import onnx
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    whole = onnx.ModelProto()
    whole.CopyFrom(proto)
    names = [name for node in proto.graph.node for name in node.output if name]
    del whole.graph.output[:]
    whole.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            whole.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return dict(zip(names, session.run(None, feed), strict=True))
    except (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.NotImplemented,
        state.RuntimeException,
    ):
        return None


def _batch_axis(changed: npt.NDArray[np.bool_], n: int) -> int | None:
    """The axis of which no more than an n-th part changed, wherever on it that lies."""
    for axis, size in enumerate(changed.shape):
        others = tuple(other for other in range(changed.ndim) if other != axis)
        if size % n == 0 and 0 < changed.any(axis=others).sum() <= size // n:
            return axis
    return None


def _follow(
    graph: onnx.GraphProto, name: str, shape: tuple[int, ...], axis: int | None, n: int
) -> None:
    """Write the new shape into the Reshape or Expand that makes a value."""
    from onnx import numpy_helper

    node = next(node for node in graph.node if name in node.output)
    constants = {tensor.name for tensor in graph.initializer}
    if axis is None or node.op_type not in ("Reshape", "Expand") or node.input[1] not in constants:
        return
    sizes = [size // n if place == axis else size for place, size in enumerate(shape)]
    node.input[1] = f"{name}.shape"
    graph.initializer.append(numpy_helper.from_array(np.array(sizes, np.int64), node.input[1]))


def _shrink_states(graph: onnx.GraphProto) -> None:
    """One sample of constant initial states."""
    from onnx import numpy_helper

    states = {
        name
        for node in graph.node
        if node.op_type in _RECURRENT
        for name in (node.input[place] for place in _STATES if place < len(node.input))
    }
    for tensor in graph.initializer:
        if tensor.name in states:
            array = numpy_helper.to_array(tensor)[:, :1]
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), tensor.name))


def _same(
    proto: onnx.ModelProto,
    one: onnx.ModelProto,
    feed: dict[str, Array],
    expected: dict[str, Array],
    n: int,
) -> bool:
    """Whether each sample alone gives what it gave among the others."""
    for sample in range(n):
        got = _values(one, {name: x[sample : sample + 1] for name, x in feed.items()})
        if got is None:
            return False
        for output in proto.graph.output:
            want = expected[output.name][sample : sample + 1]
            scale = max(1.0, float(np.abs(want).max(initial=0)))
            have = got[output.name]
            if have.shape != want.shape or not np.allclose(have, want, 0, _TOLERANCE * scale):
                return False
    return True
