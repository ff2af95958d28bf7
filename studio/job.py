"""Long work as a generator: it yields Progress and returns its result.

A job runs wherever someone drives it: `finish` on the command line and in tests, a
thread in the window. Closing the generator cancels it; a job cleans up in `finally`.
Work that must not block or take down this process goes through `in_process`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, TypeVar, cast, overload

from studio.errors import StudioError

T = TypeVar("T")

_NICENESS = 5
"""Of workers without a deadline: who shows their progress comes first."""
_starting = threading.Lock()


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a job.

    Attributes:
        text: what is being done now, for people.
        done: share of the work that is done, 0 to 1, or None where unknown.
        figures: numbers to show beside it, such as loss and accuracy.
    """

    text: str
    done: float | None = None
    figures: dict[str, float] = field(default_factory=dict)


Job = Generator[Progress, None, T]


def finish(job: Job[T], report: Callable[[Progress], None] = lambda _: None) -> T:
    """Drive a job to its end and return its result; `report` sees each Progress."""
    while True:
        try:
            report(next(job))
        except StopIteration as end:
            result: T = end.value
            return result


def as_part(job: Job[T], begin: float, end: float, prefix: str = "") -> Job[T]:
    """A job as a part of a longer one: its progress fills [begin, end]."""
    try:
        while True:
            try:
                progress = next(job)
            except StopIteration as finished:
                result: T = finished.value
                return result
            done = begin + (end - begin) * (progress.done or 0.0)
            yield replace(progress, text=prefix + progress.text, done=done)
    finally:
        job.close()


@overload
def in_process(  # a Job hands over what it returns
    work: Callable[..., Job[T]],
    *arguments: Any,
    text: str,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    failure: type[StudioError] = StudioError,
) -> Job[T]: ...
@overload
def in_process(
    work: Callable[..., T],
    *arguments: Any,
    text: str,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    failure: type[StudioError] = StudioError,
) -> Job[T]: ...
def in_process(
    work: Callable[..., Any],
    *arguments: Any,
    text: str,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    failure: type[StudioError] = StudioError,
) -> Job[Any]:
    """Run `work(*arguments)` in a process of its own; its Progress comes through.

    Args:
        work: a module-level function that returns a value or a Job.
        arguments: picklable arguments.
        text: what to show until the work reports progress of its own.
        timeout_s: after this time the process is ended and `failure` raised.
        memory_bytes: address space that the process may take beyond what it starts with.
        failure: the StudioError class for a process that dies or is out of time.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    given = sender, memory_bytes, 0 if timeout_s else _NICENESS, work, arguments
    process = context.Process(target=_serve, args=given, daemon=True)
    with _without_main():
        process.start()
    sender.close()
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    last = Progress(text)
    try:
        while True:
            yield last
            if not receiver.poll(0.05):
                if deadline is not None and time.monotonic() > deadline:
                    raise failure(f"took longer than {timeout_s:g} s", text)
                continue
            try:
                kind, value = receiver.recv()
            except EOFError:
                process.join(5)
                raise failure(
                    "the worker process died",
                    text,
                    f"exit code {process.exitcode}; the input may be too large or damaged",
                ) from None
            if kind == "progress":
                last = value
            elif kind == "result":
                process.join(2)  # it has answered and cleans up after itself
                return value
            else:
                raise _failed(kind, value, text, failure)
    finally:
        receiver.close()
        if process.is_alive():
            process.terminate()
            process.join(2)
            if process.is_alive():
                process.kill()
        process.join()


def _failed(kind: str, value: Any, text: str, failure: type[StudioError]) -> StudioError:
    """The error for what a worker process sent instead of a result."""
    if kind == "error":
        return cast(StudioError, value)
    if kind == "memory":
        return failure("ran out of memory", text, "the input may be too large or damaged")
    return failure(
        f"stopped: {value}", text, "the input may be damaged, or this is a bug: report it"
    )


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep a new process from running the program's main module once more.

    Python would, to unpickle what is defined there; a worker's functions never are, and the
    module may be a script without a guard, a prompt, or slow to import.
    """
    with _starting:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _serve(
    sender: Connection,
    memory_bytes: int | None,
    niceness: int,
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    # What `terminate` sends: leave through `finally`, so that no half file stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if os.name == "posix":
        os.nice(niceness)
    try:
        if memory_bytes is not None:
            _limit_memory(memory_bytes)
        result = work(*arguments)
        if isinstance(result, Generator):
            result = finish(result, lambda progress: sender.send(("progress", progress)))
        sender.send(("result", result))
    except StudioError as error:
        sender.send(("error", error))
    except MemoryError:
        sender.send(("memory", None))
    except Exception as fault:  # noqa: BLE001 - a bug, or a library's: told where it is waited for
        sender.send(("fault", f"{type(fault).__name__}: {fault}"))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave_with_parent() -> None:
    """A parent that was killed leaves no worker behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _limit_memory(extra_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; the timeout still holds there
        return
    if not os.path.exists("/proc/self/statm"):  # macOS: the timeout still holds
        return
    with open("/proc/self/statm", encoding="ascii") as statm:
        now = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + extra_bytes, now + extra_bytes))
