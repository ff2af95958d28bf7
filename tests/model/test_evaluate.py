"""onnxruntime as the judge, and data that do not fit."""

from __future__ import annotations

import time

import numpy as np
import pytest
from nets import Net, ds_cnn
from onnx import TensorProto, helper, shape_inference

from studio.data.dataset import Dataset, load
from studio.errors import DataError, ModelError
from studio.job import finish
from studio.model.compare import compare_layers, output_sqnr_db, sqnr_db
from studio.model.evaluate import check_fits, evaluate, fitted, infer, infer_all
from studio.model.model import Model
from studio.recipe.examples import open_example


def passing(shape: tuple[int, ...]) -> Model:
    """A model that answers with what it is given."""
    net = Net()
    return net.model(shape, net.node("Relu", "x"))


def samples(x: np.ndarray, y: list[int] | None = None) -> Dataset:
    labels = tuple(str(i) for i in range(max(y) + 1)) if y else ()
    split = np.full(len(x), "test")
    return Dataset("made", x.astype(np.float32), None if y is None else np.array(y), labels, split)


def test_infer_stacks_samples() -> None:
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    (y,) = infer(passing((1, 3)), x)
    assert np.array_equal(y, x)


def adding() -> Model:
    """Two inputs, the second one of integers."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["n"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["x", "real"], ["y"]),
        ],
        "adding",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3)),
            helper.make_tensor_value_info("n", TensorProto.INT64, (1, 1)),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3))],
    )
    opset = [helper.make_opsetid("", 21)]
    proto = helper.make_model(graph, opset_imports=opset, ir_version=10)
    return Model.from_bytes(shape_inference.infer_shapes(proto).SerializeToString(), "adding")


def test_several_inputs_take_an_array_each() -> None:
    x, n = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([[1], [10]])
    model = adding()
    assert infer(model, [x, n])[0].tolist() == [[1, 2, 3], [13, 14, 15]]
    assert infer_all(model, [x[0], n[0]])["n"].tolist() == [[1]]
    with pytest.raises(DataError, match="has 2 inputs, there are samples for 1"):
        infer(model, x)
    with pytest.raises(DataError, match="different numbers of samples: 2, 1"):
        infer(model, [x, n[:1]])


def test_infer_all_gives_every_value_by_name() -> None:
    model = ds_cnn()
    values = infer_all(model, np.ones((1, 49, 10), np.float32))
    assert set(values) == {"x", *(v.name for node in model.ir.graph for v in node.outputs)}
    assert all(array.shape == model.shape_of(name) for name, array in values.items())
    (last,) = infer(model, np.ones((1, 1, 49, 10), np.float32))
    assert np.array_equal(values[model.outputs[0].name], last)


def test_accuracy_and_confusion() -> None:
    x = np.eye(3)[[0, 1, 2, 0]]
    result = evaluate(passing((1, 3)), samples(x, [0, 1, 1, 2]))
    assert (result.n, result.correct, result.accuracy) == (4, 2, 0.5)
    assert result.confusion.tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]


def test_six_hundred_digits_take_less_than_a_second() -> None:
    model, data, _ = finish(open_example("digits"))
    start = time.monotonic()
    assert evaluate(model, data).accuracy >= 0.98
    assert time.monotonic() - start < 1


def test_data_of_another_shape_are_refused_with_both_shapes() -> None:
    with pytest.raises(DataError, match=r"\[1, 8, 8\], the model takes \[1, 49, 10\]"):
        check_fits(load("example:digits"), ds_cnn())


def test_more_classes_than_outputs_are_refused() -> None:
    with pytest.raises(DataError, match="4 classes, the model answers with 3"):
        evaluate(passing((1, 3)), samples(np.eye(3), [0, 1, 3]))


def test_data_without_labels_cannot_be_scored() -> None:
    with pytest.raises(DataError, match="no labels"):
        evaluate(passing((1, 3)), samples(np.eye(3)))


def test_flat_rows_are_brought_into_the_models_shape() -> None:
    model = passing((1, 2, 3))
    assert fitted(samples(np.ones((4, 6))), model).x.shape == (4, 2, 3)
    with pytest.raises(DataError, match="shape"):
        fitted(samples(np.ones((4, 5))), model)


def test_a_model_that_onnxruntime_cannot_run_is_a_model_error() -> None:
    model = passing((1, 3))
    ir = model.clone_ir()
    next(iter(ir.graph)).domain = "com.example"
    ir.opset_imports["com.example"] = 1
    with pytest.raises(ModelError, match="onnxruntime cannot run it"):
        infer(Model.from_ir(ir), np.ones((1, 3), np.float32))


def test_sqnr_in_db() -> None:
    signal = np.array([3.0, 4.0])
    assert sqnr_db(signal, signal + np.array([0.3, -0.4])) == pytest.approx(20)
    assert sqnr_db(signal, signal) == np.inf


def test_layers_are_compared_by_the_names_of_their_values() -> None:
    model = ds_cnn()
    ir = model.clone_ir()
    constant = next(v for v in ir.graph.initializers.values() if v.name == "c6")
    import onnx_ir

    constant.const_value = onnx_ir.tensor(constant.const_value.numpy() * 1.01, name="c6")
    other = Model.from_ir(ir)
    x = np.random.default_rng(0).normal(size=(3, 1, 49, 10)).astype(np.float32)
    noise = {layer.value: layer.sqnr_db for layer in compare_layers(model, other, x)}
    names = list(noise)
    changed = next(i for i, name in enumerate(names) if noise[name] < np.inf)
    reader = next(iter(ir.graph.initializers["c6"].consumers()))
    assert names[changed] == reader.outputs[0].name
    assert output_sqnr_db(model, other, x) == pytest.approx(noise[names[-1]])
