"""What a Keras file says: its layers, how they are called, their weights."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.errors import ModelError

if TYPE_CHECKING:
    import h5py

Array = npt.NDArray[Any]
Tensor = tuple[str, int, int]  # layer, which of its calls, which of the call's results

DAMAGED = "the file is truncated or damaged; save or copy it again"
_MAX_BYTES = 1_000_000_000
_MAX_CONFIG_BYTES = 64 << 20
_OWN_MODULES = ("keras", "tensorflow.keras", "tensorflow.python.keras", "tf_keras", "builtins")
_INSTEAD = "save the whole model: model.save('model.keras')"


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer.

    Attributes:
        kind: its class; one that is not Keras's own has its package and ">" before.
        config: its parameters.
        weights: in the order in which Keras makes them.
    """

    kind: str
    name: str
    config: dict[str, Any]
    weights: tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class Call:
    """A layer applied to tensors; a shared layer has several."""

    layer: Layer
    number: int
    sources: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Architecture:
    """The whole model; an InputLayer is a call without sources."""

    calls: tuple[Call, ...]
    outputs: tuple[Tensor, ...]


def parse(path: Path, where: str) -> Architecture:
    """Read a `.keras` or `.h5` file.

    Raises:
        ModelError: it is damaged, holds no architecture, or one that is not a graph of layers.
    """
    try:
        import h5py
    except ImportError:
        raise ModelError(
            "Keras files need h5py", where, "install it: pip install 'tinyml-studio[keras]'"
        ) from None
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                config = json.loads(_member(archive, "config.json", _MAX_CONFIG_BYTES))
                weights = BytesIO(_member(archive, "model.weights.h5", _MAX_BYTES))
            with h5py.File(weights, "r") as stored:
                return _architecture(config, stored, where)
        with h5py.File(path, "r") as stored:
            return _architecture(_config_of(stored, where), stored, where)
    except (OSError, KeyError, zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"is no Keras model, or damaged: {reason}", where, DAMAGED) from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise ModelError("is a Keras model with a damaged config", where, DAMAGED) from None


def _member(archive: zipfile.ZipFile, name: str, limit_bytes: int) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > limit_bytes:
        raise zipfile.BadZipFile(f"'{name}' takes {info.file_size} bytes")
    return archive.read(info)


def _config_of(stored: h5py.File, where: str) -> dict[str, Any]:
    text = stored.attrs.get("model_config")
    if text is None:
        raise ModelError("is a Keras file of weights without a network", where, _INSTEAD)
    config: dict[str, Any] = json.loads(text)
    return config


