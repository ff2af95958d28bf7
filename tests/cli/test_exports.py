"""`budget` writes tables and the picture of the arena."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

from studio.targets.resources import resource

DIGITS = resource("resources/examples/digits/digits.onnx")
BOARDS = ("--board", "stm32f746g_disco", "--board", "rpi_pico")

Studio = Callable[..., Any]


def test_tables_and_map_are_written(studio: Studio, tmp_path: Path) -> None:
    boards, layers = tmp_path / "boards.csv", tmp_path / "layers.csv"
    document, svg, png = tmp_path / "boards.md", tmp_path / "map.svg", tmp_path / "map.PNG"
    words = ("--csv", boards, "--layers-csv", layers, "--markdown", document, "--map", svg)
    ran = studio("budget", DIGITS, *BOARDS, *words, "--json")
    first, second = ran.data["budgets"]
    head, *rows = csv.reader(boards.read_text().splitlines())
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["board"] for row in table] == ["stm32f746g_disco", "rpi_pico"]
    for row, one in zip(table, (first, second), strict=True):
        assert float(row["flash_bytes"]) == one["flash_bytes"]["value"]
    head, *rows = csv.reader(layers.read_text().splitlines())
    assert [row[0] for row in rows] == [layer["name"] for layer in first["layers"]]
    assert document.read_text().count("\n") == 4
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    assert studio("budget", DIGITS, *BOARDS, "--map", png).status == ran.status
    with Image.open(png) as image:
        assert image.format == "PNG"


def test_a_map_by_another_name_and_a_folder_that_is_not_there_are_refused(
    studio: Studio, tmp_path: Path
) -> None:
    for name, word in (("map.gif", ".svg or .png"), ("none/map.svg", "another folder")):
        ran = studio("budget", DIGITS, *BOARDS, "--map", tmp_path / name, "--json")
        assert ran.status == 2
        assert word in ran.data["error"]["hint"]
        assert name.split("/")[-1] in ran.data["error"]["where"]


def two_banks(folder: Path, sram_bytes: int) -> Path:
    board = folder / "two.toml"
    board.write_text(f"""
name = "Two banks"
mcu = "none"
core = "cortex-m7"
[[memory]]
name = "flash"
kind = "flash"
address = 0x08000000
size_bytes = 1_048_576
[[memory]]
name = "sram1"
kind = "ram"
address = 0x24000000
size_bytes = {sram_bytes}
[[memory]]
name = "dtcm"
kind = "ram"
address = 0x20000000
size_bytes = 9_000
""")
    return board


@pytest.mark.parametrize("plan", ["layerwise", "small"])
def test_two_banks_are_named(studio: Studio, tmp_path: Path, plan: str) -> None:
    board = two_banks(tmp_path, 14_000)
    model, folder = DIGITS, tmp_path / "c"
    ran = studio("budget", model, "--board", board, "--plan", plan, "--json")
    text = studio("budget", model, "--board", board, "--plan", plan).out
    (one,) = ran.data["budgets"]
    assert ran.status == 0
    generated = studio("generate", model, "--board", board, "--plan", plan, "-o", folder, "--json")
    assert generated.data["banks"] == one["banks"]["arena"]
    several = one["banks"]["several"]
    assert several == (plan == "layerwise")
    header = (folder / "digits.h").read_text()
    assert several == ("needs two banks: " in text)
    assert ("_SECOND_BYTES" in header) == several


def test_the_map_leaves_the_same_room_as_the_budget(studio: Studio, tmp_path: Path) -> None:
    svg, words = tmp_path / "map.svg", ("--board", two_banks(tmp_path, 24_000), "--json")
    for reserve, several in ((0, False), (9_000, True)):
        asked = (*words, "--reserve-ram", str(reserve), "--map", svg)
        (one,) = studio("budget", DIGITS, *asked).data["budgets"]
        assert one["banks"]["several"] == several
        assert ("dtcm" in svg.read_text()) == several
