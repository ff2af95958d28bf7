"""127 single-operator int16x8 nets of TFLite Micro, with golden values: exactly, in C."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from tflite_judges import LiteRt, Micro, as_judged, draw, stored_inputs

from studio.build.host import HostModel
from studio.compiler.emit import emit
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compiler.run import run
from studio.job import finish
from studio.model.importers.tflite import load
from studio.model.importers.tflite.file import Contents, TensorInfo, parse
from studio.model.model import Model

RUNS = 100
COUNTS = {
    "add": 17, "conv": 22, "leaky_relu": 23, "pad": 19, "quantize": 2, "strided_slice": 34,
    "sub": 5, "transpose_conv": 5,
}  # fmt: skip
NETS = [f"{kind}{number}" for kind, count in COUNTS.items() for number in range(count)]
# TFLite Micro's wheel divides the scales of LeakyRelu in float64, what made the files in float32.
MICRO_DIFFERS = {"leaky_relu3": 3, "leaky_relu11": 1, "leaky_relu18": 1, "leaky_relu19": 1}

pytestmark = [pytest.mark.needs_data, pytest.mark.parametrize("name", NETS)]


@dataclass(frozen=True)
class Net:
    """A file with its recorded tensors."""

    path: Path

    @cached_property
    def data(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def contents(self) -> Contents:
        return parse(self.data, self.path.name)

    @cached_property
    def model(self) -> Model:
        return Model.from_bytes(load(self.path), self.path.stem)

    def recorded(self, what: str, tensor: TensorInfo) -> np.ndarray:
        (file,) = self.path.parent.glob(f"{self.path.stem}_{what}_*.csv")
        values = [int(value) for value in file.read_text().replace("\n", ",").split(",") if value]
        return np.array(values, tensor.dtype).reshape(tensor.shape)

    @cached_property
    def inputs(self) -> list[np.ndarray]:
        tensors = self.contents.tensors
        return [
            self.recorded(f"input{number}", tensors[index])
            for number, index in enumerate(self.contents.inputs)
        ]

    @cached_property
    def golden(self) -> np.ndarray:
        return self.recorded("golden", self.contents.tensors[self.contents.outputs[0]])

    def drawn(self, runs: int) -> list[list[np.ndarray]]:
        """Random inputs over the whole range; a shape, which is an input too, as recorded."""
        infos = [self.contents.tensors[index] for index in self.contents.inputs]
        rng, made = np.random.default_rng(0), []
        for _ in range(runs):
            made.append(list(self.inputs))
            for number, info in enumerate(infos):
                if info.dtype == "int32" and info.quantized:
                    made[-1][number] = rng.integers(-(2**31), 2**31, info.shape, np.int32)
                elif info.quantized:
                    made[-1][number] = draw(rng, info.shape, info.dtype)
        return made


@pytest.fixture(scope="module")
def nets(studio_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Net]:
    """All nets by name; which are those that the tests name."""
    folder = tmp_path_factory.mktemp("seanet")
    with tarfile.open(studio_data / "vectors/tflm-seanet-int16/seanet.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    found = {path.stem: Net(path) for path in folder.rglob("*.tflite")}
    assert set(found) == set(NETS)
    return found


LIBRARIES: dict[bytes, HostModel] = {}


def compiled(net: Net, rounding: str) -> tuple[Program, HostModel]:
    """The net's C; roundings that give the same code share a library."""
    program = lower(net.model, Options(rounding=rounding))
    code = emit(program)[f"{program.name}.c"].partition(b"*/\n#include")[2]
    if code not in LIBRARIES:
        LIBRARIES[code] = finish(HostModel.build(program))
    return program, LIBRARIES[code]


def differing(net: Net, rounding: str, inputs: list[np.ndarray], wanted: np.ndarray) -> int:
    """How many values of the C's answer are others."""
    program, library = compiled(net, rounding)
    (y,) = library.run(stored_inputs(program, inputs))
    (out,) = program.outputs
    assert out.dtype == str(wanted.dtype)
    return int((as_judged(out, y, wanted) != wanted).sum())


def test_generated_c_gives_the_golden_values(nets, name):
    net = nets[name]
    assert differing(net, "litert", net.inputs, net.golden) == 0
    assert differing(net, "double", net.inputs, net.golden) == MICRO_DIFFERS.get(name, 0)


def test_nothing_is_calculated_in_float(nets, name):
    program = lower(nets[name].model)
    assert not program.notes
    assert not any("f32" in call.kernel for call in program.calls)


@pytest.mark.needs_litert
def test_generated_c_equals_litert_byte_for_byte(nets, name):
    net, judge = nets[name], LiteRt(nets[name].data)
    assert sum(differing(net, "litert", x, judge.run(x)[0]) for x in net.drawn(RUNS)) == 0


@pytest.mark.needs_micro
def test_generated_c_equals_tflite_micro_byte_for_byte(nets, name):
    net, judge = nets[name], Micro(nets[name].data)
    assert sum(differing(net, "double", x, judge.run(x)[0]) for x in net.drawn(RUNS)) == 0


@pytest.mark.parametrize("rounding", ["single", "double", "litert"])
def test_generated_c_equals_the_numpy_definition_byte_for_byte(nets, name, rounding):
    program, library = compiled(nets[name], rounding)
    for x in nets[name].drawn(3 if rounding != "single" else RUNS):
        stored = stored_inputs(program, x)
        for c, numpy in zip(library.run(stored), run(program, stored), strict=True):
            assert c.tobytes() == numpy.tobytes()