def _architecture(model: dict[str, Any], stored: h5py.File, where: str) -> Architecture:
    kind, config = model.get("class_name"), model.get("config")
    if kind not in ("Sequential", "Functional", "Model") or not config:
        raise ModelError(
            f"is a model class of its own ('{kind}'), whose code is not in the file",
            where,
            "build it as a Sequential or Functional model",
        )
    described = config if isinstance(config, list) else config["layers"]
    if kind == "Sequential":
        described = _with_input(described, model, where)
    kinds = [_kind(layer) for layer in described]
    names = [layer["config"].get("name", layer.get("name")) for layer in described]
    if any(not isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ModelError("has layers without names of their own", where, DAMAGED)
    places = _places(stored, kinds, names)
    layers = [
        Layer(kind, name, layer["config"], tuple(_arrays(stored, place, where)))
        for kind, name, layer, place in zip(kinds, names, described, places, strict=True)
    ]
    if kind == "Sequential":
        return _chain(layers)
    calls = [
        Call(layer, number, tuple(_tensors(node)))
        for layer, told in zip(layers, described, strict=True)
        for number, node in enumerate(told.get("inbound_nodes") or [[]])
    ]
    return Architecture(tuple(calls), tuple(_tensors(config["output_layers"])))


def _kind(layer: dict[str, Any]) -> str:
    kind, module = str(layer["class_name"]), layer.get("module")
    registered = layer.get("registered_name")
    if ">" in kind or (module is not None and not str(module).startswith(_OWN_MODULES)):
        return kind if ">" in kind else f"{module}>{kind}"
    return str(registered) if registered and ">" in str(registered) else kind


def _with_input(
    layers: list[dict[str, Any]], model: dict[str, Any], where: str
) -> list[dict[str, Any]]:
    """A Sequential model's layers, an InputLayer first."""
    if layers and layers[0]["class_name"] == "InputLayer":
        return layers
    config = model["config"] if isinstance(model["config"], dict) else {}
    first = layers[0]["config"] if layers else {}
    shape = first.get("batch_input_shape") or config.get("build_input_shape")
    if not shape:
        raise ModelError("does not say the shape of its input", where, "call model.build(shape)")
    told = {"name": "input", "batch_shape": shape, "dtype": first.get("dtype", "float32")}
    return [{"class_name": "InputLayer", "config": told}, *layers]


def _chain(layers: list[Layer]) -> Architecture:
    calls = [
        Call(layer, 0, ((layers[place - 1].name, 0, 0),) if place else ())
        for place, layer in enumerate(layers)
    ]
    return Architecture(tuple(calls), ((layers[-1].name, 0, 0),))


def _tensors(told: Any) -> Iterator[Tensor]:
    """The tensors that a description of a call names, in order, of Keras 2 or 3."""
    if isinstance(told, dict):
        if told.get("class_name") == "__keras_tensor__":
            layer, call, result = told["config"]["keras_history"][:3]
            yield str(layer), int(call), int(result)
        else:
            for part in told.values():
                yield from _tensors(part)
    elif isinstance(told, list):
        if len(told) >= 3 and isinstance(told[0], str) and isinstance(told[1], int):
            yield told[0], told[1], int(told[2])
        else:
            for part in told:
                yield from _tensors(part)


def _places(stored: h5py.File, kinds: list[str], names: list[str]) -> list[str]:
    """The HDF5 group of each layer."""
    if "model_weights" in stored:
        return [f"model_weights/{name}" for name in names]
    counts: Counter[str] = Counter()
    places = []
    for kind in kinds:
        base = _snake_case(kind.rpartition(">")[2])
        places.append(f"layers/{base}" + (f"_{counts[base]}" if counts[base] else ""))
        counts[base] += 1
    return places


def _snake_case(name: str) -> str:
    """A class name as Keras's archives write it.

    Formula: to_snake_case in Keras's src/utils/naming.py.
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _arrays(stored: h5py.File, place: str, where: str) -> Iterator[Array]:
    """A layer's weights in order."""
    if place not in stored:
        return
    group = stored[place]
    if place.startswith("model_weights/"):
        names = [str(np.asarray(n).astype(str)) for n in _chunked(group, "weight_names")]
    else:
        # Recurrent layers keep them in their cell.
        held = next((p for p in ("vars", "cell/vars") if p in group and len(group[p])), "vars")
        names = [f"{held}/{number}" for number in range(len(group.get(held, ())))]
    for name in names:
        yield _array(group, name, where)


def _chunked(group: h5py.Group, name: str) -> Iterator[Any]:
    """An attribute that Keras cuts into numbered ones where it is long."""
    if name in group.attrs:
        yield from group.attrs[name]
        return
    number = 0
    while f"{name}{number}" in group.attrs:
        yield from group.attrs[f"{name}{number}"]
        number += 1


def _array(group: h5py.Group, name: str, where: str) -> Array:
    """One weight; whatever would read another file is refused."""
    import h5py

    link = group
    for part in name.split("/"):
        if not isinstance(link.get(part, getlink=True), h5py.HardLink):
            raise ModelError(f"weight '{name}' is not in the file", where, DAMAGED)
        link = link[part]
    if not isinstance(link, h5py.Dataset) or link.is_virtual or link.external:
        raise ModelError(f"weight '{name}' is not in the file", where, DAMAGED)
    if link.nbytes > _MAX_BYTES or link.dtype.kind not in "fiub":
        raise ModelError(f"weight '{name}' has the shape {link.shape}", where, DAMAGED)
    array = np.asarray(link[()])
    return array.astype(np.float32) if array.dtype.kind == "f" else array
