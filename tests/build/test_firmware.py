import dataclasses
import re
import threading
import time
from pathlib import Path

import pytest

from studio.build.banks import whole
from studio.build.firmware import (
    build,
    firmware_around,
    read_manifest,
    write_project,
)
from studio.build.link_map import Image, read_image
from studio.build.toolchains import toolchain
from studio.errors import BuildError
from studio.job import finish
from studio.targets.library import profile
from studio.targets.profile import Region
from studio.targets.resources import cache_folder
from tests.build import tiny_model

QEMU_BOARDS = (
    "virtual/mps2-an385", "virtual/mps2-an386", "virtual/mps2-an500", "virtual/mps2-an505",
    "virtual/mps3-an547",
)  # fmt: skip
ARM_COMPILERS = (pytest.param("zig"), pytest.param("gcc", marks=pytest.mark.needs_gcc))


def tiny_project(board):
    banks = whole(tiny_model.ARENA_BYTES, board)
    return firmware_around(tiny_model.files(), tiny_model.NAME, banks, board)


def project(folder: Path, board: str = "virtual/mps2-an386") -> Path:
    files = tiny_project(profile(board))
    write_project(files, folder)
    return folder


def built(folder: Path, compiler: str, board: str = "virtual/mps2-an386") -> Image:
    return finish(build(project(folder, board), toolchain(compiler)))


@pytest.fixture
def cold_cache(tmp_path, monkeypatch):
    """No kept objects; zig keeps its compiler-rt, which takes seconds to build."""
    zig = cache_folder() / "zig"
    zig.mkdir(parents=True, exist_ok=True)
    cold = tmp_path / "cold"
    cold.mkdir()
    (cold / "zig").symlink_to(zig.resolve())
    monkeypatch.setenv("STUDIO_CACHE", str(cold))
    return cold


@pytest.mark.parametrize("compiler", ARM_COMPILERS)
@pytest.mark.parametrize("board", QEMU_BOARDS)
def test_an_image_states_what_it_takes(tmp_path, board, compiler):
    image = built(tmp_path, compiler, board)
    assert image.arena_bytes == tiny_model.ARENA_BYTES
    assert image.arena_bytes < image.ram_bytes < image.arena_bytes + 512
    assert image.stack_bytes == 4096
    assert 5_000 < image.flash_bytes < 12_000
    assert image.flash_bytes == image.sections[".text"] + image.sections[".rodata"]
    assert image.symbols["tables"] == 512
    assert image.symbols["tms_monitor"] > 0


def test_the_same_firmware_builds_for_the_host(tmp_path):
    image = built(tmp_path, "host", "virtual/host")
    assert image.arena_bytes == tiny_model.ARENA_BYTES
    assert image.ram_bytes < 16_384


@pytest.mark.parametrize("compiler", ARM_COMPILERS)
def test_two_builds_in_two_folders_give_the_same_bytes(tmp_path, cold_cache, compiler):
    first = built(tmp_path / "a", compiler).elf.read_bytes()
    for kept in (cold_cache / "objects").rglob("*"):
        if kept.is_file():
            kept.unlink()
    assert built(tmp_path / "elsewhere" / "b", compiler).elf.read_bytes() == first


def test_generated_files_are_the_same_every_time_and_name_no_place_or_time(tmp_path):
    board = profile("virtual/mps2-an386")
    one, two = (tiny_project(board) for _ in range(2))
    assert one == two
    text = b"".join(one.values()).decode()
    assert str(Path.home()) + "/" not in text
    assert not re.search(r"20\d\d-\d\d-\d\d", text)


def test_a_second_build_takes_well_under_a_second(tmp_path):
    built(tmp_path, "zig")
    start = time.monotonic()
    built(tmp_path, "zig")
    assert time.monotonic() - start < 1.0


@pytest.mark.needs_gcc
def test_two_builds_at_once_do_not_disturb_each_other(tmp_path, cold_cache):
    images: list[Image] = []
    threads = [
        threading.Thread(target=lambda n=n: images.append(built(tmp_path / str(n), "gcc")))
        for n in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = (image.elf.read_bytes() for image in images)
    assert first == second
    assert not [kept for kept in (cold_cache / "objects").rglob("tmp*")]


def test_a_changed_header_is_compiled_again(tmp_path):
    folder = project(tmp_path)
    before = finish(build(folder, toolchain("zig"))).elf.read_bytes()
    header = folder / "port" / "port_config.h"
    header.write_text(header.read_text().replace("virtual/mps2-an386", "another board"))
    after = finish(build(folder, toolchain("zig"))).elf.read_bytes()
    assert b"another board" in after
    assert b"another board" not in before


def test_a_cancelled_build_leaves_no_image(tmp_path, cold_cache):
    folder = project(tmp_path)
    job = build(folder, toolchain("zig"))
    for _ in range(3):
        next(job)
    job.close()
    assert not list(folder.rglob("*.elf"))


@pytest.mark.parametrize("compiler", ARM_COMPILERS)
def test_the_compiler_objects_to_a_core_with_other_features(tmp_path, compiler):
    folder = project(tmp_path)
    manifest = folder / "build.toml"
    manifest.write_text(manifest.read_text().replace("cortex-m4f", "cortex-m3"))
    with pytest.raises(BuildError, match="refused it") as caught:
        finish(build(folder, toolchain(compiler)))
    assert "cortex-m4f has fpu" in caught.value.hint


@pytest.mark.parametrize("compiler", ARM_COMPILERS)
def test_a_program_that_does_not_fit_the_memory_is_refused(tmp_path, compiler):
    small = dataclasses.replace(
        profile("virtual/mps2-an386"),
        memory=(Region("f", "flash", 0, 1 << 20), Region("r", "ram", 0x20000000, 4608)),
    )
    write_project(tiny_project(small), tmp_path)
    with pytest.raises(BuildError) as caught:
        finish(build(tmp_path, toolchain(compiler)))
    assert "RAM does not hold the arena and the stack" in caught.value.hint


def test_the_first_complaint_of_the_compiler_is_the_hint(tmp_path):
    folder = project(tmp_path)
    (folder / "tiny.c").write_text("int broken(void) { return nowhere; }\n")
    with pytest.raises(BuildError) as caught:
        finish(build(folder, toolchain("zig")))
    assert caught.value.where == "tiny.c"
    assert "nowhere" in caught.value.hint


def test_a_board_without_a_port_is_refused():
    with pytest.raises(BuildError, match="no firmware") as caught:
        tiny_project(profile("nucleo_f401re"))
    assert caught.value.where == "nucleo_f401re"


def test_a_folder_without_a_project_and_a_damaged_one_are_refused(tmp_path):
    with pytest.raises(BuildError, match="not a generated project"):
        read_manifest(tmp_path)
    project(tmp_path)
    (tmp_path / "build.toml").write_text("fast = 3\n")
    with pytest.raises(BuildError, match="damaged"):
        read_manifest(tmp_path)
    project(tmp_path)
    (tmp_path / "tiny.c").unlink()
    with pytest.raises(BuildError, match="is missing"):
        finish(build(tmp_path, toolchain("zig")))


def test_a_file_that_is_no_elf_is_refused(tmp_path):
    path = tmp_path / "image.elf"
    path.write_bytes(b"no image")
    with pytest.raises(BuildError, match="not an image"):
        read_image(
            path, board="", model="", digest="", core="", toolchain="", stack_bytes=0
        )  # fmt: skip
