"""Constants in generated C that start-up code copies from flash to RAM.

They are variables with a value, so any start-up code copies them and any linker script places
them. A macro decides it, so that a project of the user's may put them elsewhere.
"""

from __future__ import annotations

from studio.compiler.program import Program

SECTION = ".data.tms_weights"


def macro(program: Program) -> str:
    """The macro in front of each of them, in the place of `const`."""
    return f"{program.name.upper()}_WEIGHTS"


def usage(program: Program) -> str:
    """What a caller has to know of them: for the comment at the top of the header."""
    if not program.copied:
        return ""
    return (
        f" * Its constants take {program.copied_bytes} bytes of RAM beside the arena: start-up code"
        f" copies them from\n * flash with the other variables. {macro(program)} in"
        f" {program.name}.c says how to have them elsewhere.\n"
    )


def defined(program: Program) -> str:
    """The macro's definition, which a project may give before."""
    if not program.copied:
        return ""
    name, align = macro(program), program.copied_align
    return f"""/* Not const: start-up code copies what follows from flash to RAM, as it does with
 * any variable that has a value. Defined by your compiler's options as `const`, {name}
 * leaves it in flash; as an attribute, it puts it into a section of yours, which your start-up
 * code then has to copy. */
#ifndef {name}
#ifdef __ELF__
#define {name} __attribute__((section("{SECTION}"), aligned({align})))
#else
#define {name}
#endif
#endif

"""
