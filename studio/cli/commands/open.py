"""The window, on a project or a model if one is named."""

from __future__ import annotations

import argparse
import runpy
import sys

from studio.cli import stations
from studio.cli.answer import Answer


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to open."""
    parser.add_argument("path", nargs="?", default="", help="a project or a model")


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Hand over to `studio.__main__`, by name: the command line knows nothing of the window."""
    sys.argv = ["tinyml-studio", *filter(None, [args.path])]
    status = int(runpy.run_module("studio", run_name="window")["show"]())
    return Answer({"opened": args.path, "status": status}, (), held=status == 0)
