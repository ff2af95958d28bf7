"""One call of a layer as a translator sees it, and the translators that there are."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from studio.errors import Unsupported
from studio.model.importers.keras.file import DAMAGED, Array, Call
from studio.model.importers.keras.graph import Graph, to_plain


class Site:
    """A call: its layer's parameters and weights, its inputs, and the ONNX side."""

    def __init__(self, graph: Graph, call: Call) -> None:
        self.graph = graph
        self.layer = call.layer
        self.kind, self.name = call.layer.kind, call.layer.name
        self.sources = call.sources
        self._result = (call.layer.name, call.number, 0)

    # ---- what the file says -----------------------------------------------------------------

    def option(self, name: str, default: Any = None) -> Any:
        """A parameter of the layer."""
        value = self.layer.config.get(name)
        return default if value is None else value

    def sizes(self, name: str, rank: int, default: int = 1) -> list[int]:
        """A parameter with a number for each spatial axis; one number stands for all."""
        value = self.option(name, default)
        numbers = list(value) if isinstance(value, list | tuple) else [value] * rank
        if len(numbers) != rank or any(type(n) is not int or n < 1 for n in numbers):
            raise self.refused(f"{name} {value} for {rank} axes", DAMAGED)
        return numbers

    def weight(self, number: int) -> Array:
        """A weight by its place.

        Raises:
            Unsupported: it is not there.
        """
        if number >= len(self.layer.weights):
            raise self.refused(f"weight {number} is missing", DAMAGED)
        return self.layer.weights[number]

    def refused(self, why: str, hint: str = "") -> Unsupported:
        """The error that refuses this call."""
        hint = hint or "change the layer, or convert with tf2onnx and open the .onnx file"
        return Unsupported(f"{self.kind}: {why}", f"{self.graph.where}: layer '{self.name}'", hint)

    def need_channels_last(self) -> None:
        """Refuse the other order, which only GPUs run."""
        if self.option("data_format", "channels_last") != "channels_last":
            raise self.refused("data_format 'channels_first'", "save it with channels_last")

    # ---- inputs -----------------------------------------------------------------------------

    def shape(self, number: int = 0) -> tuple[int, ...]:
        """The shape of an input in Keras's order, batch included."""
        source = self._source(number)
        if not self.graph.known_first(source):
            return self.graph.shape(self.graph.read(source))
        shape = self.graph.shape(self.graph.read(source, first=True))
        return tuple(shape[axis] for axis in to_plain(len(shape))) if len(shape) > 2 else shape

    def x(self, number: int = 0, first: bool = False) -> str:
        """The value of an input."""
        return self.graph.read(self._source(number), first)

    def is_first(self) -> bool:
        """Whether any input is known with channels first."""
        return any(self.graph.known_first(source) for source in self.sources)

    def _source(self, number: int) -> tuple[str, int, int]:
        if number >= len(self.sources):
            raise self.refused(f"input {number} is missing", DAMAGED)
        return self.sources[number]

    # ---- the ONNX side ----------------------------------------------------------------------

    def emit(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return its output."""
        return self.emit_many(op_type, 1, *inputs, **attributes)[0]

    def emit_many(self, op_type: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Append a node with several outputs."""
        name = f"{self.name}/{op_type.lower()}"
        return self.graph.node(op_type, list(inputs), name, outputs, **attributes)

    def const(self, array: Any, name: str, dtype: Any = np.float32) -> str:
        """A constant of this layer."""
        return self.graph.constant(np.asarray(array, dtype), f"{self.name}.{name}")

    def integers(self, values: Sequence[int], name: str) -> str:
        """A constant list, such as a shape or axes."""
        return self.const(values, name, np.int64)

    def reshaped(self, value: str, shape: Sequence[int]) -> str:
        """A value under another shape."""
        return self.emit("Reshape", value, self.integers(shape, "shape"))

    def done(self, value: str, first: bool = False) -> None:
        """Say which value the result is."""
        self.graph.write(self._result, value, first)


Translator = Callable[[Site], None]


@cache
def translators() -> dict[str, Translator]:
    """All translators by Keras's class: every module of `layers/`."""
    import studio.model.importers.keras.layers as room

    found: dict[str, Translator] = {}
    for info in pkgutil.iter_modules(room.__path__):
        module = importlib.import_module(f"{room.__name__}.{info.name}")
        found.update(getattr(module, "TRANSLATORS", {}))
    return found
