"""Models are values: same content, same bytes; steps leave them unchanged."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from nets import Net, autoencoder, ds_cnn, mobilenet, resnet8

from studio.errors import ModelError
from studio.model.model import Model


def test_bytes_and_digest_survive_pickling_and_reopening() -> None:
    model = ds_cnn()
    for twin in (pickle.loads(pickle.dumps(model)), Model.from_bytes(model.to_bytes(), "kws")):
        assert twin.to_bytes() == model.to_bytes()
        assert twin.digest == model.digest
        assert twin.name == model.name == "kws"
        assert twin != model


def test_a_clone_serialises_to_the_same_bytes_each_time() -> None:
    model = ds_cnn()
    first, second = (Model.from_ir(model.clone_ir()).to_bytes() for _ in range(2))
    assert first == second


def test_a_derived_model_carries_its_history_and_leaves_the_source_alone() -> None:
    model = ds_cnn()
    before = Model.from_ir(model.clone_ir()).digest
    one = model.derived(model.clone_ir(), "fold_batch_norm", {})
    two = one.derived(one.clone_ir(), "quantize_int8", {"samples": 5})
    assert two.history == (
        {"step": "fold_batch_norm", "params": {}},
        {"step": "quantize_int8", "params": {"samples": 5}},
    )
    assert Model.from_bytes(two.to_bytes()).history == two.history
    assert model.history == ()
    assert Model.from_ir(model.clone_ir()).digest == before


def test_macs_are_those_of_the_published_nets() -> None:
    assert autoencoder().macs == 264_192
    assert ds_cnn().macs == 2_656_768
    assert resnet8().macs == 12_501_632
    assert mobilenet().macs == 7_489_664


def test_parameters_count_weights_but_no_shapes_or_limits() -> None:
    net = Net()
    x = net.conv("x", (4, 3, 3, 3), kernel_shape=[3, 3], relu=False)
    x = net.node("Clip", x, net.const(0.0), net.const(6.0))
    x = net.node("Reshape", x, net.const([1, -1], "int64"))
    assert net.model((1, 3, 5, 5), x).parameters == 4 * 3 * 9 + 4


def test_shapes_and_dtypes_are_known_by_name() -> None:
    model = ds_cnn()
    assert model.inputs[0].shape == (1, 1, 49, 10)
    assert model.outputs[0].dtype == "float32"
    assert model.shape_of(model.outputs[0].name) == (1, 12)
    with pytest.raises(ModelError, match="no value 'nowhere'"):
        model.shape_of("nowhere")


def test_models_and_steps_are_known_without_heavy_imports() -> None:
    code = (
        "import sys, studio.model.model, studio.model.importers as importers, studio.recipe.runner;"
        "from studio.compression.step import steps; from studio.recipe.examples import examples;"
        "steps(), importers.importers(), examples(); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert not loaded & {"onnx", "onnx_ir", "onnxruntime", "onnxscript", "torch", "sklearn"}
