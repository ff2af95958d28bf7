"""What a budget gives to other programs: the arena as a picture, tables as CSV."""

from __future__ import annotations

import csv
import io
import random
import re
from dataclasses import replace
from itertools import product
from time import process_time
from xml.etree import ElementTree

import pytest
from nets import MLPERF
from PIL import Image

from studio.budget import Reserve, budget, peak, side_by_side, tables
from studio.budget.arena_map import Span, common, short_names, spans, without
from studio.budget.layers import as_csv
from studio.budget.map_picture import HEIGHT, WIDTH, picture
from studio.budget.picture import Picture, Words, elided, text_width
from studio.compiler.lower import lower
from studio.compiler.program import Options, Piece, Program
from studio.compiler.split import split
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.targets.library import profile

SVG = "{http://www.w3.org/2000/svg}"


def lowered(name: str, plan: str) -> Program:
    return lower(preview(QuantizeInt8(), MLPERF[name]()), Options(plan=plan))


def drawn(program: Program) -> ElementTree.Element:
    return ElementTree.fromstring(picture(program, peak(program)[0]).svg())


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("plan", ["layerwise", "small"])
def test_the_map_names_layers_and_marks_the_peak(plan: str) -> None:
    program = lowered("kws", plan)
    root, names = drawn(program), short_names(program)
    written = texts(root)
    fullest = names[[call.layer for call in program.calls].index(peak(program)[0])]
    assert f"fullest at {fullest}" in written
    assert f"arena {program.arena_bytes:,} B = lower bound".replace(",", " ") in written
    for name in names:
        assert any(text.rstrip("\u2026") and name.startswith(text.rstrip("\u2026"))
                   for text in written)  # fmt: skip
    assert ("ring of rows" in written) == (plan == "small")


def test_every_buffer_is_a_box_at_its_place() -> None:
    program = lowered("ic", "layerwise")
    boxes = [e.attrib for e in drawn(program).iter(f"{SVG}rect") if e.get("stroke")]
    assert len(boxes) == len(program.buffers)
    row = max(float(box["height"]) for box in boxes) / 16384
    for span, box in zip(spans(program), boxes, strict=True):
        height = (span.end - span.start) * row
        assert float(box["height"]) == pytest.approx(max(height, 1.0), abs=2)
    low, high = (max(boxes, key=lambda b: float(b["y"])), min(boxes, key=lambda b: float(b["y"])))
    assert 0 <= float(high["y"]) < float(low["y"]) < HEIGHT


def test_nothing_lies_outside_and_letters_can_be_read() -> None:
    for program in (lowered("vww", "small"), lowered("ad", "fast")):
        for words in picture(program, peak(program)[0]).shapes:
            if isinstance(words, Words):
                assert words.size >= 11
                wide = text_width(words.text, words.size)
                left = {"start": 0.0, "middle": wide / 2, "end": wide}[words.anchor]
                if words.upright:
                    assert words.y + left < HEIGHT
                else:
                    assert 0 <= words.x - left <= words.x - left + wide <= WIDTH


def test_two_banks_are_told_apart() -> None:
    two = split(lowered("ic", "layerwise"), Piece("dtcm", 34_000), Piece("sram1", 20_480))
    assert two is not None
    written = texts(drawn(two))
    for piece in two.pieces:
        assert f"{piece.bank} {piece.size_bytes:,} B".replace(",", " ") in written


def test_names_from_a_file_cannot_break_the_drawing() -> None:
    made = Picture("a < b & \x00c", 100, 50, "#ffffff")
    made.add(Words(10, 10, '</text><script>"\x07\ud800', 12, "#000000"))
    root = ElementTree.fromstring(made.svg())
    assert texts(root) == ['</text><script>"']
    assert root.findtext(f"{SVG}title") == "a < b & c"


def test_the_png_shows_the_same_twice_as_fine() -> None:
    program = lowered("kws", "small")
    made = picture(program, peak(program)[0])
    image = Image.open(io.BytesIO(made.png()))
    assert image.size == (2 * WIDTH, 2 * HEIGHT)
    assert made.png() == made.png()
    assert image.text["Title"] == "kws: memory, plan small"
    colours = {colour for _, colour in image.getcolors(1 << 20)}
    assert len(colours) > 50
    assert (255, 255, 255) in colours
    worst = [c for c in colours if abs(c[0] - 0xC4) + abs(c[1] - 0x30) + abs(c[2] - 0x2B) < 12]
    assert worst


