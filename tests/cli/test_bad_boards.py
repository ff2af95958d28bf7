"""Bad profiles, descriptions, manifests and maps: each is one named error, here and in the window.

Every error says what, where and what to do next, in a line or two, and nothing takes long.
"""

from __future__ import annotations

import json
import os
import random
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.targets.library import profile
from studio.targets.resources import resource

DIGITS = resource("resources/examples/digits/digits.onnx")
BOARD = "nrf52840_dk"
TOML = """name = "B"
mcu = "M"
core = "cortex-m4f"
[[memory]]
name = "flash"
kind = "flash"
address = 0
size_bytes = 1048576
[[memory]]
name = "ram"
kind = "ram"
address = 0x20000000
size_bytes = 65536
"""
PACK = """<package><devices><family Dfamily="F"><processor Dcore="Cortex-M4" Dfpu="1"/>
<device Dname="F401"><memory id="IROM1" start="0x08000000" size="0x80000"/>
<memory id="IRAM1" start="0x20000000" size="0x18000"/></device></family></devices></package>"""
MANIFEST = {
    "name": "N",
    "build": {"cpu": "cortex-m4", "f_cpu": "84000000L", "mcu": "x"},
    "upload": {"maximum_ram_size": 98304, "maximum_size": 524288},
}
MAP = """.text           0x08000000     0x1000
.data           0x20000000       0x40
.bss            0x20000040      0x800
"""
LLD = "     VMA      LMA     Size Align Out\n20000040 20000040 fffffffffffffff  4 .bss\n"

LARGE = b"<a>"  # and zeros behind it, 300 megabytes in all

Studio = Callable[..., Any]


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    begin = time.process_time()
    yield
    assert time.process_time() - begin < 10


