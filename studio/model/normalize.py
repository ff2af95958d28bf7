"""The form that every imported graph is brought into.

Batch 1 (see `batch` for what was exported with a larger one), every shape static, no arithmetic
on shapes, no Identity, Dropout or Constant nodes, unique node names. Importers call `normalize`
in their worker process.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import ModelError
from studio.model.model import Model, state_pairs
from studio.model.qoperator import expand

if TYPE_CHECKING:
    import onnx
    import onnx_ir

MAX_VALUE_BYTES = 1 << 30
_FOLDED_BYTES = 64 << 20
_QUANTISERS = ("QuantizeLinear", "DequantizeLinear")
_KEPT = {*_QUANTISERS, "DynamicQuantizeLinear"}
_RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli"}
_INFINITY_IS_FINE = {"Clip", "Pad", "Where", "Max", "Min"}


def normalize(proto: onnx.ModelProto, where: str) -> bytes:
    """Bring a graph into the studio's form; `proto` is changed.

    Args:
        proto: a valid model with all data inside.
        where: its file, for errors.

    Returns:
        Serialised ONNX.

    Raises:
        ModelError: a shape that is dynamic beyond the batch, a tensor that is absurdly large, a
            weight that is NaN or infinite, a quantisation scale that is not a positive number,
            states that do not fit the graph.
    """
    import onnx_ir

    proto = _modern(proto, where)
    expand(proto)
    _fix_batch(proto.graph, where)
    while True:
        graph = onnx_ir.from_proto(_inferred(proto, where))
        _tidy(graph, where)
        if not fold_constants(graph.graph):
            break
        proto = onnx_ir.to_proto(graph)
    _refuse_bad_shapes(graph.graph, where)
    _refuse_bad_scales(graph.graph, where)
    _refuse_bad_weights(graph.graph, where)
    _ = Model.from_ir(graph, where).states  # refuses those that do not fit the graph
    data: bytes = onnx_ir.to_proto(graph).SerializeToString(deterministic=True)
    return data


def _modern(proto: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """At least opset 13, where per-channel DequantizeLinear and axes as inputs begin."""
    from onnx import defs, version_converter

    version = next((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), 1)
    newest = defs.onnx_opset_version()
    if not 7 <= version <= newest:
        raise ModelError(
            f"opset {version} is not supported",
            where,
            f"export it with an opset from 13 to {newest}",
        )
    if version >= 13:
        return proto
    return version_converter.convert_version(proto, 13)


def _fix_batch(graph: onnx.GraphProto, where: str) -> None:
    initializers = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        if value.name in initializers:
            continue
        tensor = value.type.tensor_type
        if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
            raise ModelError(f"input '{value.name}' has no shape", where, "export it with one")
        for axis, dim in enumerate(tensor.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value > 0:
                continue
            if axis > 0:
                raise ModelError(
                    f"input '{value.name}' has a dynamic dimension {axis}"
                    + (f" ('{dim.dim_param}')" if dim.dim_param else ""),
                    where,
                    "only the batch (dimension 0) may be dynamic; export it with a fixed size",
                )
            dim.dim_value = 1
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    # Stale shapes would contradict the batch; only nodes that inference cannot know keep theirs.
    foreign = {o for node in graph.node if node.domain not in ("", "ai.onnx") for o in node.output}
    kept = [v for v in graph.value_info if v.name in foreign]
    del graph.value_info[:]
    for value in kept:
        dims = value.type.tensor_type.shape.dim
        if dims and not dims[0].dim_value:
            dims[0].dim_value = 1
        graph.value_info.append(value)


def _inferred(proto: onnx.ModelProto, where: str) -> onnx.ModelProto:
    from onnx import shape_inference

    try:
        return shape_inference.infer_shapes(
            proto, check_type=True, strict_mode=True, data_prop=True
        )
    except shape_inference.InferenceError as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"its shapes contradict each other: {reason}",
            where,
            "export the model again, with the shapes of its inputs fixed",
        ) from None


def _tidy(model: onnx_ir.Model, where: str) -> None:
    from onnx_ir.passes import common

    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    states = {before for before, _ in state_pairs(model.metadata_props, where)}
    kept = [v for v in model.graph.inputs if v.name in states or not v.is_initializer()]
    model.graph.inputs.clear()
    model.graph.inputs.extend(kept)
    for node in tuple(model.graph):
        if node.op_type == "Identity" or is_idle_dropout(node):
            bypass(model.graph, node)
    common.RemoveUnusedNodesPass()(model)
    _name_nodes(model.graph)


def is_idle_dropout(node: onnx_ir.Node) -> bool:
    """Whether a node is a Dropout that does nothing at inference."""
    if node.op_type != "Dropout" or any(value.uses() for value in node.outputs[1:]):
        return False
    training = node.inputs[2] if len(node.inputs) > 2 else None
    if training is None:
        return True
    return training.const_value is not None and not training.const_value.numpy().any()


def bypass(graph: onnx_ir.Graph, node: onnx_ir.Node) -> None:
    """Let the readers of a node's result read its first input, and remove the node."""
    source, result = node.inputs[0], node.outputs[0]
    if source is None:
        return
    if result.is_graph_output():
        if source.is_graph_input() or source.is_initializer() or source.is_graph_output():
            return
        name, result.name = result.name, None
        source.name = name
    result.replace_all_uses_with(source, replace_graph_outputs=True)
    graph.remove(node, safe=True)


