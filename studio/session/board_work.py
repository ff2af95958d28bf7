"""Jobs on the way to a board: code, build, flash, verify, time, live."""

from __future__ import annotations

import difflib
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from studio.errors import BoardError, DataError, ProfileError, ProjectError
from studio.job import Job, Progress
from studio.project import MOST_BYTES, Application
from studio.session.derived import Derived, reserve_of
from studio.session.model_work import compute
from studio.session.state import CodeDifference, Deployment, Reading, State, Station, Update
from studio.targets.figure import Figure

if TYPE_CHECKING:
    import numpy.typing as npt

    from studio.boards.flashers.flasher import Running
    from studio.boards.link import Link
    from studio.build.link_map import Image
    from studio.compiler.program import Program
    from studio.targets.profile import Profile

T = TypeVar("T")
STATIONS = ("Build", "Flash", "Verify", "Time")
"""Progress of `deploy` begins with the name of the station that it is at."""
VERIFY_SAMPLES = 20
POLL_S = 0.01
MOST_CURVES = 16


@dataclass(frozen=True, slots=True)
class Subject:
    """What is generated: the selected node's program for the selected board."""

    program: Program
    profile: Profile
    asked: State

    @property
    def board(self) -> str:
        """The board as the project calls it: of the user's own, that is a path."""
        return self.asked.project.board

    @property
    def reserved_bytes(self) -> int:
        """RAM of the application beside the model, as in its budget."""
        return reserve_of(self.asked.project.application).ram_bytes

    @property
    def code_of(self) -> tuple[Program, str, Application]:
        """What the generated code follows from."""
        return self.program, self.board, self.asked.project.application

    def carried(self, now: State) -> State:
        """`now` with the results that were computed on the way."""
        same = now.model is self.asked.model and now.dataset is self.asked.dataset
        return now.with_results(self.asked.results) if same else now


def open_board(name: str) -> Job[Update]:
    """A board file of the user's, read once before it is chosen."""
    from studio.targets.library import BOARD_FILES, file_and_device, names_file, of_device, profile

    yield Progress(f"Reading {Path(name).name}")
    if not names_file(name):
        raise ProfileError("is no board file", name, f"take {BOARD_FILES}")
    file, device = file_and_device(name)
    board = of_device(os.path.abspath(file), device)
    profile(board)
    yield Progress(f"Read {Path(name).name}")  # the last moment to cancel
    return lambda now: replace(now, history=now.history.edit(now.project.on_board(board)))


def read_boards(names: Sequence[str]) -> Job[dict[str, Profile | ProfileError]]:
    """What board files say, or why they cannot be read."""
    from studio.targets.library import profile

    found: dict[str, Profile | ProfileError] = {}
    for name in names:
        yield Progress(f"Reading {Path(name).name}")
        try:
            found[name] = profile(name)
        except ProfileError as error:
            found[name] = error
    return found


def open_application(asked: State, application: Application) -> Job[Update]:
    """The user's firmware, read once before it is taken into account."""
    yield Progress("Reading what the application takes")
    sizes = application.flash_bytes, application.ram_bytes
    if not all(0 <= size <= MOST_BYTES for size in sizes):
        raise ProjectError("is no size of an application", "", "give bytes, 0 for none")
    reserve_of(application)
    yield Progress("Read what the application takes")  # the last moment to cancel

    def update(now: State) -> State:
        if now.model is not asked.model:
            return now
        project = replace(now.project, application=application)
        return replace(now, history=now.history.edit(project))

    return update


def subject(asked: State, derived: Derived) -> Job[Subject]:
    """Run the way to the selected node where that was not done, and lower it."""
    from studio.targets.library import profile

    results = yield from compute(asked, asked.selected)
    asked = asked.with_results(results)
    result = asked.result(asked.selected)
    assert result is not None and result.model is not None
    yield Progress("Lowering")
    program = derived.program(result.model, asked.project.options)
    return Subject(program, profile(asked.project.board), asked)


def code(asked: State, derived: Derived) -> Job[Update]:
    """The files, to be read."""
    made = yield from subject(asked, derived)
    files = generated(made)

    def update(now: State) -> State:
        return replace(made.carried(now), code=files, code_of=made.code_of)

    return update


def compare_code(asked: State, derived: Derived, other: str) -> Job[Update]:
    """The files of two variants, line by line."""
    theirs = yield from subject(replace(asked, selected=other), derived)
    ours = yield from subject(theirs.carried(asked), derived)
    yield Progress("Comparing the files")
    before, after = generated(theirs), generated(ours)
    programs = theirs.program, ours.program
    found = CodeDifference(programs, ours.board, differences(before, after))

    def update(now: State) -> State:
        return replace(ours.carried(now), code=after, code_of=ours.code_of, difference=found)

    return update


