"""TensorFlow Lite files: what opens, and that its C computes what TFLite's kernels compute."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA
from model.corpus import MODELS, TFLITE, names
from tflite_judges import LiteRt, Micro, as_judged, draw, stored_inputs

from studio.build.host import HostModel
from studio.compiler.check import check
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compiler.run import Machine
from studio.errors import ModelError
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.importers import open_model
from studio.model.importers.tflite import load
from studio.model.importers.tflite.file import Contents, parse
from studio.model.model import Model

RUNS = 100


rows = partial(names, TFLITE)


@cache
def opened(path: str) -> Model:
    return Model.from_bytes(load(MODELS / path), Path(path).stem)


@cache
def host(path: str, rounding: str) -> tuple[Program, HostModel]:
    program = lower(opened(path), Options(rounding=rounding))
    return program, finish(HostModel.build(program))


def contents(path: str) -> Contents:
    return parse((MODELS / path).read_bytes(), path)


def named(file: Contents, index: int) -> str:
    """What a tensor is called; scrambled files have no names."""
    return file.tensors[index].name or f"tensor_{index}"


def drawn(path: str, runs: int = RUNS, seed: int = 0) -> list[list[np.ndarray]]:
    """Random inputs in the shapes and types of the file."""
    file = contents(path)
    rng = np.random.default_rng(seed)
    tensors = [file.tensors[index] for index in file.inputs]
    return [[draw(rng, t.shape, t.dtype) for t in tensors] for _ in range(runs)]


def differences(
    path: str, rounding: str, judge: LiteRt | Micro, carry: bool = False
) -> list[float]:
    """The largest difference of each output of each run, in units of the output."""
    program, library = host(path, rounding)
    found = []
    judge.reset()
    library.reset()
    for x in drawn(path):
        if not carry:
            judge.reset()
            library.reset()
        wanted = judge.carry(x)
        for buffer, y, want in zip(
            program.outputs, library.run(stored_inputs(program, x)), wanted, strict=False
        ):
            got = as_judged(buffer, y, want).astype(np.float64)
            scale = max(1.0, float(np.abs(want).max())) if buffer.dtype == "float32" else 1.0
            found.append(float(np.abs(got - want).max()) / scale)
    return found


@pytest.mark.needs_data
@pytest.mark.parametrize("path", rows("refused"))
def test_what_cannot_be_opened_is_refused_by_name(path):
    with pytest.raises(ModelError) as caught:
        load(MODELS / path)
    assert TFLITE[path].says in caught.value.what
    assert caught.value.hint


@pytest.mark.needs_data
@pytest.mark.needs_litert
@pytest.mark.parametrize("path", rows("int8", litert=True))
def test_generated_c_equals_litert_byte_for_byte(path):
    assert not any(differences(path, "litert", LiteRt((MODELS / path).read_bytes())))


def with_state(verdict: str, litert: bool = False, micro: bool = False) -> list[str]:
    return [path for path in rows(verdict, litert=litert, micro=micro) if TFLITE[path].state]


@pytest.mark.needs_data
@pytest.mark.needs_litert
@pytest.mark.parametrize("path", with_state("int8", litert=True))
def test_a_sequence_equals_litert_byte_for_byte(path):
    assert not any(differences(path, "litert", LiteRt((MODELS / path).read_bytes()), carry=True))


@pytest.mark.needs_data
@pytest.mark.needs_micro
@pytest.mark.parametrize("path", with_state("int8", micro=True))
def test_a_sequence_equals_tflite_micro_byte_for_byte(path):
    assert not any(differences(path, "double", Micro((MODELS / path).read_bytes()), carry=True))


@pytest.mark.needs_data
@pytest.mark.parametrize("path", [path for path, row in TFLITE.items() if row.state])
def test_both_plans_give_the_same_sequence(path):
    program, library = host(path, "double")
    machine = Machine(lower(opened(path), Options(plan="small", rounding="double")))
    library.reset()
    for x in drawn(path, runs=10):
        stored = stored_inputs(program, x)
        for a, b in zip(library.run(stored), machine.infer(stored), strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.needs_data
@pytest.mark.parametrize("path", TFLITE)
def test_the_table_says_which_files_carry_state(path):
    if TFLITE[path].verdict != "refused":
        assert TFLITE[path].state == len(opened(path).states)


@pytest.mark.needs_data
@pytest.mark.needs_micro
@pytest.mark.parametrize("path", rows("int8", micro=True))
def test_generated_c_equals_tflite_micro_byte_for_byte(path):
    assert not any(differences(path, "double", Micro((MODELS / path).read_bytes())))


@pytest.mark.needs_data
@pytest.mark.parametrize(
    ("path", "rounding", "runs"),
    [(path, "single", RUNS) for path in rows("int8")]
    + [(path, rounding, 2) for path in rows("int8") for rounding in ("double", "litert")]
    + [(path, "single", 2) for path in rows("float", "hybrid")],
)
def test_generated_c_equals_the_numpy_definition_byte_for_byte(path, rounding, runs):
    program, library = host(path, rounding)
    library.reset()
    machine = Machine(program)
    for x in drawn(path, runs, seed=1):
        stored = stored_inputs(program, x)
        for c, numpy in zip(library.run(stored), machine.infer(stored), strict=True):
            assert c.tobytes() == numpy.tobytes()


@pytest.mark.needs_data
@pytest.mark.needs_litert
@pytest.mark.parametrize("path", rows("float", litert=True))
def test_float_models_are_near_litert(path):
    assert max(differences(path, "single", LiteRt((MODELS / path).read_bytes()))) < 1e-4


@pytest.mark.needs_data
@pytest.mark.needs_litert
@pytest.mark.parametrize("path", with_state("float", litert=True))
def test_a_sequence_of_a_float_model_is_near_litert(path):
    judge = LiteRt((MODELS / path).read_bytes())
    assert max(differences(path, "single", judge, carry=True)) < 1e-4


@pytest.mark.needs_data
@pytest.mark.needs_litert
@pytest.mark.parametrize("path", rows("hybrid"))
def test_hybrid_models_quantise_activations_as_litert_does(path):
    judge = LiteRt((MODELS / path).read_bytes())
    program, library = host(path, "single")
    near = []
    for x in drawn(path):
        (want,) = judge.run(x)
        (y,) = library.run(stored_inputs(program, x))
        got = as_judged(program.outputs[0], y, want)
        assert got.argmax() == want.argmax()
        near.append(float(np.abs(got - want).max() / np.abs(want).max()))
    # A value between two steps falls otherwise where a float layer before adds in another order.
    assert np.median(near) < 1e-6
    assert np.mean(np.array(near) < 1e-4) >= 0.9
    assert max(near) < 5e-3
    assert {row.verdict for row in check(opened(path))} == {"supported", "rewritten"}


@pytest.mark.needs_data
@pytest.mark.parametrize("path", rows("hybrid"))
def test_hybrid_models_in_little_memory_compute_the_same_bytes(path):
    small = lower(opened(path), Options(plan="small"))
    library = finish(HostModel.build(small))
    for x in drawn(path, runs=3):
        stored = stored_inputs(small, x)
        assert library.run(stored)[0].tobytes() == host(path, "single")[1].run(stored)[0].tobytes()


@pytest.mark.needs_data
@pytest.mark.parametrize("path", rows("hybrid"))
def test_onnxruntime_runs_hybrid_models_with_real_activations(path):
    program, library = host(path, "single")
    for x in drawn(path, runs=5):
        (y,) = library.run(stored_inputs(program, x))
        (want,) = infer(opened(path), x[0])
        assert np.abs(y.reshape(want.shape) - want).max() < 0.1 * np.abs(want).max()


@pytest.mark.needs_data
@pytest.mark.parametrize("path", rows("int8", "float", "hybrid"))
def test_layouts_leave_no_transposes(path):
    # The largest along the last axis: rows of what is compared lie apart.
    expected = {"mlonmcu/tests/model_with_multiple_scratch_buffers.tflite": 2}
    assert lower(opened(path)).transposes == expected.get(path, 0)


@pytest.mark.needs_data
@pytest.mark.parametrize("path", rows("int8", "float", "hybrid"))
def test_names_and_the_order_of_axes_are_those_of_the_file(path):
    file, model = contents(path), opened(path)
    for specs, indices in ((model.inputs, file.inputs), (model.outputs, file.outputs)):
        for spec, index in zip(specs, indices, strict=True):
            tensor = file.tensors[index]
            assert (spec.name, spec.shape) == (named(file, index), tensor.shape)
    made = {output.name for node in model.ir.graph for output in node.outputs}
    made |= {state.input for state in model.states}
    produced = {named(file, i) for operator in file.operators for i in operator.outputs}
    assert len(produced & made) >= 0.9 * len(produced)


@pytest.mark.needs_data
@pytest.mark.parametrize("path", rows("int8"))
def test_scales_and_zero_points_are_those_of_the_file(path):
    file, program = contents(path), lower(opened(path))
    names = {
        named(file, index): tensor
        for index, tensor in enumerate(file.tensors)
        if tensor.quantized and tensor.scales.size == 1
    }
    seen = [buffer for buffer in program.buffers if buffer.scale and buffer.name in names]
    assert seen
    for buffer in seen:
        tensor = names[buffer.name]
        shift = 128 if tensor.dtype == "uint8" else 0
        assert np.float32(buffer.scale) == tensor.scales[0]
        assert buffer.zero_point == tensor.zero_points[0] - shift


@pytest.mark.needs_data
def test_a_quantised_file_rounds_as_tflite_micro_unless_told_otherwise():
    model = opened("mlperf-tiny-kws/kws_ref_model.tflite")
    assert model.metadata["tms.rounding"] == "double"
    assert lower(model).options.rounding == "double"


@pytest.mark.needs_data
def test_a_file_opens_by_its_contents_whatever_its_name(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes((MODELS / "tflm-examples/hello_world_int8.tflite").read_bytes())
    assert finish(open_model(path)).quantized


# ---- recorded vectors, made with XNNPACK --------------------------------------------------------

VECTORS = {
    "aww": ("mlonmcu/aww.tflite", "output_tflite"),
    "cifar10": ("mlonmcu/cifar10.tflite", "output"),
    "magic_wand": ("mlonmcu/magic_wand.tflite", "output"),
    "micro_speech": ("tflm-examples/micro_speech_quantized.tflite", "output"),
    "resnet": ("mlperf-tiny-ic/pretrainedResnet_quant.tflite", "output_tflite"),
    "toycar": ("mlperf-tiny-ad/ad01_int8.tflite", "output_tflite"),
}


def recorded(name: str, folder: str) -> list[np.ndarray]:
    files = sorted((DATA / "vectors" / "mlonmcu" / name / folder).glob("*.bin"))
    return [np.frombuffer(file.read_bytes(), np.uint8) for file in files]


@pytest.mark.needs_data
@pytest.mark.parametrize("name", VECTORS)
def test_recorded_outputs_have_the_same_winner(name):
    path, folder = VECTORS[name]
    program, library = host(path, "litert")
    slot, out = program.inputs[0], program.outputs[0]
    inputs, outputs = recorded(name, "input"), recorded(name, folder)
    assert len(inputs) >= len(outputs) > 0
    steps, winners = [], 0
    for x, want in zip(inputs, outputs, strict=False):
        if x.size == 4 * np.prod(slot.shape):  # recorded as reals
            x = slot.quantize(x.view(np.float32))
        elif name == "resnet":
            x = (x ^ 0x80).view(np.int8)
        (y,) = library.run([slot.to_physical(x.view(slot.dtype).reshape(slot.logical_shape))])
        if want.size == 4 * y.size:
            want = want.view(np.float32)
            unit = out.scale or np.abs(want).max()
            got, want = out.dequantize(y) / unit, want / unit
        else:
            got, want = y.astype(np.int32), want.view(np.int8).astype(np.int32)
        winners += int(got.reshape(-1).argmax() == want.argmax())
        steps.append(np.abs(got.reshape(-1) - want))
    apart = np.concatenate(steps)
    count, most = int((apart > 1e-5).sum()), float(apart.max())
    print(  # noqa: T201
        f"{name}: {winners} of {len(outputs)} winners as recorded; {count} of {apart.size} values"
        f" differ, by up to {most:.3g} {'steps' if out.scale else 'of the largest'}"
    )
    assert winners == len(outputs)


# ---- damaged and hostile files ------------------------------------------------------------------


def refusal(data: bytes, folder: Path) -> ModelError | None:
    """The error for a file's bytes; None where they open."""
    path = folder / "model.tflite"
    path.write_bytes(data)
    try:
        load(path)
    except ModelError as error:
        return error
    return None


