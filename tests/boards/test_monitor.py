"""The monitor under the sanitizers, with whatever may come over a line."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from studio.boards.frames import Frame, FrameType, encode
from studio.build.banks import whole
from studio.build.firmware import firmware_around, read_manifest, write_project
from studio.targets.library import profile
from tests.build import tiny_model

COMMANDS = (
    "name", "profile", "timestamp", "help", "results", "bogus", "", "db", "db load 500",
    "db load 5", f"db {'00' * 31}", "db 1", "infer 1 0", "infer 2 1", "infer", "infer -1",
    "db load 99999999999",
)  # fmt: skip
REQUESTS = (*FrameType, 99)
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("no cc on PATH")
    folder = tmp_path_factory.mktemp("sanitized")
    here = profile("virtual/host")
    write_project(firmware_around(tiny_model.files(), "tiny", whole(1024, here), here), folder)
    manifest = read_manifest(folder)
    subprocess.run(
        ["cc", *STRICT, *SANITIZERS, "-g", "-pthread", "-DTMS_TRACE", "-I.", "-Isrc", "-Iport",
         "-Imonitor", *manifest.fast, *manifest.small, "-o", "sanitized"],
        cwd=folder, check=True,
    )  # fmt: skip
    return folder / "sanitized"


def noise(rng: random.Random) -> bytes:
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice(COMMANDS).encode() + b"%"
    if kind == 1:
        return rng.randbytes(rng.randrange(600))
    if kind == 2:
        head = b"\0" + rng.randrange(510).to_bytes(4, "little")
        return encode(Frame(rng.choice((2, 4)), 1, 0, head + rng.randbytes(rng.randrange(230))))
    payload = rng.randbytes(rng.choice((0, 1, 2, 3, 5, 6, 9, 50, 240)))
    line = bytearray(encode(Frame(rng.choice(REQUESTS), rng.randrange(4), 0, payload)))
    if kind == 3:
        line[rng.randrange(len(line))] ^= 1 << rng.randrange(8)
    return bytes(line)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_that_comes_makes_the_monitor_touch_foreign_memory(sanitized, seed):
    rng = random.Random(seed)
    line = b"".join(noise(rng) for _ in range(2_000))
    ended = subprocess.run([sanitized], input=line, capture_output=True, timeout=60)
    assert ended.stderr == b""
    assert ended.returncode == 0  # the end of its input switches it off
    assert b"m-ready" in ended.stdout
