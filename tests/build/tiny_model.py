"""A model written by hand, in the form that the compiler emits: two tables in a row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.targets.resources import resource

NAME = "tiny"
ARENA_BYTES = 1024
N = 500  # more than two frames hold
TABLES = np.random.default_rng(7).permuted(
    np.tile(np.arange(-128, 128), (2, 1)), axis=1
).astype(np.int8)  # fmt: skip


def files(salt: int = 0) -> dict[str, bytes]:
    """The emitted files; another salt is another model."""
    tables = (TABLES.astype(np.int64) + salt + 128) % 256 - 128
    rows = ",\n".join("{" + ",".join(str(v) for v in row) + "}" for row in tables)
    source = f"""#include "tiny.h"


static const int8_t tables[2][256] = {{
{rows}}};
static const tms_lut_s8_params first = {{{N}, tables[0]}}, second = {{{N}, tables[1]}};
static const tms_tensor inputs[] = {{{{"x", 0, {N}, 0.5f, -1, {{{N}}}, TMS_INT8}}}};
static const tms_tensor outputs[] = {{{{"y", 512, {N}, 0.25f, 3, {{{N}}}, TMS_INT8}}}};

static void run(void *arena) {{
  int8_t *bytes = arena;
  tms_lut_s8(&first, bytes, bytes);
  tms_trace(0);
  tms_lut_s8(&second, bytes, bytes + 512);
  tms_trace(1);
}}

static void reset(void *arena) {{ (void)arena; }}

const tms_model tiny_model = {{"tiny", inputs, outputs, run, reset, {ARENA_BYTES}, 1, 1, 2, NULL}};
"""
    runtime = resource("runtime_c")
    found = {
        "tiny.h": b'#include "tms.h"\nextern const tms_model tiny_model;\n',
        "tiny.c": source.encode(),
        "tms.h": (runtime / "include" / "tms.h").read_bytes(),
    }
    for name in ("tms_lut_s8.c", "tms_lut_s8.h", "tms_rows.h"):
        found[f"src/{name}"] = (runtime / "src" / name).read_bytes()
    return found


def expected(x: npt.NDArray[np.int8], salt: int = 0) -> npt.NDArray[np.int8]:
    """What the model computes."""
    tables = ((TABLES.astype(np.int64) + salt + 128) % 256 - 128).astype(np.int8)
    return tables[1][tables[0][x.astype(int) + 128].astype(int) + 128]
