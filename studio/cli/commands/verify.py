"""The generated C on this computer against the board, byte by byte, on random inputs.

Without --port a virtual board is built and started; with it, the board at that port answers.
"""

from __future__ import annotations

import argparse

from studio.cli import stations
from studio.cli.answer import Answer, number
from studio.job import finish


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the board and its port, how many inputs."""
    stations.add_model(parser)
    stations.add_board(parser)
    stations.add_port(parser)
    parser.add_argument("--samples", metavar="N", type=stations.count, default=50)
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="of the random inputs")
    stations.add_choices(parser)
    stations.add_toolchain(parser)


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Holds where all bytes are equal."""
    from studio.boards.verify import verify
    from studio.build.host import HostModel

    board = stations.board(args)
    program = stations.lowered(args, board, report)
    with stations.linked(args, program, board, report) as link:
        host = finish(HostModel.build(program), report)
        result = finish(verify(host, link, args.samples, args.seed), report)
    first = result.difference
    data = {
        "model": program.name,
        "board": board.id,
        "identical": result.identical,
        "samples": result.samples,
        "compared_bytes": result.compared_bytes,
        "first_difference": None
        if first is None
        else {
            "sample": first.sample,
            "output": first.output,
            "index": first.index,
            "host": first.host,
            "board": first.board,
        },
    }
    bytes_ = f"{number(result.compared_bytes)} output bytes of {result.samples} random inputs"
    text = f"identical: {bytes_}" if first is None else f"differs at {first}"
    return Answer(data, [text], held=result.identical)
