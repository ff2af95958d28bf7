"""Keras files: what opens computes what Keras computes, and no code of a file runs."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import missing
from judge import outputs
from model.corpus import KERAS, MODELS
from tflite_judges import LiteRt

from studio.build.host import HostModel
from studio.compiler.lower import lower
from studio.errors import ModelError
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.importers import open_model
from studio.model.importers.keras import load
from studio.model.model import Model

pytestmark = [
    pytest.mark.needs_h5py,
    pytest.mark.filterwarnings("ignore"),  # Keras and its backend deprecate parts of themselves
]
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def keras() -> Any:
    """Keras on torch, with a settings folder of its own."""
    missing("needs_keras")
    os.environ["KERAS_BACKEND"] = "torch"
    with tempfile.TemporaryDirectory() as home:
        os.environ["KERAS_HOME"] = home
        import keras

        keras.config.disable_interactive_logging()
        yield keras


def image_net(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((17, 14, 3), name="image")
    x = layers.Rescaling(0.5, offset=-0.1)(given)
    x = layers.ZeroPadding2D(((1, 0), (2, 1)))(x)
    x = layers.Conv2D(6, (3, 2), strides=2, padding="same", activation="relu6", name="first")(x)
    x = layers.BatchNormalization()(x)
    y = layers.SeparableConv2D(6, 3, padding="same", activation="relu")(x)
    z = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False)(x)
    z = layers.Conv2D(6, 1, groups=2, dilation_rate=1)(layers.ReLU(6)(z))
    x = layers.Concatenate()([layers.Add()([x, y]), z])
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    x = layers.SpatialDropout2D(0.1)(layers.Activation("tanh")(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, layers.Dense(5, activation="softmax", name="answer")(x))


def series_net(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential([
        keras.Input((30, 4)),
        layers.Conv1D(8, 5, padding="causal", dilation_rate=2, activation="relu"),
        layers.BatchNormalization(scale=False),
        layers.MaxPooling1D(2),
        layers.SeparableConv1D(6, 3, padding="same"),
        layers.BatchNormalization(center=False),
        layers.Dropout(0.3),
        layers.Permute((2, 1)),
        layers.Reshape((-1, 5)),
        layers.Flatten(),
        layers.Dense(7, activation="sigmoid", use_bias=False),
        layers.Softmax(),
    ])  # fmt: skip


def shared_net(keras: Any) -> Any:
    """A layer that is used twice, two inputs, two outputs."""
    layers = keras.layers
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    dense = layers.Dense(6, activation="relu", name="shared")
    x, y = dense(a), dense(dense(b))
    return keras.Model([a, b], [layers.Multiply()([x, y]), layers.Average(name="mean")([x, y])])


def rare_net(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((8, 8, 4))
    x = layers.Conv2DTranspose(5, 3, strides=2, padding="same")(given)
    x = layers.LeakyReLU(0.1)(layers.Cropping2D(((1, 2), 3))(x))
    x = layers.Conv2DTranspose(3, 2, strides=3)(x)
    x = layers.PReLU(shared_axes=[1, 2])(layers.LayerNormalization()(x))
    x = layers.Dense(4, activation="swish")(layers.UpSampling2D((2, 1))(x))
    x = layers.Subtract()([x, layers.Maximum()([x, layers.ELU(0.5)(x)])])
    x = layers.Conv2D(3, 3, padding="same", activation="hard_sigmoid")(x)
    return keras.Model(given, layers.GlobalMaxPooling2D(keepdims=True)(x))


def recurrent_net(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential([
        keras.Input((9, 4)),
        layers.LSTM(6, return_sequences=True),
        layers.GRU(5, return_sequences=True),
        layers.GRU(5, reset_after=False, return_sequences=True),
        layers.SimpleRNN(4, return_sequences=True, use_bias=False),
        layers.LSTM(3, go_backwards=True),
        layers.Dense(2),
    ])  # fmt: skip


NETS: dict[str, Callable[[Any], Any]] = {
    function.__name__: function
    for function in (image_net, series_net, shared_net, rare_net, recurrent_net)
}


def seeded(keras: Any, name: str) -> Any:
    """A network whose statistics are not those of a fresh one."""
    keras.utils.set_random_seed(1)
    network, rng = NETS[name](keras), np.random.default_rng(2)
    for weight in network.weights:
        low = 0.5 if "variance" in weight.path or "gamma" in weight.path else -0.5
        weight.assign(rng.uniform(low, 1.0, weight.shape))
    return network


def drawn(model: Model, n: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, *spec.shape[1:])).astype(np.float32) for spec in model.inputs]


def equal_to_keras(network: Any, model: Model) -> None:
    """onnxruntime and C against Keras."""
    x = drawn(model)
    wanted = network.predict(x if len(x) > 1 else x[0], verbose=0)
    wanted = wanted if isinstance(wanted, list) else [wanted]
    for ours, theirs in zip(infer(model, x), wanted, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= TOLERANCE
    program = lower(model)
    library = finish(HostModel.build(program))
    for number in range(len(x[0])):
        stored = [
            slot.to_physical(part[number].reshape(slot.logical_shape))
            for slot, part in zip(program.inputs, x, strict=True)
        ]
        for buffer, y, theirs in zip(program.outputs, library.run(stored), wanted, strict=True):
            got = buffer.to_logical(y.reshape(buffer.shape)).reshape(theirs[number].shape)
            assert np.abs(got - theirs[number]).max() <= TOLERANCE


@pytest.mark.needs_keras
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", NETS)
def test_a_saved_model_computes_what_keras_does(
    keras: Any, tmp_path: Path, name: str, suffix: str
) -> None:
    path = tmp_path / f"{name}{suffix}"
    network = seeded(keras, name)
    network.save(path)
    model = Model.from_bytes(load(path), name)
    assert model.metadata["tms.inputs"] == "plain"
    equal_to_keras(network, model)


@pytest.mark.needs_keras
def test_names_of_layers_stay(keras: Any, tmp_path: Path) -> None:
    seeded(keras, "image_net").save(tmp_path / "net.keras")
    model = finish(open_model(tmp_path / "net.keras"))
    names = {node.name for node in model.ir.graph}
    assert {"first", "answer"} <= names
    assert (model.name, model.inputs[0].name, model.outputs[0].name) == ("net", "image", "answer")
    assert model.inputs[0].shape == (1, 17, 14, 3)


# ---- the corpus -----------------------------------------------------------------------------

RESNET = "mlperf-tiny-ic/pretrainedResnet"


@pytest.mark.needs_data
@pytest.mark.needs_litert
def test_the_resnet_equals_the_float_tflite_file_made_from_it() -> None:
    model = Model.from_bytes(load(MODELS / f"{RESNET}.h5"))
    (x,) = drawn(model, 10)
    judge = LiteRt((MODELS / f"{RESNET}.tflite").read_bytes())
    want = np.concatenate([judge.run([sample[None] * 40])[0] for sample in x])
    assert np.abs(infer(model, x * 40)[0] - want).max() <= TOLERANCE
    program = lower(model)
    got = np.concatenate([outputs(program, sample[None] * 40)[0] for sample in x[:2]])
    assert np.abs(got - want[:2]).max() <= TOLERANCE


def without_types(told: Any) -> Any:
    """A config of Keras 2.2 without the types of initialisers, which Keras 3 does not take."""
    if isinstance(told, list):
        return [without_types(part) for part in told]
    if not isinstance(told, dict):
        return told
    return {
        key: {} if key.endswith("_initializer") and value else without_types(value)
        for key, value in told.items()
        if not key.endswith(("_initializer", "_regularizer"))
    }


@pytest.mark.needs_data
@pytest.mark.needs_keras
@pytest.mark.parametrize("file", KERAS)
def test_the_corpus_equals_keras(keras: Any, file: str) -> None:
    import h5py

    path = MODELS / file
    with h5py.File(path) as stored:
        config = without_types(json.loads(stored.attrs["model_config"]))
        network = keras.Model.from_config(config["config"])
        for layer in network.layers:
            group = stored["model_weights"][layer.name]
            layer.set_weights([group[name][()] for name in group.attrs["weight_names"]])
    equal_to_keras(network, Model.from_bytes(load(path)))


# ---- what is refused ------------------------------------------------------------------------


def refusal(path: Path) -> ModelError:
    with pytest.raises(ModelError) as raised:
        finish(open_model(path))
    assert str(path) in raised.value.where and raised.value.hint
    return raised.value


def archive(path: Path, *layers: dict[str, Any], kind: str = "Sequential") -> Path:
    """A .keras file without weights."""
    import h5py

    weights = path.with_suffix(".weights")
    h5py.File(weights, "w").close()
    given = {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 4]}}
    config = {"class_name": kind, "config": {"layers": [given, *layers]}}
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("metadata.json", "{}")
        zipped.writestr("config.json", json.dumps(config))
        zipped.write(weights, "model.weights.h5")
    return path


def test_lambdas_and_unknown_layers_are_refused_by_name(tmp_path: Path) -> None:
    layers = [
        {"class_name": "Lambda", "config": {"name": "code", "function": ["4wEAAA==", None, None]}},
        {"class_name": "Attention", "config": {"name": "attention"}},
    ]
    error = refusal(archive(tmp_path / "net.keras", *layers))
    assert "Attention (1), Lambda (1)" in error.what and "never run" in error.hint


@pytest.mark.parametrize(
    "told",
    [
        {"class_name": "mine>Gate", "module": None},
        {"class_name": "Gate", "module": "mine", "registered_name": "mine>Gate"},
    ],
)
def test_somebodys_own_layers_are_refused_by_name(tmp_path: Path, told: dict[str, Any]) -> None:
    error = refusal(archive(tmp_path / "net.keras", {**told, "config": {"name": "gate"}}))
    assert "mine>Gate (1)" in error.what and "code is not in the file" in error.hint


def test_a_model_class_of_its_own_is_refused_by_name(tmp_path: Path) -> None:
    assert "'MyNet'" in refusal(archive(tmp_path / "net.keras", kind="MyNet")).what


def test_an_activation_that_is_somebodys_own_is_refused(tmp_path: Path) -> None:
    told = {"class_name": "function", "config": "mine>wave", "module": "builtins"}
    layer = {"class_name": "Activation", "config": {"name": "act", "activation": told}}
    assert "'mine>wave'" in refusal(archive(tmp_path / "net.keras", layer)).what


def test_weights_alone_are_refused_with_what_to_give_instead(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "net.weights.h5", "w") as stored:
        stored.attrs["layer_names"] = ["dense"]
    error = refusal(tmp_path / "net.weights.h5")
    assert "weights without a network" in error.what and "model.save" in error.hint


def test_weights_cannot_come_from_another_file(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.ones((4, 2), np.float32)
    path = tmp_path / "net.h5"
    layer = {"class_name": "Dense", "config": {"name": "dense", "use_bias": False}}
    given = {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 4]}}
    with h5py.File(path, "w") as stored:
        stored.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": {"layers": [given, layer]}}
        )
        group = stored.create_group("model_weights/dense")
        group.attrs["weight_names"] = ["kernel"]
        group["kernel"] = h5py.ExternalLink("other.h5", "/secret")
    assert "'kernel' is not in the file" in refusal(path).what


def test_an_open_size_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "net.keras")
    with zipfile.ZipFile(path) as zipped:
        weights = zipped.read("model.weights.h5")
    given = {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, None, 4]}}
    with zipfile.ZipFile(path, "w") as zipped:
        config = {"class_name": "Sequential", "config": {"layers": [given]}}
        zipped.writestr("config.json", json.dumps(config))
        zipped.writestr("model.weights.h5", weights)
    assert "'in' has the shape" in refusal(path).what


@pytest.mark.needs_data
@pytest.mark.parametrize("share", [0.01, 0.3, 0.99])
def test_truncated_files_are_refused(tmp_path: Path, share: float) -> None:
    data = (MODELS / f"{RESNET}.h5").read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(data[: int(len(data) * share)])
    refusal(path)


@pytest.mark.needs_data
def test_damaged_bytes_give_a_model_or_a_model_error(tmp_path: Path) -> None:
    clean = np.frombuffer((MODELS / f"{RESNET}.h5").read_bytes(), np.uint8)
    rng, path = np.random.default_rng(0), tmp_path / "dirty.h5"
    refused = 0
    for _ in range(20):
        dirty = clean.copy()
        places = rng.integers(len(clean) // 20, size=40)
        dirty[places] = rng.integers(256, size=40)
        path.write_bytes(dirty.tobytes())
        try:
            load(path)
        except ModelError:
            refused += 1
    assert refused > 3
