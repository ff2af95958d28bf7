"""Reading and replacing the constants of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx_ir


def constant(value: onnx_ir.Value | None) -> npt.NDArray[Any] | None:
    """The array of an initialiser; None for an absent input or a computed value."""
    if value is None or value.const_value is None:
        return None
    return np.asarray(value.const_value.numpy())


def real(value: onnx_ir.Value | None) -> npt.NDArray[np.float64]:
    """The array of an initialiser that must be there, in double precision."""
    array = constant(value)
    assert array is not None
    return array.astype(np.float64)


def set_constant(
    graph: onnx_ir.Graph, node: onnx_ir.Node, index: int, role: str, array: npt.NDArray[Any]
) -> None:
    """Give an input of a node another float32 constant.

    The initialiser that it reads keeps its name and gets new numbers; where others read it as
    well, or there is none, a new one is made.
    """
    import onnx_ir

    array = np.asarray(array, np.float32, order="C")
    old = node.inputs[index]
    if old is not None and old.is_initializer() and len(old.uses()) == 1:
        old.const_value = onnx_ir.Tensor(array, name=old.name)
        old.shape = onnx_ir.Shape(array.shape)
        return
    name = f"{node.name}.{role}"
    while name in graph.initializers:
        name += "_"
    value = onnx_ir.val(name, const_value=onnx_ir.Tensor(array, name=name))
    graph.register_initializer(value)
    node.replace_input_with(index, value)


def drop_unused(graph: onnx_ir.Graph) -> None:
    """Remove initialisers that nothing reads any more."""
    for name, value in tuple(graph.initializers.items()):
        if not value.uses() and not value.is_graph_output():
            del graph.initializers[name]