def refused(studio: Studio, path: Path, content: str | bytes, *words: object) -> dict[str, str]:
    """The error that a file is answered with, checked for all that errors must have."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if content is LARGE:
        with path.open("r+b") as stream:
            stream.truncate(300 << 20)
    ran = studio("budget", DIGITS, *words, "--json")
    assert ran.status == 2
    assert "Traceback" not in ran.out + ran.err
    error: dict[str, str] = ran.data["error"]
    assert path.name in error["where"]
    assert all(0 < len(error[key]) < 400 for key in ("what", "where", "hint"))
    plain = studio("budget", DIGITS, *words)
    assert plain.status == 2
    assert error["what"] in plain.err
    return error


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(TOML.replace("0x20000000", "0x100"), "overlap", id="overlap"),
        pytest.param(TOML.replace("65536", "-4"), "not positive", id="negative-size"),
        pytest.param(TOML.replace("0x20000000", "-4"), "32-bit", id="negative-address"),
        pytest.param(TOML.replace("1048576", "0"), "not positive", id="zero-flash"),
        pytest.param(TOML.replace("cortex-m4f", "z80"), "unknown core", id="unknown-core"),
        pytest.param(TOML.replace('"ram"\n', '"x"\n'), "neither flash nor ram", id="kind"),
        pytest.param(TOML.replace('name = "ram"', 'name = "flash"'), "two regions", id="twice"),
        pytest.param(TOML.replace("65536", "1" * 6000), "cannot be read", id="huge-decimal"),
        pytest.param(TOML.replace("65536", "0x" + "f" * 9000), "32-bit", id="huge-hexadecimal"),
        pytest.param(TOML.replace("65536", "inf"), "is float", id="infinite"),
        pytest.param(TOML.replace("65536", "true"), "is bool", id="boolean"),
        pytest.param(TOML.replace('"B"', '"\\u0000"'), "no name", id="control-characters"),
        pytest.param(TOML.split("[[")[0] + "memory = [1]", "[[memory]]", id="wrong-type"),
        pytest.param("clock_hz = {value = 0x" + "f" * 9000 + ', source = "x"}\n' + TOML,
                     "too large", id="huge-clock"),
        pytest.param('active_ma = {value = nan, source = "x"}\n' + TOML, "positive", id="nan"),
        pytest.param("a = " + "[" * 60_000, "cannot be read", id="deep-lists"),
        pytest.param(".".join(["a"] * 30_000) + " = 1", "too many parts", id="deep-keys"),
        pytest.param('port = "nope"\n' + TOML, "no port", id="unknown-port"),
        pytest.param('port = "../../resources"\n' + TOML, "no port", id="port-elsewhere"),
        pytest.param('machine = "x,dumpdtb=/tmp/x"\n' + TOML, "no machine", id="machine-options"),
        pytest.param('uploads = ["\\u001b[31m"]\n' + TOML, "no name", id="terminal-codes"),
        pytest.param(TOML.replace('"ram"\nk', '"\\u001b[31m"\nk'), "no name", id="region-name"),
        pytest.param(TOML.replace('"ram"\nk', '"' + "x" * 300 + '"\nk'), "too long",
                     id="long-region-name"),
        pytest.param(TOML + "".join(f"[[memory]]\nname = 'r{i}'\nkind = 'ram'\n"
                     f"address = {0x30000000 + 64 * i}\nsize_bytes = 64\n" for i in range(64)),
                     "more than 64 regions", id="many-regions"),
        pytest.param(bytes(range(256)) * 10, "cannot be read", id="binary"),
        pytest.param(LARGE, "larger than", id="large"),
        pytest.param("", "is missing", id="empty"),
    ],
)  # fmt: skip
def test_a_bad_profile(studio: Studio, tmp_path: Path, content: str | bytes, what: str) -> None:
    path = tmp_path / "bad.toml"
    assert what in refused(studio, path, content, "--board", path)["what"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param('<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><p>&b;</p>',
                     "entities", id="entity-bomb"),
        pytest.param('<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><p>&x;</p>',
                     "entities", id="external-entity"),
        pytest.param('<!DOCTYPE p [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><p/>',
                     "entities", id="parameter-entity"),
        pytest.param('<!DOCTYPE p SYSTEM "http://example.com/x.dtd"><p/>', "document type",
                     id="external-type"),
        pytest.param("<p>&nothing;</p>", "no XML", id="undefined-entity"),
        pytest.param(PACK.replace("0x18000", "-8"), "not positive", id="negative-size"),
        pytest.param(PACK.replace('"0x80000"', '"0"'), "not positive", id="zero-flash"),
        pytest.param(PACK.replace("0x20000000", "0x" + "f" * 9000), "32-bit", id="huge-address"),
        pytest.param(PACK.replace("0x20000000", "9" * 6000), "no number", id="huge-decimal"),
        pytest.param(PACK.replace("0x20000000", "0x08000000"), "overlap", id="overlap"),
        pytest.param(PACK.replace("Cortex-M4", "Cortex-A53"), "unknown core", id="unknown-core"),
        pytest.param(PACK.replace("F401", "F" * 1_000_000), "no name", id="long-name"),
        pytest.param(PACK.replace("<memory id=\"IRAM1\"", "<memory id='IRAM1' " + "".join(
                     f"a{i}='' " for i in range(300_000))).replace("0x18000", "0"),
                     "not positive", id="many-attributes"),
        pytest.param("<family>" + "".join(f'<memory id="M{i}"/>' for i in range(200_000))
                     + "".join(f'<device Dname="D{i}"/>' for i in range(19_999)) + "</family>",
                     "too many memories", id="inherited-by-many"),
        pytest.param("<a>" * 100_000, "nested too deeply", id="deep"),
        pytest.param(bytes(range(256)) * 10, "no XML", id="binary"),
        pytest.param(LARGE, "larger than", id="large"),
        pytest.param("", "no XML", id="empty"),
    ],
)  # fmt: skip
def test_a_bad_description(studio: Studio, tmp_path: Path, content: str | bytes, what: str) -> None:
    path = tmp_path / "bad.pdsc"
    assert what in refused(studio, path, content, "--board", path)["what"]


def manifest(part: str, **changes: object) -> str:
    made: dict[str, Any] = json.loads(json.dumps(MANIFEST))
    made[part].update(changes)
    return json.dumps(made)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param("[" * 1_000_000, "cannot be read", id="deep-lists"),
        pytest.param('{"build":' * 100_000, "cannot be read", id="deep-objects"),
        pytest.param(json.dumps(MANIFEST | {"build": [1]}), "has no 'build'", id="wrong-part"),
        pytest.param(json.dumps(MANIFEST | {"name": {"a": 1}}), "no text", id="wrong-name"),
        pytest.param(manifest("build", cpu=7), "no text", id="wrong-core"),
        pytest.param(manifest("build", cpu="z80"), "unknown core", id="unknown-core"),
        pytest.param(manifest("upload", maximum_size=1.5), "states no size", id="fraction"),
        pytest.param(manifest("upload", maximum_size=True), "states no size", id="boolean"),
        pytest.param(manifest("upload", maximum_size=0), "not positive", id="zero-flash"),
        pytest.param(manifest("upload", maximum_ram_size=-5), "not positive", id="negative"),
        pytest.param(manifest("upload", maximum_size=10**4000), "32-bit", id="huge"),
        pytest.param('{"upload": ' + "9" * 10_000 + "}", "cannot be read", id="huge-decimal"),
        pytest.param(manifest("upload", maximum_size=float("nan")), "states no size", id="nan"),
        pytest.param(bytes(range(256)), "cannot be read", id="binary"),
        pytest.param(LARGE, "larger than", id="large"),
        pytest.param("", "cannot be read", id="empty"),
    ],
)  # fmt: skip
def test_a_bad_manifest(studio: Studio, tmp_path: Path, content: str | bytes, what: str) -> None:
    path = tmp_path / "bad.json"
    assert what in refused(studio, path, content, "--board", path)["what"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(MAP.replace("0x800\n", "0x" + "f" * 16 + "\n"), "32-bit", id="huge-size"),
        pytest.param(MAP.replace("0x800\n", "-0x800\n"), "32-bit", id="negative-size"),
        pytest.param(MAP.replace("0x20000040", "-0x20000040"), "32-bit", id="negative-address"),
        pytest.param(MAP.replace("0x20000040", "0x" + "f" * 9000), "32-bit", id="huge-address"),
        pytest.param(LLD, "32-bit", id="huge-size-lld"),
        pytest.param(random.Random(0).randbytes(100_000), "neither", id="binary"),
        pytest.param(b"\n 0x" * 1_000_000, "neither", id="broken-lines"),
        pytest.param(LARGE, "larger than", id="large"),
        pytest.param("", "neither", id="empty"),
    ],
)
def test_a_bad_map(studio: Studio, tmp_path: Path, content: str | bytes, what: str) -> None:
    path = tmp_path / "bad.map"
    words = ("--board", BOARD, "--application", path)
    assert what in refused(studio, path, content, *words)["what"]


def elf() -> bytes:
    """An ELF file of three sections whose symbol table is said to be something else."""
    names = b"\0.bss\0.shstrtab\0.symtab\0"
    sections = [
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (1, 8, 3, 0x20000000, 52, 64, 0, 0, 4, 0),
        (6, 3, 0, 0, 52, len(names), 0, 0, 1, 0),
        (16, 1, 0, 0, 52, 16, 0, 0, 4, 16),
    ]
    head = b"\x7fELF\1\1\1" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 40, 1, 0, 0, 52 + len(names), 0, 52, 0, 0, 40, len(sections), 2
    )  # fmt: skip
    return head + names + b"".join(struct.pack("<10I", *section) for section in sections)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(elf()[:20], id="in-the-head"),
        pytest.param(elf()[:100], id="in-the-sections"),
        pytest.param(elf()[:-10], id="at-the-end"),
        pytest.param(elf(), id="no-symbol-table"),
        pytest.param(b"\x7fELF" + random.Random(1).randbytes(10_000), id="garbage"),
    ],
)
def test_a_damaged_elf_file(studio: Studio, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "app.elf"
    words = ("--board", BOARD, "--application", path)
    assert "not an image" in refused(studio, path, content, *words)["what"]


def test_an_elf_file_of_nothing_or_of_too_much(studio: Studio, tmp_path: Path) -> None:
    path, words = tmp_path / "app.elf", ("--board", BOARD, "--application")
    bare = b"\x7fELF\1\1\1" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 40, 1, 0, 0, 0, 0, 52, 0, 0, 40, 0, 0
    )  # fmt: skip
    assert "names no section" in refused(studio, path, bare, *words, path)["what"]
    one = struct.pack("<10I", 1, 8, 3, 0, 52, 2**32 - 1, 0, 0, 4, 0)
    twice = b"\x7fELF\1\1\1" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 40, 1, 0, 0, 52, 0, 52, 0, 0, 40, 4, 3
    )  # fmt: skip
    names = struct.pack("<10I", 0, 3, 0, 0, 212, 8, 0, 0, 1, 0)
    content = twice + struct.pack("<10I", *[0] * 10) + one + one + names + b"\0.bss\0\0\0"
    assert "32-bit" in refused(studio, path, content, *words, path)["what"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["b.toml", "b.json", "b.pdsc", "b.map"])
def test_a_pipe_is_refused_and_not_waited_for(studio: Studio, tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    of_board = ("--board", BOARD, "--application", tmp_path / name)
    words = of_board if name == "b.map" else ("--board", tmp_path / name)
    ran = studio("budget", DIGITS, *words, "--json")
    assert "is a pipe or device" in ran.data["error"]["what"]


@pytest.mark.parametrize(
    "name",
    ["C#/b.toml", "C#/b.json", "C#/b.pdsc", "B.TOML", "B.PDSC", "a 'b' \u00fc.toml",
     'q"\n\\.toml', "virtual/b.toml"],
)  # fmt: skip
def test_names_of_all_kinds(studio: Studio, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    texts = {".toml": TOML, ".json": json.dumps(MANIFEST), ".pdsc": PACK}
    path.write_text(texts[path.suffix.lower()])
    [one] = studio("budget", DIGITS, "--board", path, "--json").data["budgets"]
    assert one["flash_limit_bytes"] >= 0x80000
    shown = one["board"]
    assert shown.isprintable() and not {'"', "\\"} & set(shown)
    again = texts[path.suffix.lower()].replace("0x80000", "0x70000").replace("1048576", "0x70000")
    path.write_text(again.replace("524288", str(0x70000)))
    [one] = studio("budget", DIGITS, "--board", path, "--json").data["budgets"]
    assert one["flash_limit_bytes"] == 0x70000
    assert not profile(str(path)).virtual


def test_two_files_of_one_name_are_told_apart(studio: Studio, tmp_path: Path) -> None:
    for folder, ram in (("a", "65536"), ("b", "1024")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.toml").write_text(TOML.replace("65536", ram))
    boards = [str(tmp_path / folder / "m.toml") for folder in "ab"]
    words = [word for board in (*boards, boards[0]) for word in ("--board", board)]
    ran = studio("budget", DIGITS, *words, "--advice", "--json")
    assert [(one["board"], "advice" in one) for one in ran.data["budgets"]] == [
        (boards[0], False), (boards[1], True),
    ]  # fmt: skip
