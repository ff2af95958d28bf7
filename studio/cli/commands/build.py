"""Compile a generated project and say what the linker map says."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli import stations
from studio.cli.answer import Answer
from studio.job import finish


def arguments(parser: argparse.ArgumentParser) -> None:
    """The project's folder and the compiler."""
    parser.add_argument("directory", metavar="DIR", type=Path, help="what `generate` wrote")
    stations.add_toolchain(parser)


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Compile and link."""
    from studio.build.firmware import build, read_manifest

    toolchain = stations.compiler(args, read_manifest(args.directory).core)
    image = finish(build(args.directory, toolchain), report)
    figures = stations.image_figures(image)
    data = {
        "image": str(image.elf),
        "model": image.model,
        "board": image.board,
        "digest": image.digest,
        "toolchain": image.toolchain,
        **figures,
    }
    return Answer(data, [str(image.elf), stations.image_line(figures)])
