"""The example at the top of a generated header compiles as C99, C11 and C++11, and runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from nets import quantized, residual

from studio.build.toolchains import toolchain
from studio.compiler.emit import emit
from studio.compiler.lower import lower
from studio.compiler.program import Options, Piece, Program
from studio.compiler.run import run
from studio.compiler.split import split

STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-ffp-contract=off", "-I."]
C, CPP = ["-std=c99"], ["-x", "c++", "-std=c++11"]
LANGUAGES = {"c99": C, "c11": ["-std=c11"], "c++11": CPP, "c++20": ["-x", "c++", "-std=c++20"]}
MAIN = """#include <stdio.h>
#include "{name}.h"
{memory}
int main(void) {{
  {use}
  if ((uintptr_t)arena % TMS_ARENA_ALIGN != 0) return 1;
  for (int i = 0; i < {upper}_INPUT0_BYTES; i++) {name}_input0(&model)[i] = (int8_t)(i * 7);
  {name}_run(&model);
  return fwrite({name}_output0(&model), 1, {upper}_OUTPUT0_BYTES, stdout) != {upper}_OUTPUT0_BYTES;
}}
"""


def whole() -> Program:
    return lower(quantized(residual()), Options(weights="ram"))


def in_two_pieces() -> Program:
    program = whole()
    half = program.arena_bytes * 3 // 4
    found = split(program, Piece("fast", half), Piece("slow", half))
    assert found is not None
    return found


PROGRAMS = {"whole": whole, "in two pieces": in_two_pieces}


def written(program: Program, folder: Path) -> list[str]:
    """The generated files, and a program made of what the header's comment says."""
    files = emit(program)
    comment = files[f"{program.name}.h"].decode().partition("*/")[0]
    said = re.findall(r"^ \*   (.*)$", comment, re.MULTILINE)
    memory = [line for line in said if line.startswith("TMS_ALIGNED")]
    use = [line for line in said if line.endswith(";") and line not in memory]
    assert len(memory) == max(len(program.pieces), 1)
    assert len(use) == 2
    name = program.name
    text = MAIN.format(
        name=name, upper=name.upper(), memory="\n".join(memory), use="\n  ".join(use)
    )
    for path, content in {**files, "main.c": text.encode()}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return [path for path in files if path.endswith(".c")]


def refused(program: Program) -> str:
    """A program that counts the arenas that are taken as good ones, and are none."""
    name, upper = program.name, program.name.upper()
    pieces = [("a", f"{upper}_ARENA_BYTES"), ("b", f"{upper}_SECOND_BYTES")]
    pieces = pieces[: len(program.pieces) or 1]
    checks = []
    for bad in range(len(pieces)):
        for code, wrong in (
            ("NULL", ("NULL", pieces[bad][1])),
            ("SIZE", (pieces[bad][0], f"{pieces[bad][1]} - 1")),
            ("ALIGN", (f"{pieces[bad][0]} + 8", pieces[bad][1])),
        ):
            given = [*pieces[:bad], wrong, *pieces[bad + 1 :]]
            arguments = ", ".join(f"{memory}, {size}" for memory, size in given)
            checks.append(f"{name}_init(&model, {arguments}) != TMS_ERROR_ARENA_{code}")
    arenas = "".join(f"TMS_ALIGNED static uint8_t {a}[{size} + 16];\n" for a, size in pieces)
    return f"""#include "{name}.h"
{arenas}int main(void) {{
  {name}_t model;
  return ({") + (".join(checks)});
}}
"""


def compiled(command: list[str], folder: Path, out: str) -> None:
    subprocess.run([*command, *STRICT, "-c", "-o", out], cwd=folder, check=True, timeout=300)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", PROGRAMS)
def test_the_example_in_the_header_runs(kind, language, tmp_path):
    program = PROGRAMS[kind]()
    sources = written(program, tmp_path)
    compiled(["cc", *LANGUAGES[language], "main.c"], tmp_path, "main.o")
    link = ["cc", *C, *STRICT, *sources, "main.o", "-o", "example"]
    subprocess.run(link, cwd=tmp_path, check=True)
    given = program.inputs[0]
    x = (np.arange(given.size_bytes) * 7).astype(np.int8).reshape(given.shape)
    said = subprocess.run([tmp_path / "example"], capture_output=True, check=True)
    assert said.stdout == run(program, [x])[0].tobytes()


@pytest.mark.parametrize("language", ["c99", "c++11"])
@pytest.mark.parametrize("compiler", ["zig", pytest.param("gcc", marks=pytest.mark.needs_gcc)])
def test_boards_compilers_take_it_too(compiler, language, tmp_path):
    program, chosen = whole(), toolchain(compiler)
    written(program, tmp_path)
    flags = [*chosen.command, *chosen.core_flags("cortex-m4f")]
    text = (tmp_path / "main.c").read_text().replace("#include <stdio.h>\n", "")
    (tmp_path / "main.c").write_text(re.sub(r"return fwrite.*", "return 0;", text))
    compiled([*flags, *LANGUAGES[language], "main.c"], tmp_path, "main.o")
    compiled([*flags, *C, f"{program.name}.c"], tmp_path, "model.o")


@pytest.mark.parametrize("kind", PROGRAMS)
def test_an_arena_that_is_none_too_small_or_misaligned_is_refused_by_name(kind, tmp_path):
    program = PROGRAMS[kind]()
    sources = written(program, tmp_path)
    (tmp_path / "main.c").write_text(refused(program))
    link = ["cc", *C, *STRICT, *sources, "main.c", "-o", "refused"]
    subprocess.run(link, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "refused"], check=False).returncode == 0
