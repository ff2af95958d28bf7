"""Weights with their zeros left out: the codec, when it is chosen, what it computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets import Net, autoencoder, ds_cnn, pruned, quantized

from studio.build.host import HostModel
from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.compiler.run import run
from studio.compiler.sparse import decoded, encoded, fit, stream_bytes
from studio.job import finish


@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(1, 300), st.sampled_from((1, 4)),
    st.floats(0, 0.95), st.integers(0, 2**31),
)  # fmt: skip
def test_the_codec_gives_back_every_weight(filters, taps, blocks, block, density, seed):
    rng = np.random.default_rng(seed)
    kept = rng.random((filters, taps, blocks, 1)) < density
    weights = rng.integers(-128, 128, (filters, taps, blocks, block)) * kept
    runs = weights.astype(np.int8).reshape(filters, taps, -1)
    if not fit(runs, block):
        return
    stream = encoded(runs, block)
    assert np.array_equal(decoded(stream, *runs.shape, block), runs)
    stored = np.count_nonzero(runs.reshape(-1, block).any(axis=1))
    assert stream.size == stored * (1 + block) + filters * taps * -(-blocks // 256)


def test_what_does_not_fit_is_known_before_it_is_encoded():
    assert not fit(np.ones((1, 1, 256), np.int8), 1), "256 do not fit a byte's count"
    assert not fit(np.zeros((1, 1, 6), np.int8), 4), "no multiple of the block"
    runs = np.zeros((2, 3, 300), np.int8)
    runs[1, 2, 256:] = 1
    assert fit(runs, 1)
    assert stream_bytes(runs, 1) == encoded(runs, 1).size == 2 * 44 + 2 * 6


@pytest.mark.parametrize(
    ("net", "suffix"), [(autoencoder, "dense_s8_z1"), (ds_cnn, "conv2d_s8_z1")]
)
def test_a_sparse_net_takes_less_flash_and_computes_the_same(net, suffix, monkeypatch):
    model = quantized(pruned(net(), 0.8, 1))
    program = lower(model)
    kernels = {call.kernel for call in program.calls}
    assert f"tms_{suffix}" in kernels
    monkeypatch.setattr("studio.compiler.sparse._GAIN", 0.0)
    dense = lower(model)
    assert not any("_z1" in call.kernel for call in dense.calls)
    assert program.weight_bytes < 0.7 * dense.weight_bytes
    assert program.macs < 0.6 * dense.macs
    x = np.random.default_rng(1).integers(-128, 128, program.inputs[0].shape).astype(np.int8)
    [want] = run(dense, [x])
    assert np.array_equal(run(program, [x])[0], want)
    assert np.array_equal(finish(HostModel.build(program)).run([x])[0], want)


def test_blocks_of_four_are_taken_where_weights_vanish_in_fours():
    model = quantized(pruned(autoencoder(), 0.6, 4))
    program = lower(model)
    assert "tms_dense_s8_z4" in {call.kernel for call in program.calls}
    assert not any("_z1" in call.kernel for call in program.calls)


def test_a_sparse_convolution_runs_row_by_row_too():
    model = quantized(pruned(ds_cnn(), 0.8, 1))
    x = np.random.default_rng(1).integers(-128, 128, (49, 10, 1)).astype(np.int8)
    whole, rows = (lower(model, Options(plan=plan)) for plan in ("layerwise", "small"))
    assert rows.arena_bytes < whole.arena_bytes
    assert np.array_equal(run(rows, [x])[0], run(whole, [x])[0])


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_dense_and_slightly_sparse_nets_save_nothing_and_keep_the_dense_kernels(share):
    program = lower(quantized(pruned(autoencoder(), share, 1)))
    assert not any("_z" in call.kernel for call in program.calls)


def test_a_few_sparse_bytes_do_not_pay_for_a_second_kernel():
    net = Net()
    x = net.dense("x", 16, 16)
    few = net.const(np.eye(8, 16))
    model = net.model((1, 16), net.node("Gemm", x, few, transB=1))
    assert {call.kernel for call in lower(quantized(model)).calls} == {"tms_dense_s8"}
