"""The C compilers of this computer, and how each is told what core to compile for."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from studio.errors import BuildError
from studio.targets.resources import cache_folder

# Cortex-M7 parts differ in double precision; code for single precision runs on all of them.
_GCC_CORES: dict[str, tuple[str, ...]] = {
    "cortex-m0plus": ("-mthumb", "-mcpu=cortex-m0plus", "-mfloat-abi=soft"),
    "cortex-m3": ("-mthumb", "-mcpu=cortex-m3", "-mfloat-abi=soft"),
    "cortex-m4f": ("-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    "cortex-m7": ("-mthumb", "-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
    "cortex-m33": ("-mthumb", "-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
    "cortex-m55": ("-mthumb", "-mcpu=cortex-m55", "-mfloat-abi=hard"),
}
_SOFT = ("-target", "thumb-freestanding-eabi")
_HARD = ("-target", "thumb-freestanding-eabihf")
# zig's names of cores leave out FPU, MVE and the M33's DSP extension.
_ZIG_CORES: dict[str, tuple[str, ...]] = {
    "cortex-m0plus": (*_SOFT, "-mcpu=cortex_m0plus"),
    "cortex-m3": (*_SOFT, "-mcpu=cortex_m3"),
    "cortex-m4f": (*_HARD, "-mcpu=cortex_m4+vfp4d16sp"),
    "cortex-m7": (*_HARD, "-mcpu=cortex_m7+fp_armv8d16sp"),
    "cortex-m33": (*_HARD, "-mcpu=cortex_m33+dsp+fp_armv8d16sp"),
    "cortex-m55": (*_HARD, "-mcpu=cortex_m55+mve_fp+fp_armv8d16+fullfp16"),
    "riscv32": (
        "-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c", "-mcmodel=medany",
    ),
    "host": (),
}  # fmt: skip
_CORES: dict[str, dict[str, tuple[str, ...]]] = {
    "gcc": _GCC_CORES,
    "zig": _ZIG_CORES,
    "host": {"host": ()},
}

_COMMON = (
    "-std=c99", "-g", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections",
    "-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector", "-fno-ident", "-Wall", "-Wextra", "-Werror=implicit",
    "-DTMS_TRACE",
)  # fmt: skip
_HINTS = {
    "zig": "pip install ziglang==0.16.0",
    "gcc": "install gcc-arm-none-eabi with newlib, or choose zig",
    "host": "install gcc or clang, or pip install ziglang==0.16.0",
}


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A C compiler and linker.

    Attributes:
        id: "zig", "gcc" (Arm GNU) or "host".
        version: what the compiler says of itself.
        command: how it is called.
        dialect: "zig" or "gcc": whose flags it takes.
    """

    id: str
    version: str
    command: tuple[str, ...]
    dialect: str

    def core_flags(self, core: str) -> tuple[str, ...]:
        """The flags that choose a core.

        Raises:
            BuildError: it does not compile for that core.
        """
        cores = _CORES[self.id]
        if core not in cores:
            others = sorted(name for name, known in _CORES.items() if core in known)
            hint = f"choose {' or '.join(others)}" if others else "no toolchain here does"
            raise BuildError(f"does not compile for {core}", self.id, hint)
        quiet = ("-fno-sanitize=all",) if self.dialect == "zig" else ()
        return (*cores[core], *quiet, *(("-fPIC", "-pthread") if core == "host" else ()))

    def compile_command(
        self,
        core: str,
        source: str,
        output: str,
        optimize: str,
        includes: Sequence[str],
        folder: str = ".",
    ) -> tuple[str, ...]:
        """Compile one file; paths are relative to `folder`, where it runs."""
        return (
            *self.command, *self.core_flags(core), *_COMMON, optimize,
            f"-ffile-prefix-map={folder}=.", *(f"-I{folder}" for folder in includes),
            "-c", source, "-o", output,
        )  # fmt: skip

    def link_command(
        self, core: str, objects: Sequence[str], output: str, script: str = ""
    ) -> tuple[str, ...]:
        """Link an image; `script` is the linker script, "" for a program of this computer."""
        layout = (
            ("-nostartfiles", "-Wl,--gc-sections", f"-Wl,-T,{script}", "-Wl,-e,tms_reset")
            if script
            else ()
        )
        # -g: zig strips the symbols without it
        return (*self.command, *self.core_flags(core), "-g", *layout, *objects, "-o", output)

    def library_command(self, objects: Sequence[str], output: str) -> tuple[str, ...]:
        """Link a shared library for this computer."""
        return (*self.command, *self.core_flags("host"), "-shared", *objects, "-o", output)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that its processes need."""
        folder = str(cache_folder() / "zig")
        return {
            "ZIG_GLOBAL_CACHE_DIR": folder,
            "ZIG_LOCAL_CACHE_DIR": folder,
            "SOURCE_DATE_EPOCH": "0",
            "LC_ALL": "C",
        }


def toolchains() -> dict[str, Toolchain]:
    """The toolchains that are installed, by id."""
    found = {}
    zig, gcc, cc = _zig(), shutil.which("arm-none-eabi-gcc"), shutil.which("cc")
    if zig:
        found["zig"] = Toolchain("zig", f"zig {_version(zig, 'version')}", (zig, "cc"), "zig")
    if gcc:
        found["gcc"] = Toolchain("gcc", _version(gcc, "--version"), (gcc,), "gcc")
    if cc:
        found["host"] = Toolchain("host", _version(cc, "--version"), (cc,), "gcc")
    elif zig:
        found["host"] = Toolchain("host", found["zig"].version, (zig, "cc"), "zig")
    return found


def toolchain(name: str) -> Toolchain:
    """A toolchain by id.

    Raises:
        BuildError: no such toolchain, or it is not installed.
    """
    found = toolchains().get(name)
    if found is None:
        if name not in _HINTS:
            raise BuildError("no such toolchain", name, f"choose one of {', '.join(_HINTS)}")
        raise BuildError("this compiler is not installed", name, _HINTS[name])
    return found


def default_toolchain(core: str) -> Toolchain:
    """The toolchain that builds for a core unless the user chooses another."""
    if core == "host":
        return toolchain("host")
    return toolchain("gcc" if "zig" not in toolchains() and core in _GCC_CORES else "zig")


def _zig() -> str | None:
    """The compiler inside the package, called directly: its Python wrapper costs 40 ms a file."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        return None
    return shutil.which(str(Path(spec.origin).with_name("zig")))


@cache
def _version(program: str, option: str) -> str:
    try:
        answer = subprocess.run(
            [program, option], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError("does not run", program, "reinstall it") from error
    return answer.stdout.partition("\n")[0].strip()