def test_long_names_end_in_dots() -> None:
    assert elided("convolution", 12, 1000) == "convolution"
    short = elided("convolution", 12, 40)
    assert re.fullmatch(r"conv\w*\u2026", short)
    assert text_width(short, 12) <= 40
    assert elided("convolution", 12, 3) == ""


def test_a_box_without_a_hole_covers_the_rest() -> None:
    dice = random.Random(1)
    for _ in range(200):
        numbers = [sorted(dice.sample(range(9), 2)) for _ in range(4)]
        box = Span(0, *numbers[0], *numbers[1])
        hole = Span(1, *numbers[2], *numbers[3])
        inside = common(box, hole)
        for call, address in product(range(9), repeat=2):

            def there(span: Span, at: int = call, to: int = address) -> bool:
                return span.first <= at <= span.last and span.start <= to < span.end

            rest = any(there(part) for part in without(box, hole))
            assert rest == (there(box) and not there(inside))


def test_the_table_of_layers_is_csv() -> None:
    found = budget(lowered("kws", "layerwise"), profile("nrf52840_dk"))
    head, *rows = csv.reader(io.StringIO(as_csv(found.layers)))
    assert head == ["name", "kernel", "macs", "weight_bytes", "activation_bytes", "scratch_bytes",
                    "instructions", "error"]  # fmt: skip
    assert len(rows) == len(found.layers)
    assert sum(int(row[2]) for row in rows) == found.macs.value
    assert sum(float(row[6]) for row in rows) == found.instructions.value  # type: ignore[union-attr]
    assert {len(row) for row in rows} == {len(head)}


def renamed(program: Program, name: str) -> Program:
    calls = (replace(call, layer=f"{name}{at}") for at, call in enumerate(program.calls))
    buffers = (replace(buffer, name=f"{name}{at}") for at, buffer in enumerate(program.buffers))
    return replace(program, calls=tuple(calls), buffers=tuple(buffers))


@pytest.mark.parametrize("name", ["<b>&\"'", "a\nb", "\0\x1b", "x" * 100_000, "/" * 100_000])
def test_a_map_is_drawn_whatever_the_names(name: str) -> None:
    program = renamed(lowered("kws", "layerwise"), name)
    began = process_time()
    root = drawn(program)
    assert process_time() - began < 10
    assert max(map(len, texts(root))) < 500


def test_names_stay_text_in_tables() -> None:
    program = renamed(lowered("kws", "layerwise"), "=1+1|\n")
    found = budget(program, replace(profile("bluepill_f103c8"), id="@board"))
    assert all(
        row.startswith("'=") for row, *_ in list(csv.reader(io.StringIO(as_csv(found.layers))))[1:]
    )
    _, (board, *_) = csv.reader(io.StringIO(side_by_side.as_csv([found])))
    assert board == "'@board"
    head, line, row = side_by_side.as_markdown([found]).splitlines()
    assert {text.replace("\\|", "").count("|") for text in (head, line, row)} == {18}
    assert tables.as_csv([["-1.5", "+3 %", "-12 kB", -2, "-1+1", "+cmd|x"]]) == (
        "-1.5,+3 %,-12 kB,-2,'-1+1,'+cmd|x\n"
    )


def test_an_application_stands_beside_the_model() -> None:
    board, program = profile("bluepill_f103c8"), lower(MLPERF["ad"]())
    found = budget(program, board, reserve=Reserve(10_000_000, 5_000))
    row = dict(zip(side_by_side.COLUMNS, side_by_side.rows([found])[0], strict=True))
    assert (row["reserve_flash_bytes"], row["reserve_ram_bytes"]) == ("10000000", "5000")
    over = int(row["flash_bytes"]) + 10_000_000 - int(row["flash_limit_bytes"])
    assert over == int(row["over_flash_bytes"]) > 0
    assert "most of it application" in row["why"]
