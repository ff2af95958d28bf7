"""The stations of the path that several commands pass, and the arguments that lead there."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.job import Progress, finish
from studio.targets.library import profile
from studio.targets.profile import Profile

if TYPE_CHECKING:
    from studio.compiler.program import Program
    from studio.data.dataset import Dataset
    from studio.model.model import Model

Report = Callable[[Progress], None]


def add_model(parser: argparse.ArgumentParser) -> None:
    """The model file."""
    parser.add_argument(
        "model", metavar="MODEL", help="an ONNX file, or an example: digits, motion"
    )


def add_data(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """The data set."""
    parser.add_argument(
        "--data",
        metavar="D",
        required=required,
        help="a data set file, or an example: digits, motion",
    )


def add_board(parser: argparse.ArgumentParser) -> None:
    """The one board."""
    parser.add_argument(
        "--board",
        metavar="B",
        required=True,
        help="an id of `tinyml-studio boards` or a profile file",
    )


def add_port(parser: argparse.ArgumentParser) -> None:
    """The board's serial port."""
    parser.add_argument(
        "--port", metavar="P", default="", help="serial port; virtual boards start by themselves"
    )


def add_choices(parser: argparse.ArgumentParser) -> None:
    """The choices that change the Program."""
    from studio.compiler.program import PLANS, ROUNDINGS, WEIGHTS

    parser.add_argument("--plan", choices=PLANS, default=PLANS[0], help="how memory is planned")
    parser.add_argument(
        "--rounding", choices=ROUNDINGS, help="when integers round; default: what the model says"
    )
    parser.add_argument("--weights", choices=WEIGHTS, default=WEIGHTS[0], help="as stored in flash")


def add_toolchain(parser: argparse.ArgumentParser) -> None:
    """The compiler."""
    parser.add_argument(
        "--toolchain", choices=("zig", "gcc"), default="zig", help="gcc is arm-none-eabi-gcc"
    )


def opened(args: argparse.Namespace, report: Report) -> Model:
    """The model that MODEL names."""
    from studio.model.importers import open_model

    return finish(open_model(args.model), report)


def loaded(args: argparse.Namespace) -> Dataset:
    """The data set that --data names."""
    from studio.data.dataset import load

    return load(args.data)


def lowered(args: argparse.Namespace, report: Report) -> Program:
    """The model, opened and lowered with the choices of the command line."""
    from studio.compiler.lower import lower
    from studio.compiler.program import Options

    options = Options(plan=args.plan, rounding=args.rounding, weights=args.weights)
    return lower(opened(args, report), options)


def board(args: argparse.Namespace) -> Profile:
    """The profile that --board names."""
    return profile(args.board)
