"""onnxruntime as the judge of lowered Programs and of quantised nets."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.kernel import kernels
from studio.compiler.program import KernelCall, Program
from studio.compiler.run import run
from studio.data.dataset import Dataset
from studio.model.evaluate import infer, infer_all
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model

Array = npt.NDArray[Any]


def outputs(program: Program, x: Array) -> list[Array]:
    """Real values of the Program's outputs in ONNX shapes, for one real input [1, ...]."""
    slot = program.inputs[0]
    stored = run(program, [slot.to_physical(slot.quantize(x))])
    return [b.to_logical(b.dequantize(y)) for b, y in zip(program.outputs, stored, strict=True)]


def judged(model: Model, x: Array) -> list[Array]:
    """What onnxruntime says, for one real input [1, ...]."""
    return infer(model, x)


def worst_layer(model: Model, program: Program, x: Array) -> tuple[int, str]:
    """The largest difference of an int8 layer fed onnxruntime's own integers, and which layer."""
    values = infer_all(model, x)
    known: dict[int, Array] = {}
    for index, buffer in enumerate(program.buffers):
        if buffer.name in values and buffer.scale:
            real = values[buffer.name].reshape(buffer.logical_shape)
            known[index] = buffer.to_physical(buffer.quantize(real))
    got: dict[int, Array] = {}  # a concatenation writes its output in several calls
    layers: dict[int, str] = {}
    for call in program.calls:
        out = call.outputs[0]
        if out in known and all(i in known for i in call.inputs if isinstance(i, int)):
            got.setdefault(out, np.zeros_like(known[out]))
            layers[out] = f"{call.kernel} {call.layer}"
            _run(program, call, known, got[out])
    worst = {out: int(np.abs(got[out].astype(int) - known[out]).max()) for out in got}
    assert worst, "no layer could be judged"
    out = max(worst, key=worst.__getitem__)
    return worst[out], layers[out]


def _run(program: Program, call: KernelCall, known: dict[int, Array], out: Array) -> None:
    params = {
        key: program.constants[value].data if isinstance(value, str) else value
        for key, value in call.params.items()
    }
    sources = [program.constants[i].data if isinstance(i, str) else known[i] for i in call.inputs]
    if call.rows is not None:
        sources[0] = sources[0].reshape(params["in_h"], params["in_w"], params["in_c"])
        out = out.reshape(params["out_h"], params["out_w"], params["out_c"])
    kernels()[call.kernel].reference(params, *sources, out)


def fed(program: Program, inputs: list[Array]) -> list[Array]:
    """Real values of the Program's outputs in ONNX shapes, for real inputs in ONNX shapes."""
    stored = [
        slot.to_physical(slot.quantize(x)) for slot, x in zip(program.inputs, inputs, strict=True)
    ]
    outs = zip(program.outputs, run(program, stored), strict=True)
    return [b.to_logical(b.dequantize(y)) for b, y in outs]


def run_onnx(model: Model, inputs: list[Array]) -> list[Array]:
    """What onnxruntime computes, nodes as they stand, for a model with any number of inputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.to_bytes(), options, providers=["CPUExecutionProvider"]
    )
    names = [value.name for value in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def onnxruntime_quantized(model: Model, data: Dataset) -> Model:
    """What onnxruntime's own quantiser makes of a float net: int8 per channel, 256 samples."""
    from onnxruntime import quantization as ort

    class Reader(ort.CalibrationDataReader):
        rows: Iterator[Array] = iter(data.calibration(256))

        def get_next(self) -> dict[str, Array] | None:
            row = next(self.rows, None)
            return None if row is None else {model.inputs[0].name: row[None]}

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, after = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        before.write_bytes(model.to_bytes())
        ort.quantize_static(
            str(before),
            str(after),
            Reader(),
            quant_format=ort.QuantFormat.QDQ,
            per_channel=True,
            activation_type=ort.QuantType.QInt8,
            weight_type=ort.QuantType.QInt8,
        )
        return Model.from_bytes(load_onnx(after))
