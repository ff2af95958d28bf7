"""Each operator against onnxruntime, and its generated C against the numpy definition."""

from __future__ import annotations

import ctypes
import subprocess
from typing import Any

import numpy as np
import pytest
from judge import fed, run_onnx
from operator_nets import SPECS, float_net, inputs_of, quantized_net

from studio.compiler.emit import emit
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compiler.run import run
from studio.model.model import Model

VARIANTS = [(name, dtype) for name, spec in SPECS.items() for dtype in spec.dtypes]


def net(name: str, dtype: str) -> Model:
    spec = SPECS[name]
    return float_net(spec, name) if dtype == "float" else quantized_net(spec, name, dtype)


@pytest.mark.parametrize("name", [name for name, dtype in VARIANTS if dtype == "float"])
def test_float_operators_compute_what_onnxruntime_computes(name):
    model = net(name, "float")
    program = lower(model)
    for seed in range(3):
        x = inputs_of(SPECS[name], seed)
        for got, want in zip(fed(program, x), run_onnx(model, x), strict=True):
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rounding", ["single", "double"])
@pytest.mark.parametrize(("name", "dtype"), [v for v in VARIANTS if v[1] != "float"])
def test_quantised_operators_differ_by_at_most_one_step(name, dtype, rounding):
    model = net(name, dtype)
    program = lower(model, Options(rounding=rounding))
    assert all(b.dtype == dtype for b in program.inputs)
    for seed in range(3):
        x = inputs_of(SPECS[name], seed)
        for buffer, got, want in zip(
            program.outputs, fed(program, x), run_onnx(model, x), strict=True
        ):
            steps = np.abs(got - want) / (buffer.scale or 1)
            limit = SPECS[name].steps if dtype == "int16" else 1
            assert steps.max() <= limit + 0.01, f"{program.calls[-1].kernel}: {steps.max()}"


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_a_batch_norm_between_integers_stays_in_integers(dtype):
    assert lower(net("batch_norm", dtype)).kernel_names == (f"tms_depthwise2d_s{dtype[3:]}",)


@pytest.fixture(scope="module")
def programs() -> dict[tuple[str, str], Program]:
    """Those that between them call every kernel in every number of operands and outputs."""
    made: dict[tuple[str, str], Program] = {}
    seen: set[tuple[object, ...]] = set()
    for name, dtype in VARIANTS:
        model = Model.from_bytes(net(name, dtype).to_bytes(), f"{name}_{dtype}")
        for rounding in ("single", "double"):
            program = lower(model, Options(rounding=rounding))
            calls = {
                (c.kernel, *(type(i) for i in c.inputs), len(c.outputs)) for c in program.calls
            }
            if (name, dtype) not in made and not calls <= seen:
                made[name, dtype] = program
                seen |= calls
    return made


@pytest.fixture(scope="module")
def library(programs, tmp_path_factory) -> ctypes.CDLL:
    """All programs side by side in one shared library."""
    folder = tmp_path_factory.mktemp("operators")
    files: dict[str, bytes] = {}
    callers = ["#include <stdint.h>\n"]
    for program in programs.values():
        name = program.name
        files |= emit(program)
        callers.append(f'#include "{name}.h"\n')
        callers.append(f"void call_{name}(uint8_t *arena) {{ {name}_model.run(arena); }}\n")
    files["callers.c"] = "".join(callers).encode()
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    kernels = [path for path in files if path.startswith("src/") and path.endswith(".c")]
    (folder / "kernels.c").write_text("".join(f'#include "{path}"\n' for path in kernels))
    models = [path for path in files if path.endswith(".c") and path not in kernels]
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-O0"]
    command = ["cc", *strict, "-fPIC", "-shared", "-I.", "kernels.c", *models, "-o", "all.so"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:3000]
    return ctypes.CDLL(str(folder / "all.so"))


def ran(library: ctypes.CDLL, program: Program, inputs: list[Any]) -> list[Any]:
    """The outputs of the generated C, in an arena that starts with garbage."""
    words = np.full(program.arena_bytes // 4 + 8, 0xA5A5A5A5, np.uint32)
    shift = -words.ctypes.data % 16
    arena = words.view(np.uint8)[shift : shift + program.arena_bytes]
    slots = [i for i, b in enumerate(program.buffers) if b.role == "input"]
    for slot, x in zip(slots, inputs, strict=True):
        data = np.ascontiguousarray(x).view(np.uint8).reshape(-1)
        arena[program.offsets[slot] :][: data.size] = data
    getattr(library, f"call_{program.name}")(arena.ctypes.data_as(ctypes.c_void_p))
    outs = []
    for slot in program.output_order:
        buffer = program.buffers[slot]
        data = arena[program.offsets[slot] :][: buffer.size_bytes].copy()
        outs.append(data.view(buffer.dtype).reshape(buffer.shape))
    return outs


def test_generated_c_equals_the_numpy_definition(programs, library):
    assert len({call.kernel for program in programs.values() for call in program.calls}) > 100
    for (name, _), program in programs.items():
        real = inputs_of(SPECS[name], 0)
        stored = [b.to_physical(b.quantize(x)) for b, x in zip(program.inputs, real, strict=True)]
        outs = ran(library, program, stored)
        for got, want in zip(outs, run(program, stored), strict=True):
            assert got.tobytes() == want.tobytes(), program.name


def test_scratch_lives_in_the_arena_for_one_call_only():
    program = lower(net("lstm_both", "float"))
    scratch = [i for i, b in enumerate(program.buffers) if b.role == "scratch"]
    assert [call.scratch for call in program.calls] == scratch
    assert program.scratch_bytes == 4 * 4 * 3
    offsets = {program.offsets[i] for i in scratch}
    assert len(offsets) == 1  # two calls, the same place
    assert program.arena_bytes == program.bound_bytes


def test_a_sequence_that_nobody_reads_takes_no_memory():
    spec = SPECS["gru"]
    model = float_net(spec, "gru")
    ir = model.clone_ir()
    ir.graph.outputs.pop(0)
    program = lower(Model.from_ir(ir, "gru"))
    assert not any(b.name == "y0" for b in program.buffers)
    x = inputs_of(spec, 0)
    np.testing.assert_allclose(fed(program, x)[0], run_onnx(model, x)[1], rtol=1e-4, atol=1e-5)
