"""Long work as a generator: it yields Progress and returns its result.

A job runs wherever someone drives it: `finish` on the command line and in tests, a
thread in the window. Closing the generator cancels it; a job cleans up in `finally`.
Work that must not block or take down this process goes through `in_process`.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, TypeVar, overload

from studio.errors import StudioError

T = TypeVar("T")


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
    process = context.Process(
        target=_serve, args=(sender, memory_bytes, work, arguments), daemon=True
    )
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
                raise value
    finally:
        receiver.close()
        if process.is_alive():
            process.terminate()
            process.join(2)
            if process.is_alive():
                process.kill()
        process.join()


def _serve(
    sender: Connection,
    memory_bytes: int | None,
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
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
        sender.send(("error", StudioError("ran out of memory", work.__name__)))


def _limit_memory(extra_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; the timeout still holds there
        return
    with open("/proc/self/statm", encoding="ascii") as statm:
        now = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + extra_bytes, now + extra_bytes))
