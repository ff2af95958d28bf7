"""Input rows that the caller brings as the run goes."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from nets import MLPERF, Net, autoencoder, resnet8

from studio.budget import budget
from studio.build.host import HostModel
from studio.compiler.emit import emit
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compiler.run import run
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.errors import Unsupported
from studio.job import finish
from studio.model.model import Model
from studio.targets.library import profile

STREAMED = Options(plan="small", stream_input=True)
ARENA_BYTES = {"kws": 4_836, "ic": 11_296, "vww": 15_360}


def int8(model: Model) -> Model:
    return preview(QuantizeInt8(), model)


def image(program: Program, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(-128, 128, program.inputs[0].shape).astype(np.int8)


@pytest.mark.parametrize("net", ARENA_BYTES)
def test_an_input_that_is_never_whole_gives_the_same_bytes(net):
    model = int8(MLPERF[net]())
    resident, streamed = lower(model), lower(model, STREAMED)
    assert streamed.arena_bytes <= ARENA_BYTES[net]
    assert streamed.arena_bytes < lower(model, Options(plan="small")).arena_bytes
    one, other = (finish(HostModel.build(program)) for program in (resident, streamed))
    for seed in range(3):
        x = image(resident, seed)
        assert one.run([x])[0].tobytes() == other.run([x])[0].tobytes()
    assert run(streamed, [x])[0].tobytes() == one.run([x])[0].tobytes()


def test_a_skip_from_the_input_is_served_by_the_same_rows():
    """Two readers of the input, one of them two rows behind."""
    net = Net()
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    y = net.conv("x", (3, 3, 3, 3), **same)
    y = net.conv(y, (3, 3, 3, 3), **same)
    model = int8(net.model((1, 3, 16, 8), net.node("GlobalAveragePool", net.node("Add", y, "x"))))
    resident, streamed = lower(model), lower(model, STREAMED)
    assert 3 <= streamed.inputs[0].rows < 16
    x = image(resident)
    assert run(resident, [x])[0].tobytes() == run(streamed, [x])[0].tobytes()
    host = finish(HostModel.build(streamed))
    assert host.run([x])[0].tobytes() == run(resident, [x])[0].tobytes()


def test_rows_come_in_order_and_a_source_that_fails_ends_the_run():
    program = lower(int8(MLPERF["kws"]()), STREAMED)
    host, asked = finish(HostModel.build(program)), []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p)
    def source(_context, y, _to):
        asked.append(y)
        return 7 if y == 12 else 0

    offered = host._library[f"{program.name}_run_rows"]
    arena = np.zeros(program.arena_bytes + 16, np.uint8)
    start = arena.ctypes.data + -arena.ctypes.data % 16
    instance = ctypes.c_void_p(start)
    assert offered(ctypes.byref(instance), source, None) == 7
    assert asked == list(range(13))


def joined() -> Model:
    net = Net()
    net.rng = np.random.default_rng(1)
    return net.model((1, 4, 6, 6), net.node("Softmax", "x", axis=1))


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        (autoencoder, STREAMED, "needs its input as a whole"),
        (joined, STREAMED, "needs its input as a whole"),
        (resnet8, Options(stream_input=True), "plan layerwise may hold it whole"),
    ],
)
def test_where_rows_cannot_be_streamed_the_reason_is_told(model, options, reason):
    with pytest.raises(Unsupported, match=reason):
        lower(int8(model()), options)


def test_where_streaming_saves_nothing_the_reason_and_the_way_out_are_told():
    net = Net()
    model = int8(net.model((1, 3, 16, 8), net.conv("x", (3, 3, 1, 1))))
    resident = lower(model, Options(plan="small"))
    with pytest.raises(Unsupported) as caught:
        lower(model, STREAMED)
    assert "would save nothing" in caught.value.what
    assert f"{resident.arena_bytes} bytes" in caught.value.what
    assert caught.value.where == resident.inputs[0].name
    assert "without streamed input" in caught.value.hint


def test_header_and_budget_say_that_the_input_is_not_resident():
    program = lower(int8(MLPERF["vww"]()), STREAMED)
    header = emit(program)["vww.h"].decode()
    assert "int vww_run_rows(vww_t *model, tms_row_source source, void *context);" in header
    assert "#define VWW_INPUT0_ROW_BYTES 288\n" in header
    assert "vww_input0(" not in header
    arena = budget(program, profile("virtual/mps2-an386")).arena_bytes
    assert "of the input, 3 of 96 rows" in arena.detail
    assert arena.value == program.arena_bytes
