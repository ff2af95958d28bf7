"""Flashing a virtual board: it starts with the image in it."""

from __future__ import annotations

from dataclasses import dataclass

from studio.boards import virtual
from studio.boards.flashers.flasher import FlashPlan, Running
from studio.boards.link import Link
from studio.build.link_map import Image
from studio.errors import BoardError
from studio.job import Job, Progress
from studio.targets.profile import Profile


@dataclass(frozen=True, slots=True)
class VirtualFlasher:
    """Starts QEMU, or the firmware as a process of this computer."""

    id: str = "virtual"

    def serves(self, profile: Profile) -> bool:
        """True for boards that start by themselves."""
        return profile.virtual

    def find(self, profile: Profile) -> tuple[str, ...]:
        """A virtual board makes its port when it starts."""
        return ()

    def plan(self, profile: Profile, image: Image, port: str = "") -> FlashPlan:
        """What flashing would do; starts nothing."""
        if image.board != profile.id:
            raise BoardError(
                f"the image was built for {image.board}", profile.id, "build it for this board"
            )
        if port:
            hint = "leave the port out, or take a real board"
            raise BoardError("a virtual board makes a port of its own", port, hint)
        program = profile.machine and f"QEMU machine {profile.machine}"
        steps = (
            f"start {image.elf.name} in {program or 'a process of this computer'}",
            f"check that it runs {image.model} {image.digest}",
        )
        return FlashPlan(self.id, profile, image, port, steps)

    def flash(self, plan: FlashPlan) -> Job[Running]:
        """Start the board and ask it what it runs."""
        yield Progress(plan.steps[0], 0.0)
        running = virtual.start(plan.profile, plan.image)
        try:
            yield Progress(plan.steps[1], 0.5)
            with Link(running.port) as link:
                check(link, plan.image)
        except BaseException:
            running.close()
            raise
        return running


def check(link: Link, image: Image) -> None:
    """See that a board runs an image's model.

    Raises:
        BoardError: it runs another one.
    """
    if link.info.digest != image.digest:
        raise BoardError(
            f"runs {link.info.model} {link.info.digest}, not {image.model} {image.digest}",
            link.port.url,
            "flash it again",
        )


FLASHER = VirtualFlasher()
