"""Activations, as layers of their own and at the end of others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from studio.model.importers.keras.file import Array
from studio.model.importers.keras.graph import to_first
from studio.model.importers.keras.site import Site

Function = Callable[[Site, str, bool], str]


def activated(site: Site, value: str, first: bool) -> str:
    """A value behind the activation that the layer names."""
    told = site.option("activation", "linear")
    if isinstance(told, dict):
        kind = told.get("class_name")
        if kind != "function":
            raise site.refused(f"activation of class '{kind}'", "use an activation layer")
        told = told.get("config")
    if told == "linear":
        return value
    if told not in _FUNCTIONS:
        raise site.refused(f"activation '{told}' is not supported")
    return _FUNCTIONS[str(told)](site, value, first)


def _plain(op_type: str, site: Site, value: str, first: bool, **attributes: Any) -> str:
    return site.emit(op_type, value, **attributes)


def _relu6(site: Site, value: str, first: bool) -> str:
    return _clipped(site, value, 0.0, 6.0)


def _clipped(site: Site, value: str, low: float, high: float) -> str:
    return site.emit("Clip", value, site.const(low, "min"), site.const(high, "max"))


def _softmax(site: Site, value: str, first: bool) -> str:
    return _softmax_along(site, value, first, -1)


def _softmax_along(site: Site, value: str, first: bool, axis: int) -> str:
    rank = len(site.graph.shape(value))
    place = to_first(rank).index(axis % rank) if first and rank > 2 else axis % rank
    return site.emit("Softmax", value, axis=place)


def _swish(site: Site, value: str, first: bool) -> str:
    return site.emit("Mul", value, site.emit("Sigmoid", value))


def _hard_sigmoid(site: Site, value: str, first: bool) -> str:
    """Keras 2 has a slope of 0.2, Keras 3 one of a sixth; its layers say a module."""
    alpha = 1 / 6 if "dtype" in site.layer.config and _is_keras_3(site) else 0.2
    return site.emit("HardSigmoid", value, alpha=alpha, beta=0.5)


def _is_keras_3(site: Site) -> bool:
    return isinstance(site.layer.config["dtype"], dict)


def _leaky(site: Site, value: str, first: bool) -> str:
    return site.emit("LeakyRelu", value, alpha=0.2)


_FUNCTIONS: dict[str, Function] = {
    "relu": partial(_plain, "Relu"),
    "relu6": _relu6,
    "sigmoid": partial(_plain, "Sigmoid"),
    "tanh": partial(_plain, "Tanh"),
    "softmax": _softmax,
    "elu": partial(_plain, "Elu", alpha=1.0),
    "selu": partial(_plain, "Selu"),
    "softplus": partial(_plain, "Softplus"),
    "softsign": partial(_plain, "Softsign"),
    "exponential": partial(_plain, "Exp"),
    "gelu": partial(_plain, "Gelu"),
    "mish": partial(_plain, "Mish"),
    "hard_sigmoid": _hard_sigmoid,
    "hard_swish": partial(_plain, "HardSwish"),
    "hard_silu": partial(_plain, "HardSwish"),
    "swish": _swish,
    "silu": _swish,
    "leaky_relu": _leaky,
}


def activation(site: Site) -> None:
    """A layer that is an activation by name."""
    first = site.is_first()
    site.done(activated(site, site.x(first=first), first), first)


def relu(site: Site) -> None:
    """ReLU with a slope below zero and a largest value."""
    first = site.is_first()
    value = site.x(first=first)
    slope, largest = site.option("negative_slope", 0.0), site.option("max_value")
    if site.option("threshold", 0.0) or (slope and largest is not None):
        raise site.refused("a threshold, or a slope with a largest value, is not supported")
    if slope:
        value = site.emit("LeakyRelu", value, alpha=float(slope))
    elif largest is not None:
        value = _clipped(site, value, 0.0, float(largest))
    else:
        value = site.emit("Relu", value)
    site.done(value, first)


def leaky_relu(site: Site) -> None:
    """Keras 2 calls the slope alpha."""
    first = site.is_first()
    slope = site.option("negative_slope", site.option("alpha", 0.3))
    site.done(site.emit("LeakyRelu", site.x(first=first), alpha=float(slope)), first)


def prelu(site: Site) -> None:
    """A slope for each value, axes of size 1 shared."""
    site.done(site.emit("PRelu", site.x(), site.const(site.weight(0), "alpha")))


def elu(site: Site) -> None:
    """Elu."""
    first = site.is_first()
    value = site.emit("Elu", site.x(first=first), alpha=float(site.option("alpha", 1.0)))
    site.done(value, first)


def softmax(site: Site) -> None:
    """Along one axis."""
    axis = site.option("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if not isinstance(axis, int) or not -len(site.shape()) <= axis < len(site.shape()):
        raise site.refused(f"along axes {axis}")
    site.done(_softmax_along(site, site.x(), False, axis))


def rescaling(site: Site) -> None:
    """Mul by a scale, Add of an offset; numbers or one a channel."""
    value = site.x()
    scale, offset = (_numbers(site, name) for name in ("scale", "offset"))
    if np.any(scale != 1):
        value = site.emit("Mul", value, site.const(scale, "scale"))
    if np.any(offset != 0) or value == site.x():
        value = site.emit("Add", value, site.const(offset, "offset"))
    site.done(value)


def _numbers(site: Site, name: str) -> Array:
    told = site.option(name, 0.0)
    told = told.get("config", {}).get("value") if isinstance(told, dict) else told
    try:
        return np.asarray(told, np.float32)
    except (TypeError, ValueError):
        raise site.refused(f"{name} is no number") from None


TRANSLATORS = {
    "Activation": activation,
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "PReLU": prelu,
    "ELU": elu,
    "Softmax": softmax,
    "Rescaling": rescaling,
}
