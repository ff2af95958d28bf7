"""Recurrent nets gate by gate: the bar, every form of cell, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nets import ds_cnn
from recurrent_nets import FORMS, GATES, layer, quantized, random_data

from studio.compression.quantize_recurrent import QuantizeRecurrent, preview, run
from studio.compression.recurrent_cell import cells
from studio.data.dataset import load
from studio.errors import RecipeError
from studio.job import finish
from studio.model.compare import sqnr_db
from studio.model.evaluate import evaluate, infer, infer_all
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model


@pytest.mark.needs_data
def test_the_bar_on_the_gru(studio_data: Path) -> None:
    bench = studio_data / "bench"
    model = Model.from_bytes(load_onnx(bench / "imu_gru.onnx"), "imu_gru")
    data = load(bench / "imu.npz")
    result = finish(run(QuantizeRecurrent(samples=64), model, data))
    lost = evaluate(model, data).accuracy - evaluate(result, data).accuracy
    assert lost <= 0.01


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_of_cell_stays_close_to_the_float_net(form: dict[str, Any]) -> None:
    model = layer(**form)
    result = quantized(model)
    assert result.outputs == model.outputs and result.inputs == model.inputs
    for each in (result, Model.from_bytes(result.to_bytes())):
        assert each.macs == model.macs
    x = random_data(model).x
    assert sqnr_db(infer(model, x)[0], infer(result, x)[0]) > 28
    kinds = [node.op_type for node in result.ir.graph]
    assert kinds.count("Scan") == form.get("directions", 1) and form["kind"] not in kinds


def test_weights_are_int8_and_states_int16_with_scales_of_powers_of_two() -> None:
    result = quantized(layer("LSTM"))
    stored = {k: v for k, v in result.ir.graph.initializers.items() if k.startswith("lstm")}
    weights = [v for k, v in stored.items() if k.endswith(".weight")]
    assert len(weights) == 8 and all(v.dtype.name == "INT8" for v in weights)  # type: ignore[union-attr]
    (scan,) = (node for node in result.ir.graph if node.op_type == "Scan")
    states = scan.attributes["body"].value.inputs[:2]
    assert [v.dtype.name for v in states] == ["INT16", "INT16"]
    scales = [v.const_value.numpy() for k, v in stored.items() if k.endswith(".scale")]  # type: ignore[union-attr]
    powers = [np.log2(s) for s in scales if s.size == 1]
    assert len(powers) > 3 and all(p == round(p) for p in powers[1:])


def test_the_cell_is_the_one_of_onnx() -> None:
    for kind in GATES:
        model = layer(kind, start=True)
        (node,) = (node for node in model.ir.graph if node.op_type == kind)
        (cell,) = cells(node, "test")
        x = random_data(model).x[:1]
        largest = cell.trace(x.astype(np.float64))
        wanted = np.abs(infer_all(model, x[0])[node.outputs[0].name]).max()
        assert largest[cell.output] == pytest.approx(wanted, rel=1e-5)


def test_a_preview_has_the_structure_of_the_result() -> None:
    model = layer("GRU")
    seen, made = preview(QuantizeRecurrent(), model), quantized(model)
    assert [n.op_type for n in seen.ir.graph] == [n.op_type for n in made.ir.graph]
    assert [n.op_type for n in seen.ir.graph.all_nodes()] == [
        n.op_type for n in made.ir.graph.all_nodes()
    ]
    assert seen.parameters == made.parameters


def test_what_cannot_be_quantised_is_refused_by_name() -> None:
    with pytest.raises(RecipeError, match="no recurrent layer"):
        preview(QuantizeRecurrent(), ds_cnn())
    with pytest.raises(RecipeError, match="quantised already"):
        preview(QuantizeRecurrent(), preview(QuantizeRecurrent(), layer("GRU")))
    with pytest.raises(RecipeError, match="Relu"):
        preview(QuantizeRecurrent(), layer("RNN", activations=["Relu"]))
    with pytest.raises(RecipeError, match="clipping"):
        preview(QuantizeRecurrent(), layer("LSTM", clip=2.0))