def differences(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, str]:
    """A unified diff for each text that differs."""
    found = {}
    for path in sorted({*before, *after}):
        old, new = before.get(path, b""), after.get(path, b"")
        if old != new:
            ours, theirs = (data.decode("utf-8", "replace").splitlines() for data in (old, new))
            found[path] = "\n".join(difflib.unified_diff(ours, theirs, path, path, lineterm=""))
    return found


def generate(asked: State, derived: Derived, directory: Path) -> Job[Update]:
    """The files, written."""
    from studio.build.firmware import write_project

    made = yield from subject(asked, derived)
    yield Progress(f"Writing {directory}")
    files = generated(made)
    write_project(files, directory)

    def update(now: State) -> State:
        return replace(made.carried(now), code=files, code_of=made.code_of)

    return update


def generated(made: Subject) -> dict[str, bytes]:
    """A firmware project where the board has a port, else the model's plain C."""
    from studio.build.firmware import generated_files

    return generated_files(made.program, made.profile, made.reserved_bytes)


def deploy(asked: State, derived: Derived, port: str = "") -> Job[Update]:
    """Build, flash, verify, time; the board goes on running.

    At `port` is a board that runs the model already, however it got there.
    """
    made = yield from subject(asked, derived)
    begun = yield from (_attached(made, port) if port else _started(made))
    try:
        stations = yield from _examine(made, begun.running)
    except BaseException:
        begun.running.close()
        raise
    shown = (*begun.stations, *stations)
    deployed = Deployment(made.board, asked.selected, made.program, shown, begun.running)

    def update(now: State) -> State:
        if now.model is not asked.model:
            begun.running.close()
            return now
        return replace(made.carried(now), deployment=deployed)

    return update


@dataclass(frozen=True, slots=True)
class _Begun:
    """A board that runs, and the stations on the way there."""

    running: Running
    stations: tuple[Station, ...]


def _started(made: Subject) -> Job[_Begun]:
    """Build the firmware and flash it."""
    from studio.boards.flashers.flasher import flasher_for

    flasher = flasher_for(made.profile)
    with tempfile.TemporaryDirectory(prefix="tinyml-studio-") as folder:
        image = yield from _at("Build", _build(made, Path(folder)))
        stop(made.asked.deployment)
        plan = flasher.plan(made.profile, image)
        running = yield from _at("Flash", flasher.flash(plan))
    return _Begun(running, (_built(image), _flashed(running, flasher.id)))


def _attached(made: Subject, port: str) -> Job[_Begun]:
    """Take the board at `port` as it is; verifying says whether it runs this model."""
    from studio.boards.flashers.flasher import Running
    from studio.boards.link import Link

    yield Progress(f"Flash: asking the board at {port}")
    with Link(port) as link:
        told = f"left as it is: runs {link.info.model} {link.info.digest} at {port}"
    before = made.asked.deployment
    running = before.running if before is not None else None
    if running is None or running.port != port:
        stop(before)
        running = Running(port)
    return _Begun(running, (Station("Flash", "done", text=told),))


def stop(deployment: Deployment | None) -> None:
    """Give back what keeps a deployed board running here."""
    if deployment is not None and deployment.running is not None:
        deployment.running.close()


def _build(made: Subject, folder: Path) -> Job[Image]:
    from studio.build.firmware import build, project_files, write_project
    from studio.build.toolchains import toolchain

    write_project(project_files(made.program, made.profile, made.reserved_bytes), folder)
    host = made.profile.core == "host"
    return (yield from build(folder, toolchain("host" if host else made.asked.project.toolchain)))


def _examine(made: Subject, running: Running) -> Job[tuple[Station, ...]]:
    from studio.boards.link import Link
    from studio.boards.timing import timing
    from studio.boards.verify import verify
    from studio.build.banks import placed
    from studio.build.host import HostModel

    there, _ = placed(made.program, made.profile, reserved_bytes=made.reserved_bytes)
    host = yield from _at("Verify", HostModel.build(there))
    with Link(running.port) as link:
        verdict = yield from _at("Verify", verify(host, link, VERIFY_SAMPLES))
        times = yield from _at("Time", timing(link, made.profile))
        memory = link.memory()
    samples = f"{verdict.samples} random inputs, host C against board"
    identical = "identical" if verdict.identical else f"differs: {verdict.difference}"
    return (
        Station(
            "Verify",
            "done" if verdict.identical else "failed",
            {"compared_bytes": Figure(verdict.compared_bytes, "measured", samples)},
            identical,
        ),
        Station(
            "Time",
            "done",
            {
                times.unit: times.total,
                "stack_bytes": Figure(
                    memory.stack_used_bytes, "measured", "stack painted, most since the start"
                ),
            },
        ),
    )


