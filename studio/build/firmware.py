"""A whole C project for a board around a generated model, and its build.

In it: `<model>.h`, `<model>.c`, tms.h and src/ as the compiler emitted them; app.c with the arena
and the model that the monitor drives; monitor/, port/ and link.ld, runtime_c's firmware for the
board; and build.toml, which says what to compile for which core: all that `build` reads.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from studio.build import object_cache
from studio.build.banks import Banks, placed
from studio.build.link_map import Image, read_image
from studio.build.process import run
from studio.build.toolchains import Toolchain
from studio.compiler.program import Program
from studio.errors import BuildError
from studio.job import Job, Progress
from studio.targets.figure import spaced
from studio.targets.profile import Profile
from studio.targets.resources import resource
from studio.writing import write_whole

MANIFEST = "build.toml"
INCLUDES = (".", "src", "port", "monitor")
_FAST, _SMALL = "-O3", "-Os"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `build` knows of a project.

    Attributes:
        model: the model's name.
        digest: of the generated model code, 16 hexadecimal digits.
        board: id of the profile.
        core: what to compile for.
        machine: QEMU's name of the board, or "".
        stack_bytes: what is set aside for the stack.
        linker_script: "" for a program of this computer.
        fast: sources to compile for speed: the kernels.
        small: sources to compile for size: everything else.
    """

    model: str
    digest: str
    board: str
    core: str
    machine: str
    stack_bytes: int
    linker_script: str
    fast: tuple[str, ...]
    small: tuple[str, ...]


def project_files(program: Program, profile: Profile, reserved_bytes: int = 0) -> dict[str, bytes]:
    """The project that runs a program on a board: file contents by path, always the same bytes.

    With `reserved_bytes` of RAM for the user's own application the arena lies where it leaves room.

    Raises:
        BuildError: the board has no port yet, or its RAM does not hold weights that are copied.
    """
    from studio.compiler.emit import emit

    program, banks = _held(program, profile, reserved_bytes)
    return firmware_around(emit(program), program.name, banks, profile)


def generated_files(
    program: Program, profile: Profile, reserved_bytes: int = 0
) -> dict[str, bytes]:
    """The project for a board; for one without a port the model and its kernels alone.

    Raises:
        BuildError: as `project_files`.
    """
    from studio.compiler.emit import emit

    if profile.port:
        return project_files(program, profile, reserved_bytes)
    return emit(_held(program, profile, reserved_bytes)[0])


def _held(program: Program, profile: Profile, reserved_bytes: int) -> tuple[Program, Banks]:
    """As `placed`; what variables and stack take is the linker's to check."""
    copied = program.copied_bytes
    if copied and placed(program, profile, copied, reserved_bytes)[1].over_bytes:
        raise BuildError(
            f"no bank of its RAM holds the {spaced(copied)} bytes of weights beside an arena of"
            f" {spaced(program.arena_bytes)}",
            profile.id,
            "leave the weights in flash, or choose a plan with a smaller arena",
        )
    return placed(program, profile, reserved_bytes=reserved_bytes)


def firmware_around(
    model_files: Mapping[str, bytes], name: str, banks: Banks, profile: Profile
) -> dict[str, bytes]:
    """A project around generated code.

    Args:
        model_files: what the compiler emitted; `<name>.c` defines `<name>_model`.
        name: the model's name, a C identifier.
        banks: where the model's memory goes.
        profile: the board.
    """
    if not profile.port:
        raise BuildError(
            "there is no firmware for this board yet",
            profile.id,
            "generate plain C for it, or take a virtual board",
        )
    port = tomllib.loads(resource(f"runtime_c/ports/{profile.port}/port.toml").read_text("utf-8"))
    digest = model_digest(model_files)
    files = {**model_files, **_monitor(), **_port(profile.port, port["files"])}
    files["app.c"] = _app(name, banks.arena_bytes, digest, profile).encode()
    files["port/port_config.h"] = _port_config(profile, port["stack_bytes"]).encode()
    if "linker_script" in port:
        template = _port_path(profile.port, port["linker_script"]).read_text("utf-8")
        files["link.ld"] = _linker_script(template, profile, banks, port["stack_bytes"]).encode()
    sources = sorted(path for path in files if path.endswith(".c"))
    manifest = Manifest(
        model=name,
        digest=digest,
        board=profile.id,
        core=profile.core,
        machine=profile.machine,
        stack_bytes=port["stack_bytes"],
        linker_script="link.ld" if "link.ld" in files else "",
        fast=tuple(path for path in sources if path.startswith("src/")),
        small=tuple(path for path in sources if not path.startswith("src/")),
    )
    files[MANIFEST] = _manifest_text(manifest).encode()
    return dict(sorted(files.items()))