def _name_nodes(graph: onnx_ir.Graph) -> None:
    taken: set[str] = set()
    for index, node in enumerate(graph):
        name = base = node.name or f"{node.op_type}_{index}"
        while name in taken:
            name = f"{base}_{index}"
            index += 1
        taken.add(name)
        node.name = name


def fold_constants(graph: onnx_ir.Graph) -> bool:
    """Replace nodes whose result is known by initialisers; True where there were any."""
    found = False
    for node in tuple(graph):
        arrays = _known_result(node)
        if arrays is None:
            continue
        found = True
        for value, array in zip(node.outputs, arrays, strict=True):
            _make_initializer(graph, value, array)
        graph.remove(node, safe=True)
    return found


def _known_result(node: onnx_ir.Node) -> list[np.ndarray] | None:
    if node.op_type == "Shape" and (shape := _static_shape(node.inputs[0])) is not None:
        start = node.attributes.get_int("start", 0)
        end = node.attributes.get_int("end", len(shape))
        return [np.array(shape[start:end], np.int64)]
    if node.domain not in ("", "ai.onnx") or node.op_type in _KEPT | _RANDOM:
        return None
    if any(value.is_graph_output() for value in node.outputs):
        return None
    if any(attribute.type.name in ("GRAPH", "GRAPHS") for attribute in node.attributes.values()):
        return None
    if any(v and (v.const_value is None or v.is_graph_input()) for v in node.inputs):
        return None
    if any(_value_bytes(value) > _FOLDED_BYTES for value in node.outputs):
        return None
    return _evaluated(node)


def _evaluated(node: onnx_ir.Node) -> list[np.ndarray] | None:
    import onnx
    import onnx_ir
    from onnx.reference import ReferenceEvaluator

    constants = [v for v in node.inputs if v is not None and v.const_value is not None]
    feeds = {v.name or "": v.const_value.numpy() for v in constants if v.const_value is not None}
    names = [value.name or "" for value in node.outputs]
    graph = onnx.helper.make_graph(
        [onnx_ir.to_proto(node)],
        "constant",
        [onnx.helper.make_empty_tensor_value_info(name) for name in feeds],
        [onnx.helper.make_empty_tensor_value_info(name) for name in names],
    )
    version = (node.graph.opset_imports if node.graph else {}).get("", 13)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", version)])
    try:
        return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, feeds)]
    except (RuntimeError, NotImplementedError, ValueError, TypeError):
        return None  # an operator that the reference lacks stays in the graph


def _make_initializer(graph: onnx_ir.Graph, value: onnx_ir.Value, array: np.ndarray) -> None:
    import onnx_ir

    name, value.name = value.name, None
    constant = onnx_ir.val(name, const_value=onnx_ir.tensor(array, name=name))
    graph.register_initializer(constant)
    value.replace_all_uses_with(constant)


def _static_shape(value: onnx_ir.Value | None) -> tuple[int, ...] | None:
    if value is None or value.shape is None or not value.shape.is_static():
        return None
    return tuple(int(d) for d in value.shape.numpy())


def _value_bytes(value: onnx_ir.Value) -> float:
    """Bytes that a value takes, infinite where it is not known."""
    shape = _static_shape(value)
    if shape is None or value.dtype is None:
        return math.inf
    return math.prod(shape) * value.dtype.itemsize


def _refuse_bad_shapes(graph: onnx_ir.Graph, where: str) -> None:
    for value in graph.inputs:
        _refuse_large(value, where)
    for node in graph:
        for value in node.outputs:
            if not value.name:
                continue
            if _static_shape(value) is not None:
                _refuse_large(value, where)
            elif node.domain in ("", "ai.onnx"):
                raise ModelError(
                    f"the shape of '{value.name}' depends on the data",
                    f"{where}: node '{node.name}' ({node.op_type})",
                    "export the model with fixed shapes",
                )
            else:
                return  # what follows an unknown operator cannot be known; the check names it


def _refuse_large(value: onnx_ir.Value, where: str) -> None:
    size_bytes = _value_bytes(value)
    if MAX_VALUE_BYTES < size_bytes < math.inf:
        raise ModelError(
            f"'{value.name}' of shape {list(_static_shape(value) or ())} takes"
            f" {size_bytes / 1e9:.1f} GB",
            where,
            "the file is damaged or the model is not meant for a microcontroller",
        )


def _refuse_bad_scales(graph: onnx_ir.Graph, where: str) -> None:
    for node in graph:
        if node.op_type not in _QUANTISERS or node.inputs[1] is None:
            continue
        scale = node.inputs[1].const_value
        if scale is None or not scale.dtype.is_floating_point():
            continue
        values = scale.numpy().astype(np.float64).reshape(-1)
        bad = values[~(np.isfinite(values) & (values > 0))]
        if bad.size:
            raise ModelError(
                f"a quantisation scale is {bad[0]:g}",
                f"{where}: node '{node.name}' ({node.op_type})",
                "a scale is a positive number; quantise the model again with data that vary",
            )


def _refuse_bad_weights(graph: onnx_ir.Graph, where: str) -> None:
    for name, value in graph.initializers.items():
        if value.const_value is None or not value.const_value.dtype.is_floating_point():
            continue
        with np.errstate(invalid="ignore"):  # the array may hold any bit pattern
            array = value.const_value.numpy().astype(np.float64, copy=False)
        bad = np.isnan(array)
        if {user.op_type for user in value.consumers()} - _INFINITY_IS_FINE:
            bad = ~np.isfinite(array)
        if bad.any():
            raise ModelError(
                f"weight '{name}' holds {int(bad.sum())} values that are NaN or infinite",
                where,
                "training has diverged; export an earlier checkpoint",
            )
