"""The arena in generated C: one piece of memory, or two of which the first knows the second.

An arena in two pieces begins with the address of its second one, which `<name>_init` writes there.
So `tms_model` needs to know of one arena only, and a firmware drives both kinds alike.
"""

from __future__ import annotations

import re

from studio.compiler.program import Program

_SECOND = """/* The arena begins with the address of its second piece. */
static uint8_t *second_of(const void *memory) {
  uint8_t *second;
  __builtin_memcpy(&second, memory, sizeof second);
  return second;
}

"""


def usage(program: Program) -> str:
    """How a caller sets up a model: for the comment at the top of the header."""
    name, upper = program.name, program.name.upper()
    lines = [f"TMS_ALIGNED static uint8_t arena[{upper}_ARENA_BYTES];"]
    given = "&model, arena, sizeof arena"
    if program.pieces:
        first, second = (re.sub(r"[^\w.+-]", "_", piece.bank) for piece in program.pieces)
        lines[0] += f" // in {first}"
        lines += [f"TMS_ALIGNED static uint8_t second[{upper}_SECOND_BYTES]; // in {second}"]
        given += ", second, sizeof second"
    lines += [f"{name}_t model;", f"{name}_init({given});"]
    return "".join(f" *   {line}\n" for line in lines)


def sizes(program: Program) -> str:
    """The macros that state what the caller has to set aside."""
    upper = program.name.upper()
    text = f"#define {upper}_ARENA_BYTES {max(program.first_bytes, 1)}\n"
    for piece in program.pieces[1:]:
        text += f"#define {upper}_SECOND_BYTES {piece.size_bytes}\n"
    return text


def init_head(program: Program) -> str:
    """The head of the function that gives a model its memory."""
    head = f"int {program.name}_init({program.name}_t *model, void *arena, size_t arena_bytes"
    if not program.pieces:
        return f"{head})"
    indent = " " * len(f"int {program.name}_init(")
    return f"{head},\n{indent}void *second, size_t second_bytes)"


def init(program: Program) -> str:
    """That function."""
    upper = program.name.upper()
    pieces = [("arena", f"{upper}_ARENA_BYTES")]
    if program.pieces:
        pieces.append(("second", f"{upper}_SECOND_BYTES"))
    none = " || ".join(f"{name} == NULL" for name, _ in pieces)
    small = " || ".join(f"{name}_bytes < {least}" for name, least in pieces)
    odd = " || ".join(f"(uintptr_t){name} % TMS_ARENA_ALIGN != 0" for name, _ in pieces)
    link = "  __builtin_memcpy(arena, &second, sizeof second);\n" if program.pieces else ""
    return f"""{init_head(program)} {{
  if ({none}) {{
    return TMS_ERROR_ARENA_NULL;
  }}
  if ({small}) {{
    return TMS_ERROR_ARENA_SIZE;
  }}
  if ({odd}) {{
    return TMS_ERROR_ARENA_ALIGN;
  }}
  model->arena = arena;
{link}  reset(arena);
  return TMS_OK;
}}
"""


def helpers(program: Program) -> str:
    """What the functions of the model need to find their memory."""
    return _SECOND if program.pieces else ""


def opened(program: Program) -> str:
    """A statement for a function that got `memory`: `a` becomes what `at` counts from."""
    if program.pieces:
        return "  uint8_t *const a[] = {memory, second_of(memory)};\n"
    return "  uint8_t *const a = memory;\n"


def parameter(program: Program) -> str:
    """`a` as a parameter."""
    return f"uint8_t *const {'*' if program.pieces else ''}a"


def at(program: Program, slot: int, more: str = "") -> str:
    """The address of a buffer, or of what lies `more` bytes behind its beginning."""
    base, offset = _base(program, slot)
    return f"{base} + {offset}{more}"


def byte(program: Program, slot: int, index: str) -> str:
    """One byte of a buffer."""
    base, offset = _base(program, slot)
    return f"{base}[{offset} + {index}]"


def _base(program: Program, slot: int) -> tuple[str, int]:
    offset = program.offsets[slot]
    if not program.pieces:
        return "a", offset
    first = program.first_bytes
    return ("a[0]", offset) if offset < first else ("a[1]", offset - first)
