"""ONNX backend cases: one model, data sets of inputs and the outputs that are right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from judge import fed
from onnx import helper, numpy_helper

from studio.compiler.lower import lower
from studio.errors import ModelError, StudioError
from studio.model.model import Model
from studio.model.normalize import normalize

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A model with inputs and the outputs that they give."""

    name: str
    model: onnx.ModelProto
    inputs: list[Array]
    outputs: list[Array]
    rtol: float = 1e-3


def backend_cases() -> dict[str, Case]:
    """All node tests of the installed onnx package."""
    from onnx.backend.test.loader import load_model_tests

    return {case.name: case for found in load_model_tests(kind="node") for case in _read(found)}


def _read(found: Any) -> Iterator[Case]:
    if not found.data_sets and found.model_dir is None:
        return
    model, data = found.model, found.data_sets
    if model is None:
        return
    inputs, outputs = (
        [np.asarray(x) if isinstance(x, np.generic) else x for x in side] for side in data[0]
    )
    if all(isinstance(x, np.ndarray) for x in (*inputs, *outputs)):
        yield Case(found.name, model, list(inputs), list(outputs), max(found.rtol, 1e-4))


def outcome(case: Case) -> str:
    """ "pass", "wrong: ..." or why the case is refused.

    Inputs that are no data (whole numbers behind the first input) are constants; where the operator
    wants more of them constant, all but the first are.
    """
    if not case.outputs:
        return "no outputs are recorded"
    reason = ""
    for constant in (_is_parameter, _is_not_first):
        try:
            return _judged(case, constant)
        except StudioError as error:
            reason = error.what.partition(": [")[0]  # what onnx adds in its own words
    if not reason.endswith("is not computed") or len(case.outputs) == 1:
        return reason
    alone = onnx.ModelProto()
    alone.CopyFrom(case.model)
    del alone.graph.output[1:]
    first = outcome(replace(case, model=alone, outputs=case.outputs[:1]))
    return f"{first}, first output only"


def _is_parameter(index: int, array: Array) -> bool:
    return index > 0 and array.dtype.kind in "iub"


def _is_not_first(index: int, array: Array) -> bool:
    return index > 0


def _normalized(proto: onnx.ModelProto, name: str) -> Model:
    import onnx_ir

    ordered = onnx_ir.from_proto(proto)
    ordered.graph.sort()  # one of the cases has its nodes out of order
    try:
        return Model.from_bytes(normalize(onnx_ir.to_proto(ordered), name), name)
    except ValueError:  # of onnx_ir: an output that is known without the input
        raise ModelError("an output is a constant", name) from None


def _judged(case: Case, constant: Any) -> str:
    proto = onnx.ModelProto()
    proto.CopyFrom(case.model)
    kept = []
    known = {tensor.name for tensor in proto.graph.initializer}
    names = [value.name for value in proto.graph.input if value.name not in known]
    for index, (name, array) in enumerate(zip(names, case.inputs, strict=True)):
        if constant(index, array) and len(names) > 1:
            proto.graph.initializer.append(numpy_helper.from_array(array, name))
        else:
            kept.append((name, array))
    inputs = [value for value in proto.graph.input if value.name in dict(kept)]
    del proto.graph.input[:]
    proto.graph.input.extend(inputs)
    if len(proto.opset_import) == 0:
        proto.opset_import.append(helper.make_opsetid("", 13))
    program = lower(_normalized(proto, case.name))
    answers = fed(program, [array for _, array in kept])
    for number, (buffer, got, want) in enumerate(
        zip(program.outputs, answers, case.outputs, strict=True)
    ):
        if buffer.scale and want.dtype.kind in "iu":
            got = buffer.quantize(got)
        if got.shape != want.shape:
            return f"wrong: output {number} has the shape {got.shape}, not {want.shape}"
        if not np.allclose(got, want.astype(np.float64), rtol=case.rtol, atol=1e-5, equal_nan=True):
            return f"wrong: output {number}"
    return "pass"


def folder_cases(folder: Path) -> dict[str, Case]:
    """Cases in ONNX's layout: <name>/model.onnx, <name>/test_data_set_0/input_0.pb and so on."""
    found = {}
    for path in sorted(folder.rglob("model.onnx")):
        data = path.parent / "test_data_set_0"
        sides = [
            [_array(file) for file in sorted(data.glob(f"{side}_*.pb"), key=_number)]
            for side in ("input", "output")
        ]
        name = path.parent.name
        found[name] = Case(name, onnx.load(str(path)), sides[0], sides[1])
    return found


def _array(file: Path) -> Array:
    return numpy_helper.to_array(onnx.TensorProto.FromString(file.read_bytes()))


def _number(file: Path) -> int:
    return int(file.stem.split("_")[1])
