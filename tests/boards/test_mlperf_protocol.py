"""A client of MLPerf Tiny's text protocol, written from its description alone.

Commands end with '%', replies end with a line m-ready; the input is loaded as hexadecimal digits,
31 bytes a command; `infer N W` gives two lap times and the results.
"""

import dataclasses
import re

import numpy as np
import pytest
import serial

from studio.boards import virtual
from studio.build.banks import whole
from studio.build.firmware import build, firmware_around, write_project
from studio.build.toolchains import toolchain
from studio.job import finish
from studio.targets.library import profile
from tests.build import tiny_model

BYTES_A_COMMAND = 31


class Runner:
    def __init__(self, port: str) -> None:
        self.port = serial.Serial(port, 115_200, timeout=5)

    def command(self, text: str) -> list[str]:
        self.port.write(f"{text}%".encode())
        lines = []
        while True:
            line = self.port.readline()
            assert line.endswith(b"\n"), f"no answer to {text!r}, only {line!r} after {lines}"
            lines.append(line.decode("ascii").strip())
            if "m-ready" in lines[-1]:
                return lines

    def load(self, data: bytes) -> list[str]:
        self.command(f"db load {len(data)}")
        lines = []
        for at in range(0, len(data), BYTES_A_COMMAND):
            lines = self.command(f"db {data[at : at + BYTES_A_COMMAND].hex()}")
        return lines

    def infer(self, runs: int, warmups: int) -> tuple[list[int], list[float]]:
        lines = self.command(f"infer {runs} {warmups}")
        laps = [int(lap) for lap in all_in(lines, r"^m-lap-us-(\d+)$")]
        (results,) = all_in(lines, r"^m-results-\[(.+)]$")
        return laps, [float(value) for value in results.split(",")]


@pytest.fixture
def runner(running):
    found = Runner(running.port)
    with found.port:
        yield found


def all_in(lines: list[str], pattern: str) -> list[str]:
    return [match[1] for line in lines if (match := re.match(pattern, line))]


def found_in(lines: list[str], pattern: str) -> str:
    (only,) = all_in(lines, pattern)
    return only


def test_it_tells_its_name_and_profile(runner):
    assert found_in(runner.command("name"), r"^m-name-dut-\[([^]]+)]$").startswith("virtual/")
    lines = runner.command("profile")
    assert found_in(lines, r"^m-profile-\[([^]]+)]$")
    assert found_in(lines, r"^m-model-\[([^]]+)]$") == "tiny"


def test_a_loaded_input_is_inferred_however_often(runner):
    rng = np.random.default_rng(1)
    for runs, warmups in ((1, 0), (3, 2)):
        x = rng.integers(-128, 128, tiny_model.N).astype(np.int8)
        assert "m-load-done" in runner.load(x.tobytes())
        laps, results = runner.infer(runs, warmups)
        assert len(laps) == 2
        assert laps[1] >= laps[0]
        expected = (tiny_model.expected(x).astype(float) - 3) * 0.25
        np.testing.assert_allclose(results, expected, atol=1e-6)


def test_time_goes_on(runner):
    one, two = (int(found_in(runner.command("timestamp"), r"^m-lap-us-(\d+)$")) for _ in range(2))
    assert two > one


def test_help_names_every_command(runner):
    text = " ".join(runner.command("help"))
    for word in ("name", "profile", "db load", "infer", "timestamp", "results"):
        assert word in text


@pytest.mark.parametrize(
    "command, answer",
    [
        ("fly", "Unknown command: fly"),
        ("", "Unknown command"),
        ("db", "requires a subcommand"),
        ("db load", "requires the # of bytes"),
        ("db load 0", "requires the # of bytes"),
        ("db load 501", "More bytes than the model's input has"),
        ("infer 0 0", "must be >0"),
        ("infer 1 x", "must be >=0"),
        ("infer 99999999999 0", "must be >0"),
        ("x" * 500, "Command too long"),
    ],
)
def test_a_wrong_command_is_answered_with_an_error(runner, command, answer):
    line = runner.command(command)[0]
    assert line.startswith("e-[")
    assert answer in line


def test_hexadecimal_digits_are_checked(runner):
    runner.command("db load 4")
    assert "Invalid hex digit" in runner.command("db 01x2")[0]
    assert "Invalid hex digit" in runner.command("db 012")[0]


ECHO = """#include "echo.h"

static const tms_tensor inputs[] = {{"x", 0, 48, 0.0f, 0, {12}, TMS_FLOAT32}};
static const tms_tensor outputs[] = {{"y", 48, 48, 0.0f, 0, {12}, TMS_FLOAT32}};

static void run(void *arena) {
  for (int i = 0; i < 48; i++) {
    ((volatile uint8_t *)arena)[48 + i] = ((volatile uint8_t *)arena)[i];
  }
}

static void reset(void *arena) { (void)arena; }

const tms_model echo_model = {"echo", inputs, outputs, run, reset, 96, 1, 1, 0};
"""


def test_floats_are_written_with_six_decimals(tmp_path):
    """Without floating point in the monitor, so every kind of number is tried."""
    files = {
        "echo.h": b'#include "tms.h"\nextern const tms_model echo_model;\n',
        "echo.c": ECHO.encode(),
        "tms.h": tiny_model.files()["tms.h"],
    }
    board = profile("virtual/host")
    write_project(firmware_around(files, "echo", whole(96, board), board), tmp_path)
    values = [0, -0.0, 1, -1.5, 0.0039062, 1e-7, 5e-39, 123456.789, -3e9, np.inf, -np.inf, np.nan]
    x = np.array(values, np.float32)
    with virtual.start(board, finish(build(tmp_path, toolchain("host")))) as running:
        runner = Runner(running.port)
        with runner.port:
            runner.load(x.tobytes())
            _, results = runner.infer(1, 0)
    np.testing.assert_allclose(results, x, rtol=1e-7, atol=5.1e-7)


@pytest.mark.needs_qemu
def test_without_spare_memory_an_input_serves_once(tmp_path):
    """The bytes then wait in the arena itself, where an inference may overwrite them."""
    real = profile("virtual/mps2-an386")
    memory = (real.memory[0], dataclasses.replace(real.memory[1], size_bytes=4096 + 1024 + 600))
    tight = dataclasses.replace(real, memory=memory)
    write_project(firmware_around(tiny_model.files(), "tiny", whole(1024, tight), tight), tmp_path)
    x = np.arange(tiny_model.N).astype(np.int8)
    with virtual.start(tight, finish(build(tmp_path, toolchain("zig")))) as running:
        runner = Runner(running.port)
        with runner.port:
            assert "m-load-done" in runner.load(x.tobytes())
            assert "Not enough free RAM" in runner.command("infer 2 0")[0]
            _, results = runner.infer(1, 0)
    expected = (tiny_model.expected(x).astype(float) - 3) * 0.25
    np.testing.assert_allclose(results, expected, atol=1e-6)