def model_digest(model_files: Mapping[str, bytes]) -> str:
    """What a firmware tells of the model in it: the digest of its code and weights."""
    total = hashlib.sha256()
    for path in sorted(model_files):
        total.update(f"{path}\0{len(model_files[path])}\0".encode() + model_files[path])
    return total.hexdigest()[:16]


def write_project(files: Mapping[str, bytes], directory: Path) -> None:
    """Write a project's files; each appears whole.

    Raises:
        BuildError: the folder cannot be written.
    """
    try:
        for path, content in files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, content, BuildError)
    except OSError as error:
        raise BuildError(
            f"cannot be written: {error.strerror}", str(directory), "choose another folder"
        ) from error


def read_manifest(directory: Path) -> Manifest:
    """Read a project's build.toml.

    Raises:
        BuildError: the folder holds no project, or its build.toml is damaged.
    """
    path = directory / MANIFEST
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        values["fast"], values["small"] = tuple(values["fast"]), tuple(values["small"])
        return Manifest(**values)
    except OSError as error:
        hint = "generate one for a virtual board; plain C is compiled in a project of yours"
        raise BuildError("is not a generated project", str(directory), hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(f"is damaged: {error}", str(path), "generate the project again") from error


def build(directory: Path, toolchain: Toolchain) -> Job[Image]:
    """Compile and link a project; the image appears whole at build/<toolchain>/<model>.elf.

    Raises:
        BuildError: with the compiler's own first complaint.
    """
    manifest = read_manifest(directory)
    directory = directory.resolve()
    with tempfile.TemporaryDirectory(prefix="tinyml-studio-") as scratch:
        objects = yield from compile_all(directory, manifest, toolchain, Path(scratch))
        part = Path(scratch) / "image.elf"
        command = toolchain.link_command(manifest.core, objects, str(part), manifest.linker_script)
        yield from _checked(toolchain, command, directory, Progress("linking", 0.95), "linking")
        elf = directory / "build" / toolchain.id / f"{manifest.model}.elf"
        elf.parent.mkdir(parents=True, exist_ok=True)
        move_whole(part, elf)
    object_cache.forget_old()
    return read_image(
        elf,
        board=manifest.board,
        model=manifest.model,
        digest=manifest.digest,
        core=manifest.core,
        toolchain=toolchain.version,
        stack_bytes=manifest.stack_bytes,
    )


def compile_all(
    directory: Path, manifest: Manifest, toolchain: Toolchain, scratch: Path
) -> Job[list[str]]:
    """Compile a project's sources, or fetch what was compiled before; the objects' paths."""
    files = _read_texts(directory)
    sources = [(path, _FAST) for path in manifest.fast] + [(p, _SMALL) for p in manifest.small]
    objects = []
    for index, (source, optimize) in enumerate(sources):
        if source not in files:
            raise BuildError("is missing", source, "generate the project again")
        made = scratch / f"{index:03d}.o"
        objects.append(str(made))
        name = object_cache.digest(
            toolchain.compile_command(manifest.core, source, "", optimize, INCLUDES),
            toolchain.version,
            object_cache.with_includes(source, INCLUDES, files),
        )
        progress = Progress(f"compiling {source}", 0.9 * index / len(sources))
        yield progress
        if not object_cache.fetch(name, made):
            command = toolchain.compile_command(
                manifest.core, source, str(made), optimize, INCLUDES, str(directory)
            )
            yield from _checked(toolchain, command, directory, progress, source)
            object_cache.keep(name, made)
    return objects


def move_whole(made: Path, target: Path) -> None:
    """Put a file in its place, from whatever file system, so that no half file is ever seen."""
    handle, part = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(handle, "wb") as stream:
        stream.write(made.read_bytes())
    Path(part).chmod(0o755)
    os.replace(part, target)


def _checked(
    toolchain: Toolchain, command: Sequence[str], folder: Path, progress: Progress, where: str
) -> Job[None]:
    status, text = yield from run(command, folder, toolchain.environment, progress)
    if status:
        raise BuildError(
            f"the compiler {toolchain.id} refused it", where, complaint(text) or f"status {status}"
        )


def complaint(text: str) -> str:
    """The line of a compiler's or linker's output that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if not line.startswith("collect2")]
    telling = [line for line in lines if "error:" in line or "overflowed" in line]
    return (telling[:1] or lines[-1:] or [""])[0]


def _read_texts(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for suffix in ("*.c", "*.h")
        for path in directory.rglob(suffix)
    }


def _monitor() -> dict[str, bytes]:
    folder = resource("runtime_c/firmware")
    return {
        f"monitor/{path.name}": path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.suffix in {".c", ".h"}
    }


def _port_path(port: str, relative: str) -> Path:
    return Path(os.path.normpath(resource(f"runtime_c/ports/{port}") / relative))


def _port(port: str, files: Sequence[str]) -> dict[str, bytes]:
    return {
        f"port/{PurePosixPath(path).name}": _port_path(port, path).read_bytes() for path in files
    }


def _app(name: str, arena_bytes: Sequence[int], digest: str, profile: Profile) -> str:
    start = "tms_app_model->reset(tms_app_arena);"
    second = ""
    if len(arena_bytes) > 1:
        second = f"""static TMS_SECOND_SECTION uint8_t tms_app_second[{arena_bytes[1]}]
    __attribute__((aligned(TMS_ARENA_ALIGN)));
"""
        start = f"""{name}_t model;
  (void){name}_init(&model, tms_app_arena, sizeof tms_app_arena, tms_app_second,
                    sizeof tms_app_second);"""
    return f"""/* The model that this firmware runs, and its memory. Generated. */
#include "app.h"
#include "{name}.h"

{_feature_checks(profile)}
const tms_model *const tms_app_model = &{name}_model;
const char tms_app_digest[] = "{digest}";
const uint32_t tms_app_arena_bytes = {sum(arena_bytes)};
TMS_ARENA_SECTION uint8_t tms_app_arena[{arena_bytes[0]}]
    __attribute__((aligned(TMS_ARENA_ALIGN)));
{second}
void tms_app_start(void) {{
  {start}
}}
"""


def _feature_checks(profile: Profile) -> str:
    """A wrong core name would silently give soft float or no SIMD: the compiler itself objects."""
    if profile.core == "host":
        return ""
    macros = {"fpu": "__ARM_FP", "dsp": "__ARM_FEATURE_DSP", "mve": "__ARM_FEATURE_MVE"}
    checks = []
    for feature, macro in macros.items():
        there = feature in profile.features
        checks.append(
            f"#if {'!' if there else ''}defined({macro})\n"
            f'#error "{profile.core} has {"" if there else "no "}{feature}: '
            f'the compiler was told another core"\n#endif\n'
        )
    return "".join(checks)


def _port_config(profile: Profile, stack_bytes: int) -> str:
    machine = profile.machine.upper().replace("-", "_")
    if profile.clock_hz is None:
        raise BuildError("its clock is not known", profile.id, "add clock_hz to its profile")
    return (
        "/* The board that this firmware is for. Generated. */\n"
        "#ifndef TMS_PORT_CONFIG_H\n#define TMS_PORT_CONFIG_H\n\n"
        f'#define TMS_BOARD "{profile.id}"\n'
        + (f"#define TMS_MACHINE_{machine} 1\n" if machine else "")
        + f"#define TMS_TICK_HZ {int(profile.clock_hz.value)}u\n"
        f"#define TMS_STACK_BYTES {stack_bytes}u\n\n#endif\n"
    )


def _linker_script(template: str, profile: Profile, banks: Banks, stack_bytes: int) -> str:
    numbers = {
        "STACK_BYTES": stack_bytes,
        "FLASH_ADDRESS": profile.flash.address,
        "FLASH_BYTES": profile.flash.size_bytes,
        "RAM_ADDRESS": banks.rest.address,
        "RAM_BYTES": banks.rest.size_bytes,
    }
    names, more = [], ""
    for number, bank in enumerate(banks.arenas):
        names.append("RAM" if bank == banks.rest else f"BANK{number}")
        if bank != banks.rest:
            more += (
                f"  {names[-1]} (rw) : ORIGIN = {bank.address:#x}, LENGTH = {bank.size_bytes:#x}\n"
            )
    words = {key: f"{value:#x}" for key, value in numbers.items()}
    words |= {"ARENA": names[0], "SECOND": names[-1], "BANKS\n": more}
    for key, word in words.items():
        template = template.replace(f"@{key.strip()}@" + "\n" * key.endswith("\n"), word)
    return template


def _manifest_text(manifest: Manifest) -> str:
    def quoted(paths: Sequence[str]) -> str:
        return "[\n" + "".join(f'  "{path}",\n' for path in paths) + "]"

    return f"""# What `tinyml-studio build` compiles. Generated.
model = "{manifest.model}"
digest = "{manifest.digest}"
board = "{manifest.board}"
core = "{manifest.core}"
machine = "{manifest.machine}"
stack_bytes = {manifest.stack_bytes}
linker_script = "{manifest.linker_script}"
fast = {quoted(manifest.fast)}
small = {quoted(manifest.small)}
"""
