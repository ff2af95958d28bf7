"""Generated C: deterministic, self-contained, equal to the numpy definition, side by side."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from nets import OPERATORS, Net, quantized

from studio.compiler.emit import emit
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compiler.run import run

GOLDEN = Path(__file__).parents[1] / "golden"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-ffp-contract=off"]


def tiny() -> Program:
    net = Net()
    x = net.conv("x", (2, 1, 3, 3), kernel_shape=[3, 3], strides=[2, 2])
    return lower(net.model((1, 1, 5, 7), net.dense(net.node("Flatten", x), 12, 3), name="tiny"))


def library(program: Program, folder: Path) -> ctypes.CDLL:
    """The generated files, and nothing else but a caller, as a shared library."""
    files = emit(program)
    name, upper = program.name, program.name.upper()
    caller = f"""#include "{name}.h"
static uint8_t arena[{upper}_ARENA_BYTES] __attribute__((aligned(TMS_ARENA_ALIGN)));
void infer(const uint8_t *in, uint8_t *out) {{
  {name}_t model;
  if ({name}_init(&model, arena, sizeof arena) != TMS_OK) return;
  for (int i = 0; i < {upper}_INPUT0_BYTES; i++) ((uint8_t *){name}_input0(&model))[i] = in[i];
  {name}_run(&model);
  for (int i = 0; i < {upper}_OUTPUT0_BYTES; i++)
    out[i] = ((const uint8_t *){name}_output0(&model))[i];
}}
int initialised(int shift, int bytes) {{
  {name}_t model;
  return {name}_init(&model, shift < 0 ? NULL : arena + shift, (size_t)bytes);
}}
"""
    for path, content in {**files, "caller.c": caller.encode()}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    sources = [path for path in files if path.endswith(".c")]
    command = ["cc", *STRICT, "-O2", "-fPIC", "-shared", "-I.", "caller.c", *sources]
    subprocess.run([*command, "-o", "model.so"], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "model.so"))


def infer(lib: ctypes.CDLL, program: Program, x: np.ndarray) -> np.ndarray:
    out = np.zeros(program.outputs[0].shape, program.outputs[0].dtype)
    lib.infer(x.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p))
    return out


def stored(program: Program, rng: np.random.Generator) -> np.ndarray:
    buffer = program.inputs[0]
    if buffer.dtype == "float32":
        return rng.normal(0, 1, buffer.shape).astype(np.float32)
    return rng.integers(-128, 128, buffer.shape).astype(np.int8)


@pytest.mark.parametrize("kind", ["float", "single", "double"])
@pytest.mark.parametrize("name", OPERATORS)
def test_generated_c_equals_the_numpy_definition_byte_for_byte(name, kind, tmp_path):
    model = OPERATORS[name]() if kind == "float" else quantized(OPERATORS[name]())
    program = lower(model, Options(rounding="double" if kind == "double" else "single"))
    lib = library(program, tmp_path)
    rng = np.random.default_rng(3)
    for _ in range(3):
        x = stored(program, rng)
        assert infer(lib, program, x).tobytes() == run(program, [x])[0].tobytes()


def test_generated_code_is_what_it_was():
    """Where a change is meant: write `emit(tiny())` into tests/golden again and read the diff."""
    files = emit(tiny())
    for path in ("tiny.h", "tiny.c"):
        assert files[path].decode() == (GOLDEN / path).read_text("utf-8"), path


def test_the_same_model_gives_the_same_bytes():
    assert emit(tiny()) == emit(tiny())


def test_only_the_runtime_files_that_are_called_are_emitted():
    names = {Path(path).name for path in emit(tiny())}
    assert {"tms_conv2d_f32.c", "tms_dense_f32.c", "tms_rows.h"} <= names
    assert not any("s8" in name for name in names)


def test_a_wrong_arena_is_refused_with_an_error_code(tmp_path):
    program = tiny()
    lib, enough = library(program, tmp_path), program.arena_bytes
    assert lib.initialised(0, enough) == 0
    assert lib.initialised(0, enough - 1) == lib.initialised(0, 0) == -1
    assert lib.initialised(1, enough) == lib.initialised(8, enough) == -2
    assert lib.initialised(-1, enough) == lib.initialised(-1, 0) == -3


def test_two_models_stand_side_by_side_in_one_program(tmp_path):
    net = Net(np.random.default_rng(5))
    other = lower(net.model((1, 4), net.dense("x", 4, 2), name="other"))
    files = {**emit(tiny()), **emit(other)}
    main = b"""#include "other.h"
#include "tiny.h"
int main(void) { return tiny_model.n_layers - 2 + other_model.n_layers - 1; }
"""
    for path, content in {**files, "main.c": main}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    sources = [path for path in files if path.endswith(".c")]
    subprocess.run(
        ["cc", *STRICT, "-I.", "main.c", *sources, "-o", "both"], cwd=tmp_path, check=True
    )
    assert subprocess.run([tmp_path / "both"], check=False).returncode == 0
