"""Build a model for a board, flash it, and ask the board what it runs.

A virtual board starts with the model in it and ends with this command, or with Ctrl-C after --stay.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from studio.cli import stations
from studio.cli.answer import Answer
from studio.errors import BoardError

if TYPE_CHECKING:
    from studio.boards.flashers.flasher import Running


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the board and its port, the choices."""
    stations.add_model(parser)
    stations.add_board(parser)
    stations.add_port(parser)
    stations.add_choices(parser)
    stations.add_toolchain(parser)
    parser.add_argument(
        "--stay", action="store_true", help="keep a virtual board running until Ctrl-C"
    )


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Holds where the board tells the digest of what was built."""
    from studio.boards.link import Link

    board = stations.board(args)
    program = stations.lowered(args, board, report)
    with ExitStack() as stack:
        image = stack.enter_context(stations.built(args, program, board, report))
        running = stack.enter_context(stations.flashed(args.port, board, image, report))
        with Link(running.port) as link:
            verified = link.info.digest == image.digest
        figures = stations.image_figures(image)
        data = {
            "model": image.model,
            "board": board.id,
            "port": running.port,
            "digest": image.digest,
            "toolchain": image.toolchain,
            "verified": verified,
            **figures,
        }
        text = [
            f"{board.name} runs {image.model} {image.digest} at {running.port}",
            stations.image_line(figures),
        ]
        if not args.stay:
            return Answer(data, text, held=verified)
        return Answer(data, _staying(text, running, stack.pop_all()), held=verified)


def _staying(text: list[str], running: Running, held: ExitStack) -> Iterator[str]:
    """The text, then nothing until Ctrl-C or the board's end."""
    with held:
        yield from text
        yield f"running until Ctrl-C; tinyml-studio monitor --port {running.port}"
        try:
            while running.alive:
                time.sleep(0.2)
        except KeyboardInterrupt:
            return
        raise BoardError("the board has stopped", running.port, "flash it again")
