"""What a flasher is: one way to get an image into a board. One file each, found, not listed."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Protocol, Self

from studio.build.link_map import Image
from studio.errors import BoardError
from studio.job import Job
from studio.targets.profile import Profile


@dataclass(frozen=True, slots=True)
class FlashPlan:
    """What a flasher is going to do.

    Attributes:
        flasher: id of the flasher.
        profile: the board.
        image: what goes into it.
        port: the port or probe, "" where the board makes its own.
        steps: what will happen, for people.
    """

    flasher: str
    profile: Profile
    image: Image
    port: str
    steps: tuple[str, ...]


class Running:
    """A board that runs an image.

    Args:
        port: name of the serial port at which its monitor answers.
    """

    def __init__(self, port: str) -> None:
        self.port = port

    @property
    def alive(self) -> bool:
        """False where it is known to have stopped."""
        return True

    def close(self) -> None:
        """Give back what keeps the board running here; a real board runs on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Flasher(Protocol):
    """One way to get an image into a board."""

    id: str

    def serves(self, profile: Profile) -> bool:
        """True where this way can flash such a board."""

    def find(self, profile: Profile) -> tuple[str, ...]:
        """Ports or probes at which such a board is connected now."""

    def plan(self, profile: Profile, image: Image, port: str = "") -> FlashPlan:
        """What flashing would do; touches nothing.

        Raises:
            BoardError: the image is not for this board, or no board is there.
        """

    def flash(self, plan: FlashPlan) -> Job[Running]:
        """Do it, and check that the board then runs the image's model.

        Raises:
            BoardError: what went wrong, and what to do.
        """


@cache
def flashers() -> dict[str, Flasher]:
    """All flashers by id: every module of this folder that has FLASHER."""
    import studio.boards.flashers as room

    found: dict[str, Flasher] = {}
    for info in pkgutil.iter_modules(room.__path__):
        module = importlib.import_module(f"{room.__name__}.{info.name}")
        flasher = getattr(module, "FLASHER", None)
        if flasher is not None:
            found[flasher.id] = flasher
    return found


def flasher_for(profile: Profile) -> Flasher:
    """The first flasher that serves a board.

    Raises:
        BoardError: none does.
    """
    for flasher in flashers().values():
        if flasher.serves(profile):
            return flasher
    ways = ", ".join(profile.uploads)
    raise BoardError(
        "cannot be flashed from here yet" + (f" (it takes {ways})" if ways else ""),
        profile.id,
        "generate C for it, or take a virtual board",
    )
