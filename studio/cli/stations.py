"""The stations of the path that several commands pass, and the arguments that lead there."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.answer import number
from studio.job import Progress, finish
from studio.targets.figure import Figure
from studio.targets.library import profile
from studio.targets.profile import Profile

if TYPE_CHECKING:
    from studio.boards.flashers.flasher import Running
    from studio.boards.link import Link
    from studio.budget import Reserve
    from studio.build.link_map import Image
    from studio.build.toolchains import Toolchain
    from studio.compiler.program import Options, Program
    from studio.data.dataset import Dataset
    from studio.model.model import Model

Report = Callable[[Progress], None]


def add_model(parser: argparse.ArgumentParser) -> None:
    """The model file."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="an ONNX, TFLite, PyTorch or Keras file, or an example: digits, motion",
    )
    parser.add_argument(
        "--trust", action="store_true", help="run the code that a PyTorch file holds, to export it"
    )
    parser.add_argument(
        "--shape",
        metavar="N,N",
        type=shape,
        action="append",
        default=[],
        help="of one sample of an input, for TorchScript; once an input",
    )


def add_data(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """The data set."""
    parser.add_argument(
        "--data",
        metavar="D",
        required=required,
        help="a data set file, an example (digits, motion), or random: seeded, without labels",
    )


def add_board(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """The board, or boards."""
    help = "an id of `tinyml-studio boards` or a profile file"
    if several:
        parser.add_argument(
            "--board",
            metavar="B",
            required=True,
            action="append",
            help=f"{help}, or all; more than once",
        )
    else:
        parser.add_argument("--board", metavar="B", required=True, help=help)


def add_port(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """The board's serial port."""
    help = "serial port, such as /dev/ttyACM0, COM3 or socket://host:port"
    if not required:
        help += "; virtual boards start by themselves"
    parser.add_argument("--port", metavar="P", default="", required=required, help=help)


def add_choices(parser: argparse.ArgumentParser) -> None:
    """The choices that change the Program."""
    from studio.compiler.program import PLANS, ROUNDINGS, WEIGHTS

    parser.add_argument("--plan", choices=PLANS, default=PLANS[0], help="how memory is planned")
    parser.add_argument(
        "--rounding", choices=ROUNDINGS, help="when integers round; default: what the model says"
    )
    parser.add_argument(
        "--stream-input",
        action="store_true",
        help="the firmware brings the input row by row; with --plan small",
    )
    parser.add_argument(
        "--weights",
        choices=WEIGHTS,
        default=WEIGHTS[0],
        help="where they are read from; ram: start-up code copies them there from flash",
    )


def add_toolchain(
    parser: argparse.ArgumentParser, choices: tuple[str, ...] = ("zig", "gcc", "host")
) -> None:
    """The compiler."""
    help = "gcc is arm-none-eabi-gcc; default: what fits the board, zig before gcc"
    parser.add_argument("--toolchain", choices=choices, help=help)


def add_application(parser: argparse.ArgumentParser) -> None:
    """What runs beside the model."""
    parser.add_argument(
        "--application", type=Path, metavar="FILE", help="an ELF file or linker map of your own"
    )
    parser.add_argument(
        "--reserve-flash", type=int, default=0, metavar="N", help="bytes that your code takes"
    )
    parser.add_argument(
        "--reserve-ram", type=int, default=0, metavar="N", help="bytes that your variables take"
    )


def reserve(args: argparse.Namespace) -> Reserve:
    """What the application takes."""
    from studio.budget.application import reserve

    return reserve(str(args.application or ""), args.reserve_flash, args.reserve_ram)


def count(text: str) -> int:
    """A number of things, at least one."""
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def positive(text: str) -> float:
    """An amount of something, more than none."""
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError
    return value


def shape(text: str) -> tuple[int, ...]:
    """Sizes with commas or "x" between them."""
    from studio.model.importers import shape_from

    return shape_from(text)


def opened(args: argparse.Namespace, report: Report) -> Model:
    """The model that MODEL names: a file or an example."""
    from studio.model.importers import open_model
    from studio.recipe.examples import examples, open_example

    if args.model in {example.id for example in examples()}:
        return finish(open_example(args.model), report)[0]
    return finish(open_model(args.model, args.trust, args.shape), report)


def loaded(name: str, model: Model) -> Dataset:
    """The data set that --data names: a file, an example, or `random` for this model."""
    from studio.data.dataset import load
    from studio.recipe.examples import examples

    if name == "random":
        return _random_samples(model)
    return load(f"example:{name}" if name in {example.id for example in examples()} else name)


def _random_samples(model: Model, n: int = 256) -> Dataset:
    """Seeded normal samples without labels, for models whose data are not at hand."""
    import numpy as np

    from studio.data.dataset import Dataset

    shape = (n, *model.inputs[0].shape[1:])
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return Dataset("random", x, None, (), np.full(n, "train"))


def lowered(
    args: argparse.Namespace, board: Profile, report: Report, reserved_bytes: int = 0
) -> Program:
    """The model, opened, lowered with the choices of the command line, in the board's memory."""
    from studio.build.banks import placed
    from studio.compiler.lower import lower

    program = lower(opened(args, report), options(args))
    return placed(program, board, reserved_bytes=reserved_bytes)[0]


def options(args: argparse.Namespace) -> Options:
    """The choices of the command line."""
    from studio.compiler.program import Options

    return Options(
        plan=args.plan,
        rounding=args.rounding,
        weights=args.weights,
        stream_input=args.stream_input,
    )


def board(args: argparse.Namespace) -> Profile:
    """The profile that --board names."""
    return profile(args.board)


def compiler(args: argparse.Namespace, core: str) -> Toolchain:
    """The toolchain that --toolchain names, or the one that fits the core."""
    from studio.build.toolchains import default_toolchain, toolchain

    return toolchain(args.toolchain) if args.toolchain else default_toolchain(core)


@contextmanager
def built(
    args: argparse.Namespace, program: Program, board: Profile, report: Report
) -> Iterator[Image]:
    """The firmware for a board, in a folder that goes afterwards."""
    from studio.build.firmware import build, project_files, write_project

    toolchain = compiler(args, board.core)
    with tempfile.TemporaryDirectory(prefix="tinyml-studio-") as folder:
        write_project(project_files(program, board), Path(folder))
        yield finish(build(Path(folder), toolchain), report)


def flashed(port: str, board: Profile, image: Image, report: Report) -> Running:
    """The board, running the image."""
    from studio.boards.flashers.flasher import flasher_for

    flasher = flasher_for(board)
    return finish(flasher.flash(flasher.plan(board, image, port)), report)


@contextmanager
def linked(
    args: argparse.Namespace, program: Program, board: Profile, report: Report
) -> Iterator[Link]:
    """A line to the board at --port as it is; without, to one that is built and flashed."""
    from studio.boards.link import Link

    if args.port:
        with Link(args.port) as link:
            yield link
        return
    with (
        built(args, program, board, report) as image,
        flashed("", board, image, report) as running,
        Link(running.port) as link,
    ):
        yield link


def image_figures(image: Image) -> dict[str, Figure]:
    """What the linker map says."""
    detail = f"linked by {image.toolchain}"
    return {
        "flash_bytes": Figure(image.flash_bytes, "measured", detail),
        "ram_bytes": Figure(image.ram_bytes, "measured", detail),
        "arena_bytes": Figure(image.arena_bytes, "measured", detail),
        "stack_bytes": Figure(image.stack_bytes, "computed", "set aside by the linker script"),
    }


def image_line(figures: dict[str, Figure]) -> str:
    """The same for people."""
    parts = (f"{name.removesuffix('_bytes')} {number(f)}" for name, f in figures.items())
    return f"{', '.join(parts)} bytes (linker map)"