def _built(image: Image) -> Station:
    where = f"linker map, {image.toolchain}"
    return Station(
        "Build",
        "done",
        {
            "flash_bytes": Figure(image.flash_bytes, "measured", where),
            "ram_bytes": Figure(image.ram_bytes, "measured", where),
            "arena_bytes": Figure(image.arena_bytes, "measured", where),
        },
    )


def _flashed(running: Running, flasher: str) -> Station:
    return Station("Flash", "done", text=f"runs at {running.port} ({flasher})")


def _at(station: str, job: Job[T]) -> Job[T]:
    """A job whose progress begins with the name of its station."""
    try:
        while True:
            try:
                progress = next(job)
            except StopIteration as end:
                result: T = end.value
                return result
            yield replace(progress, text=f"{station}: {progress.text}")
    finally:
        job.close()


def live(asked: State, rate_hz: Callable[[], float]) -> Generator[Reading, None, None]:
    """Windows of the test set, shuffled, again and again, and what the board answers."""
    import numpy as np

    from studio.boards.link import Link

    deployed, data = asked.deployment, asked.dataset
    if deployed is None or deployed.running is None or not deployed.running.alive:
        raise BoardError("no board runs", asked.project.board, "flash it first")
    if data is None:
        raise DataError("there is no data to send", asked.project.name, "open a data set")
    test = data.part("test")
    _check_sample(deployed, test.x.shape[1:])
    with Link(deployed.running.port) as link:
        order = np.random.default_rng(0).permutation(len(test))
        for index in itertools.cycle(order.tolist()):
            begun = time.monotonic()
            truth = -1 if test.y is None else int(test.y[index])
            yield _reading(deployed, link, test.x[index], test.labels, truth)
            while (time.monotonic() - begun) * rate_hz() < 1:
                time.sleep(POLL_S)


def _check_sample(deployed: Deployment, sample: tuple[int, ...]) -> None:
    """The board may run what was open before."""
    from studio.model.hops import hop_axis

    takes = deployed.program.inputs[0].logical_shape[1:]
    if sample != takes and hop_axis(sample, takes) is None:
        shapes = ["x".join(map(str, shape)) for shape in (takes, sample)]
        what = f"the board runs {deployed.program.name}, which takes {shapes[0]}, not {shapes[1]}"
        raise BoardError(what, deployed.board, "flash it again, or open the data of that model")


def _reading(
    deployed: Deployment, link: Link, sample: npt.NDArray[Any], labels: tuple[str, ...], truth: int
) -> Reading:
    import numpy as np

    from studio.model.hops import hops

    source, answer = deployed.program.inputs[0], deployed.program.outputs[0]
    pieces = hops(sample, source.logical_shape[1:])
    stored = [source.to_physical(source.quantize(piece[None])) for piece in pieces]
    begun = time.monotonic()
    outputs = [link.infer([piece], fresh=number == 0) for number, piece in enumerate(stored)]
    taken_s = (time.monotonic() - begun) / len(stored)
    scores = answer.dequantize(outputs[-1][0]).ravel()
    signal = np.asarray(sample, np.float32).reshape(sample.shape[0], -1)
    shares = probabilities(scores)
    return Reading(deployed.board, signal, picture(sample), shares, labels, truth, taken_s)


def picture(sample: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """A sample as a grey image [height, width] where people would look at it as one.

    Images [channels, height, width] are averaged over their channels; a matrix with more rows
    than anybody would plot as curves is taken as it is.
    """
    if sample.ndim == 3 and min(sample.shape[1:]) > 1:
        grey: npt.NDArray[Any] = sample.mean(axis=0)
        return grey
    return sample if sample.ndim == 2 and len(sample) > MOST_CURVES else None


def probabilities(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Scores as shares of 1: as they are where they are shares already, else their softmax."""
    import numpy as np

    if scores.min() >= 0 and abs(float(scores.sum()) - 1) < 0.05:
        return scores.astype(np.float32)
    powers = np.exp(scores - scores.max())
    shares: npt.NDArray[Any] = (powers / powers.sum()).astype(np.float32)
    return shares
