"""The command line: everything that the window does.

A command is a file in `commands/` with a docstring (its help), `arguments(parser)` and
`run(args, report) -> Answer`. Only the chosen one is imported, and the packages that it needs only
when it runs, so that help comes at once.

Exit status: 0 what was asked held, 1 it did not, 2 an error.
"""

from __future__ import annotations

import argparse
import importlib
import io
import pkgutil
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

from studio import __version__
from studio.cli.answer import Answer, print_answer, print_error
from studio.cli.progress import ProgressLine
from studio.errors import StudioError

_EPILOG = "exit status: 0 what was asked held, 1 it did not, 2 an error"


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that `words` (default: the program's arguments) name; the exit status."""
    words = sys.argv[1:] if words is None else list(words)
    _write_any_name()
    parser, commands = _parser(words)
    args = parser.parse_args(words)
    try:
        with _terminated_as_interrupted(), ProgressLine(sys.stderr) as line:
            answer: Answer = commands[args.command].run(args, line.show)
            line.clear()
            return print_answer(answer, args.json)
    except StudioError as error:
        return print_error(error, args.json)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output left, such as `| head`
        sys.stderr.close()
        return 2
    except Exception:  # noqa: BLE001 - a bug; 1 would mean that a check did not hold
        fault = StudioError(
            "this is a bug", "tinyml-studio", f"report it:\n{traceback.format_exc()}"
        )
        return print_error(fault, args.json)


def _write_any_name() -> None:
    """Escape what the encoding of our output lacks: names of files and layers hold anything."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """End as by Ctrl-C where we are told to end, so that no board runs on and no folder stays."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def command_names() -> list[str]:
    """The commands that there are."""
    room = importlib.import_module("studio.cli.commands")
    return sorted(info.name for info in pkgutil.iter_modules(room.__path__))


def _parser(words: Sequence[str]) -> tuple[argparse.ArgumentParser, dict[str, ModuleType]]:
    """A parser that knows all commands, or only the chosen one."""
    parser = argparse.ArgumentParser(
        prog="tinyml-studio",
        description="Compress a neural network, see that it fits, flash it, watch it.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=__version__)
    names = command_names()
    chosen = next((word for word in words if not word.startswith("-")), "")
    commands = {
        name: importlib.import_module(f"studio.cli.commands.{name}")
        for name in names
        if chosen not in names or name == chosen
    }
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in commands.items():
        text = (module.__doc__ or "").strip()
        command = choices.add_parser(
            name,
            help=text.partition("\n")[0],
            description=text,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--json", action="store_true", help="print one JSON object")
        if name == chosen:
            module.arguments(command)
    return parser, commands
