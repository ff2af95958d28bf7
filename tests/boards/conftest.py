"""Virtual boards that run the tiny model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.boards.flashers.flasher import Running, flasher_for
from studio.build.banks import whole
from studio.build.firmware import build, firmware_around, write_project
from studio.build.link_map import Image
from studio.build.toolchains import toolchain
from studio.job import finish
from studio.targets.library import profile
from tests.build import tiny_model
from tests.conftest import missing


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Image]:
    """Builds the tiny model for a board."""

    def made(board: str, compiler: str = "", salt: int = 0) -> Image:
        chosen = compiler or ("host" if board == "virtual/host" else "zig")
        folder: Path = tmp_path_factory.mktemp("project")
        files = tiny_model.files(salt)
        banks = whole(tiny_model.ARENA_BYTES, profile(board))
        project = firmware_around(files, "tiny", banks, profile(board))
        write_project(project, folder)
        return finish(build(folder, toolchain(chosen)))

    return made


@pytest.fixture(scope="session")
def flash(image: Callable[..., Image]) -> Callable[..., Running]:
    """Builds and starts a board; whoever calls it closes what comes back."""

    def started(board: str, compiler: str = "", salt: int = 0) -> Running:
        if board != "virtual/host":
            missing("needs_qemu")
        if compiler == "gcc":
            missing("needs_gcc")
        flasher = flasher_for(profile(board))
        return finish(flasher.flash(flasher.plan(profile(board), image(board, compiler, salt))))

    return started


@pytest.fixture(params=["virtual/host", "virtual/mps2-an386"])
def running(request: pytest.FixtureRequest, flash: Callable[..., Running]):
    """A board on this computer, and one in QEMU."""
    with flash(request.param) as board:
        yield board
