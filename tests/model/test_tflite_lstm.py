"""TFLite's LSTM in forms that no file of the corpus has, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tflite_judges import LiteRt, Micro, as_judged, draw, stored_inputs
from tflite_nets import TfliteNet

from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.compiler.run import Machine
from studio.errors import Unsupported
from studio.model.importers.tflite import load
from studio.model.model import Model

STEPS, INPUTS, UNITS = 5, 7, 6
TANH = 4

pytestmark = pytest.mark.needs_litert


@dataclass(frozen=True)
class Form:
    """A net of one LSTM."""

    dtype: str = "int8"
    time_major: bool = False
    clip: float = 0.0
    weight_scale: float = 0.02
    cell_scale: float = 2.0**-11
    zero_point: int = -4
    output_scale: float = 0.0074
    odd: str = ""

    def build(self) -> bytes:
        net, rng = TfliteNet(), np.random.default_rng(3)
        whole, n = self.dtype == "float32", UNITS
        shape = (STEPS, 1, INPUTS) if self.time_major else (1, STEPS, INPUTS)

        def grid(scale: float, zero_point: int = 0) -> dict[str, Any]:
            return {} if whole else {"scale": scale, "zero_point": zero_point}

        def weights(rows: int, columns: int) -> int:
            values = rng.normal(0, 0.5, (rows, columns))
            if not whole:
                values = rng.integers(-127, 128, (rows, columns))
            return net.const(values, self.dtype, **grid(self.weight_scale))

        x = net.tensor(shape, self.dtype, **grid(0.05, 9))
        inputs = [x, *(weights(n, INPUTS) for _ in range(4)), *(weights(n, n) for _ in range(4))]
        inputs += [-1] * 3 + [self._bias(net, rng) for _ in range(4)] + [-1] * 2
        h = net.tensor((1, n), self.dtype, **grid(0.0074, self.zero_point))
        c = net.tensor((1, n), "float32" if whole else "int16", **grid(self.cell_scale))
        for state in (h, c):
            net.tensors[state].isVariable = self.odd != "constant state"
        inputs += [h, c] + [-1] * 4
        if self.odd == "narrow weights":
            inputs[6] = weights(n, n - 1)
        elif self.odd == "coupled":
            inputs[1] = inputs[5] = inputs[12] = -1
        elif self.odd == "peepholes":
            inputs[9] = net.const(np.zeros(n), "int16", scale=2.0**-15)
        y = net.tensor((*shape[:2], n), self.dtype, **grid(self.output_scale, self.zero_point))
        net.op(
            "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], "UnidirectionalSequenceLSTMOptions",
            fusedActivationFunction=TANH, cellClip=self.clip, timeMajor=self.time_major,
        )  # fmt: skip
        if not whole:
            made = [net.tensor((0,), "float32") for _ in range(4)]
            made.append(net.tensor((0,), "int8", **grid(0.0074, self.zero_point)))
            net.operators[0].intermediates = made
        return net.to_bytes([x], [y])

    def _bias(self, net: TfliteNet, rng: np.random.Generator) -> int:
        if self.dtype == "float32":
            return net.const(rng.normal(0, 0.1, UNITS), "float32")
        values = rng.integers(-500, 500, UNITS)
        return net.const(values, "int32", scale=0.05 * self.weight_scale)


FORMS = {
    "plain": Form(),
    "time first": Form(time_major=True),
    "a cell that is clipped": Form(clip=0.3),
    "a clip between two steps": Form(clip=0.3001),
    "sums that saturate": Form(weight_scale=0.3),
    "a fine cell": Form(cell_scale=2.0**-13),
    "a coarse cell": Form(cell_scale=2.0**-9, zero_point=0),
}


def opened(data: bytes, folder: Any) -> Model:
    (folder / "net.tflite").write_bytes(data)
    return Model.from_bytes(load(folder / "net.tflite"), "net")


def largest(form: Form, rounding: str, judge: LiteRt | Micro, folder: Any) -> float:
    """The largest difference over sequences of five runs."""
    program = lower(opened(form.build(), folder), Options(rounding=rounding))
    machine, rng, found = Machine(program), np.random.default_rng(0), 0.0
    shape = program.inputs[0].logical_shape
    for number in range(50):
        if number % 5 == 0:
            judge.reset()
            machine.reset()
        x = [draw(rng, shape, form.dtype)]
        (want,) = judge.carry(x)
        (y,) = machine.infer(stored_inputs(program, x))
        got = as_judged(program.outputs[0], y, want)
        found = max(found, float(np.abs(got.astype(np.float64) - want).max()))
    return found


@pytest.mark.parametrize("name", FORMS)
def test_an_integer_lstm_equals_litert_byte_for_byte(name, tmp_path):
    judge = LiteRt(FORMS[name].build())
    assert largest(FORMS[name], "litert", judge, tmp_path) == 0


@pytest.mark.needs_micro
@pytest.mark.parametrize("name", FORMS)
def test_an_integer_lstm_equals_tflite_micro_byte_for_byte(name, tmp_path):
    judge = Micro(FORMS[name].build())
    assert largest(FORMS[name], "double", judge, tmp_path) == 0


@pytest.mark.parametrize("form", [Form("float32"), Form("float32", True, 0.2)], ids=str)
def test_a_float_lstm_is_near_litert_and_keeps_to_its_clip(form, tmp_path):
    assert largest(form, "single", LiteRt(form.build()), tmp_path) < 1e-5


@pytest.mark.parametrize("clip", [0.2, 0.0])
def test_the_clip_shows(clip, tmp_path):
    """What is compared above would differ without it."""
    judge = LiteRt(Form("float32", clip=clip).build())
    assert (largest(Form("float32", clip=0.2), "single", judge, tmp_path) > 1e-3) == (clip == 0)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (Form(odd="coupled"), "coupled gates"),
        (Form(odd="peepholes"), "peepholes"),
        (Form(odd="narrow weights"), r"shape \[6, 5\], not \[6, 6\]"),
        (Form("float32", odd="narrow weights"), r"shape \[6, 5\], not \[6, 6\]"),
        (Form(odd="constant state"), "no state of 6 units"),
        (Form(cell_scale=0.001), "no power of two"),
        (Form(output_scale=0.008), "another scale than the hidden state"),
    ],
    ids=str,
)
def test_other_forms_are_refused_by_name(form, says, tmp_path):
    with pytest.raises(Unsupported, match=says):
        opened(form.build(), tmp_path)
