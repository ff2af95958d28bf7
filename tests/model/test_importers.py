"""Opening files: what is read, and the one named error for each that is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from nets import Net
from onnx import TensorProto, helper, numpy_helper

from studio.errors import ModelError
from studio.job import finish
from studio.model.importers import importers, open_model
from studio.model.importers.onnx import load
from studio.model.model import Model


def proto(
    op_type: str = "Relu",
    shape: tuple[int | str | None, ...] = ("N", 4),
    weights: tuple[onnx.TensorProto, ...] = (),
    opset: int = 17,
    **attributes: object,
) -> onnx.ModelProto:
    """One node on input x."""
    inputs = ["x", *(tensor.name for tensor in weights)]
    graph = helper.make_graph(
        [helper.make_node(op_type, inputs, ["y"], **attributes)],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def saved(folder: Path, model: onnx.ModelProto | bytes, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


def external(folder: Path, location: str, size: int = 16) -> Path:
    """A model whose weight [4] lies in another file."""
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[size // 4])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    weight.external_data.add(key="length", value=str(size))
    return saved(folder, proto("Add", weights=(weight,)))


def refusal(path: Path) -> ModelError:
    """The error for a file, opened as users do; it comes within ten seconds."""
    start = time.monotonic()
    with pytest.raises(ModelError) as raised:
        finish(open_model(path))
    assert time.monotonic() - start < 10
    error = raised.value
    assert error.what and str(path) in error.where and error.hint
    return error


def test_a_model_opens_in_a_worker_with_batch_one(tmp_path: Path) -> None:
    model = finish(open_model(saved(tmp_path, proto(shape=("N", 4)))))
    assert model.name == "model"
    assert model.inputs[0].shape == model.outputs[0].shape == (1, 4)


def test_an_onnx_file_is_known_by_its_content(tmp_path: Path) -> None:
    assert finish(open_model(saved(tmp_path, proto(), "model.bin"))).inputs[0].name == "x"


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.onnx", b"this is a text\n" * 20, "is no ONNX model"),
        ("a.onnx", bytes(5000), "is no ONNX model"),
        ("a.onnx", b"\x08\x0a", "is no ONNX model, or only a part of one"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(40), "Keras"),
        ("a.keras", b"PK\x03\x04" + bytes(40), "Keras"),
        ("a.pt", b"PK\x03\x04" + bytes(40), "PyTorch archive"),
        ("a.zip", b"PK\x03\x04" + bytes(40), "zip archive"),
        ("a.pkl", b"\x80\x04\x95" + bytes(40), "pickle"),
        ("a.ort", b"\x1c\0\0\0ORTM" + bytes(40), "onnxruntime"),
        ("a.txt", b"hello", "is in no format"),
        ("a.onnx.pt", b"\x80\x02" + bytes(40), "pickle"),
    ],
)
def test_a_file_that_is_no_onnx_is_named(
    tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    assert what in refusal(saved(tmp_path, content, name)).what


def test_a_pickle_that_calls_itself_onnx_is_not_executed(tmp_path: Path) -> None:
    flag = tmp_path / "executed"
    code = f"cos\nsystem\n(S'touch {flag}'\ntR.".encode()
    refusal(saved(tmp_path, b"\x80\x02" + code))
    assert not flag.exists()


def test_an_empty_file_a_folder_and_nothing_are_told_apart(tmp_path: Path) -> None:
    for path, what in (
        (saved(tmp_path, b""), "empty"),
        (tmp_path, "folder"),
        (tmp_path / "nowhere.onnx", "no such file"),
    ):
        with pytest.raises(ModelError, match=what):
            finish(open_model(path))


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    whole = proto("Add", weights=(numpy_helper.from_array(np.ones(4, np.float32), "w"),))
    data = whole.SerializeToString()
    for length in range(1, len(data)):
        with pytest.raises(ModelError):
            load(saved(tmp_path, data[:length]))
    assert "truncated" in refusal(saved(tmp_path, data[: len(data) // 2])).hint


def test_damaged_bytes_give_a_model_or_a_model_error(tmp_path: Path) -> None:
    data = proto("Add", weights=(numpy_helper.from_array(np.ones(4, np.float32), "w"),))
    clean = np.frombuffer(data.SerializeToString(), np.uint8)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        dirty = clean.copy()
        dirty[rng.integers(len(clean), size=2)] = rng.integers(256, size=2)
        try:
            Model.from_bytes(load(saved(tmp_path, dirty.tobytes()))).inputs  # noqa: B018
        except ModelError:
            refused += 1
    assert 50 < refused < 200


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/hostname", "link.bin", "sub/up.bin", ""]
)
def test_external_data_cannot_leave_the_folder(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "sub" / "up.bin").symlink_to("../../secret.bin")
    assert "outside the model's folder" in refusal(external(folder, location)).what


def test_external_data_in_the_folder_is_taken_in(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    model = Model.from_bytes(load(external(tmp_path, "w.bin")))
    assert model.ir.graph.initializers["w"].const_value.numpy().tolist() == [0, 1, 2, 3]


def test_external_data_that_is_missing_or_short_is_named(tmp_path: Path) -> None:
    assert "missing" in refusal(external(tmp_path, "w.bin")).what
    (tmp_path / "w.bin").write_bytes(bytes(8))
    assert "too short" in refusal(external(tmp_path, "w.bin")).what


def test_a_ten_gigabyte_shape_is_refused_without_being_allocated(tmp_path: Path) -> None:
    huge = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[50_000, 50_000])
    huge.raw_data = bytes(16)
    assert "50000" in refusal(saved(tmp_path, proto("Add", weights=(huge,)))).what
    assert "10.0 GB" in refusal(saved(tmp_path, proto(shape=("N", 50_000, 50_000)))).what
    shape = numpy_helper.from_array(np.array([50_000, 50_000, 4]), "shape")
    assert "'y'" in refusal(saved(tmp_path, proto("Expand", (1, 1, 4), (shape,)))).what


def test_a_tensor_whose_data_do_not_fill_its_shape_is_named(tmp_path: Path) -> None:
    short = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], raw_data=bytes(8))
    error = refusal(saved(tmp_path, proto("Add", weights=(short,))))
    assert "needs 16 bytes, there are 8" in error.what and "'w'" in error.where


@pytest.mark.parametrize("shape", [(1, "T", 4), (1, None), ("N", 3, "H", "W")])
def test_a_dynamic_dimension_beyond_the_batch_is_named(
    tmp_path: Path, shape: tuple[int | str | None, ...]
) -> None:
    error = refusal(saved(tmp_path, proto(shape=shape)))
    assert "input 'x' has a dynamic dimension" in error.what
    assert "fixed size" in error.hint


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_nan_or_infinite_are_named(tmp_path: Path, bad: float) -> None:
    weight = numpy_helper.from_array(np.array([1, bad, 2, 3], np.float32), "dense.weight")
    error = refusal(saved(tmp_path, proto("Add", weights=(weight,))))
    assert "'dense.weight' holds 1 values" in error.what


def test_an_infinite_limit_is_no_bad_weight(tmp_path: Path) -> None:
    limits = [numpy_helper.from_array(np.array(v, np.float32), str(v)) for v in (0.0, np.inf)]
    assert load(saved(tmp_path, proto("Clip", weights=tuple(limits))))


def test_an_operator_that_onnx_does_not_have_is_named(tmp_path: Path) -> None:
    assert "'Relux'" in refusal(saved(tmp_path, proto("Relux"))).what


def test_an_operator_of_another_domain_is_left_for_the_check(tmp_path: Path) -> None:
    model = proto()
    model.graph.node[0].domain = "com.example"
    model.opset_import.add(domain="com.example", version=1)
    assert Model.from_bytes(load(saved(tmp_path, model))).macs == 0


def test_opsets_that_are_too_old_or_too_new_are_refused(tmp_path: Path) -> None:
    for opset in (6, 99):
        assert f"opset {opset}" in refusal(saved(tmp_path, proto(opset=opset))).what


def test_an_old_opset_is_converted(tmp_path: Path) -> None:
    model = proto("Squeeze", ("N", 1, 4), opset=9, axes=[1])
    opened = Model.from_bytes(load(saved(tmp_path, model)))
    assert opened.ir.opset_imports[""] == 13
    assert opened.outputs[0].shape == (1, 4)


def test_nodes_without_a_name_and_with_the_same_name_get_one_of_their_own(tmp_path: Path) -> None:
    net = Net()
    net.node("Relu", net.node("Relu", net.node("Relu", "x")))
    for node, name in zip(net.nodes, ("", "same", "same"), strict=True):
        node.name = name
    path = saved(tmp_path, net.model((1, 4), "relu2").to_bytes())
    names = [node.name for node in Model.from_bytes(load(path)).ir.graph]
    assert len(set(names)) == 3 and all(names)


def test_shape_arithmetic_constants_identity_and_dropout_disappear(tmp_path: Path) -> None:
    net = Net()
    batch = net.node("Gather", net.node("Shape", "x"), net.const(0, np.int64), axis=0)
    first = net.node("Unsqueeze", batch, net.const([0], np.int64))
    shape = net.node("Concat", first, net.const([-1], np.int64), axis=0)
    x = net.node("Dropout", net.node("Identity", net.node("Reshape", "x", shape)))
    weight = net.node("Transpose", net.const(np.ones((3, 8))), perm=[1, 0])
    model = net.model(("N", 2, 4), net.node("Identity", net.node("MatMul", x, weight)))
    opened = Model.from_bytes(load(saved(tmp_path, model.to_bytes())))
    assert [node.op_type for node in opened.ir.graph] == ["Reshape", "MatMul"]
    assert opened.outputs[0].name == model.ir.graph.outputs[0].name
    assert opened.outputs[0].shape == (1, 3)


def test_importing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = saved(tmp_path, proto())
    assert load(path) == load(path)
    assert load(saved(tmp_path, load(path), "again.onnx")) == load(path)


@pytest.mark.needs_data
@pytest.mark.parametrize(
    ("path", "parameters", "macs"),
    [
        ("bench/digits_dscnn.onnx", 6_154, 354_624),
        ("bench/imu_conv1d.onnx", 12_638, 146_208),
        ("models/emx-micro-kws/micro_kws_m_static_fp32.onnx", 27_142, 5_709_472),
        ("models/emx-micro-kws/micro_kws_m_static_qdq.onnx", 27_142, 5_709_472),
    ],
)
def test_real_models_open_with_every_shape_known(
    studio_data: Path, path: str, parameters: int, macs: int
) -> None:
    model = Model.from_bytes(load(studio_data / path))
    assert (model.parameters, model.macs) == (parameters, macs)
    for node in model.ir.graph:
        for value in node.outputs:
            assert model.shape_of(value.name or "")[:1]


def test_each_importer_offers_match_and_read() -> None:
    functions: list[Callable[..., object]] = [f for m in importers() for f in (m.match, m.read)]
    assert len(functions) >= 4


@pytest.mark.parametrize("scale", [0.0, -0.5, float("nan"), float("inf")])
@pytest.mark.parametrize("channels", [1, 4])
def test_a_scale_that_is_no_positive_number_is_refused_by_name(
    tmp_path: Path, scale: float, channels: int
) -> None:
    scales = np.full(channels, 0.1, np.float32) if channels > 1 else np.float32(scale)
    if channels > 1:
        scales[2] = scale
    grid = (
        numpy_helper.from_array(np.asarray(scales), "scale"),
        numpy_helper.from_array(np.zeros(np.shape(scales), np.int8), "zero"),
    )
    model = proto("QuantizeLinear", (1, 4), grid)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT8
    error = refusal(saved(tmp_path, model))
    assert f"scale is {scale:g}" in error.what and "QuantizeLinear" in error.where