@pytest.mark.needs_data
@pytest.mark.parametrize("path", ["tflm-examples/hello_world_int8.tflite"])
def test_a_truncated_file_is_refused_at_every_length(path, tmp_path):
    data = (MODELS / path).read_bytes()
    for length in range(8, len(data) - 64, 37):
        assert refusal(data[:length], tmp_path), length


@pytest.mark.needs_data
@pytest.mark.parametrize(
    "path",
    [
        "tflm-examples/hello_world_int8.tflite",
        "mlonmcu/tests/model_with_multiple_scratch_buffers.tflite",
        "tflm-examples/micro_speech_quantized.tflite",
        "tflm-examples/trained_lstm_int8.tflite",
        "micro-wake-word/vad.tflite",
        "tflm-examples/keyword_scrambled.tflite",
    ],
)
def test_flipped_bytes_open_or_are_refused_but_never_crash(path, tmp_path):
    data = (MODELS / path).read_bytes()
    rng = np.random.default_rng(7)
    refused = 0
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(8, len(data), 6):
            damaged[place] = rng.integers(0, 256)
        refused += refusal(bytes(damaged), tmp_path) is not None
    assert refused


@pytest.mark.needs_data
@pytest.mark.parametrize("scale", [0.0, -0.5, np.nan, np.inf])
def test_a_scale_that_is_no_positive_number_is_refused_by_name(scale, tmp_path):
    data = (MODELS / "tflm-examples/hello_world_int8.tflite").read_bytes()
    file = contents("tflm-examples/hello_world_int8.tflite")
    tensor = file.tensors[file.inputs[0]]
    damaged = data.replace(tensor.scales.tobytes(), np.float32(scale).tobytes())
    error = refusal(damaged, tmp_path)
    assert error is not None
    assert f"the scales of tensor '{tensor.name}'" in error.what


@pytest.mark.parametrize("tail", [b"", bytes(40), b"\xff" * 400, b"\x10\0\0\0" * 100])
def test_a_flatbuffer_of_nonsense_is_named(tail, tmp_path):
    error = refusal(b"\x1c\0\0\0TFL3" + tail, tmp_path)
    assert error is not None
    assert error.hint


@pytest.mark.needs_data
def test_a_damaged_file_is_refused_through_the_worker(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes((MODELS / "tflm-examples/hello_world_int8.tflite").read_bytes()[:2000])
    with pytest.raises(ModelError):
        finish(open_model(path))
