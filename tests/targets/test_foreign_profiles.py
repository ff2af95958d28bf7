"""Profiles in other people's formats: read, and refused by name where they are hostile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.errors import ProfileError
from studio.targets.cmsis_pack import devices
from studio.targets.library import profile

MANIFEST = {
    "name": "A Nucleo",
    "build": {"cpu": "cortex-m4", "f_cpu": "84000000L", "mcu": "stm32f401ret6"},
    "upload": {"maximum_ram_size": 98304, "maximum_size": 524288},
}
PACK = """<?xml version="1.0"?>
<package><vendor>Somebody</vendor><devices>
 <family Dfamily="F" Dvendor="S:1">
  <processor Dcore="Cortex-M4" Dfpu="SP_FPU" Dclock="84000000"/>
  <subFamily DsubFamily="F4">
   <memory id="IROM1" start="0x08000000" size="0x80000" default="1"/>
   <device Dname="F401"><memory id="IRAM1" start="0x20000000" size="0x18000"/></device>
   <device Dname="F411">
    <processor Dclock="100000000"/>
    <memory name="SRAM" access="rwx" start="0x20000000" size="0x20000"/>
   </device>
  </subFamily>
 </family>
</devices></package>
"""
BOMB = """<?xml version="1.0"?><!DOCTYPE package [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<package>&c;</package>"""
OUTSIDE = '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><package>&x;</package>'


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def manifest(**changes) -> str:
    made = json.loads(json.dumps(MANIFEST))
    for key, value in changes.items():
        part, _, field = key.partition("__")
        if value is None:
            made[part].pop(field)
        else:
            made[part][field] = value
    return json.dumps(made)


def test_a_platformio_manifest_is_a_board(tmp_path):
    board = profile(written(tmp_path, "nucleo.json", manifest()))
    assert (board.id, board.name, board.core) == ("nucleo", "A Nucleo", "cortex-m4f")
    assert board.clock_hz.value == 84_000_000
    assert (board.size_bytes("flash"), board.size_bytes("ram")) == (524288, 98304)
    assert board.unverified == {"memory", "core"}


def test_an_unknown_clock_stays_unknown(tmp_path):
    board = profile(written(tmp_path, "b.json", manifest(build__f_cpu=None)))
    assert board.clock_hz is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (manifest(build__cpu="z80"), "unknown core 'z80'"),
        (manifest(upload__maximum_size=0), "not positive"),
        (manifest(upload__maximum_ram_size=-5), "not positive"),
        (manifest(upload__maximum_ram_size="many"), "states no size of its ram"),
        (manifest(upload__maximum_size=1 << 40), "32-bit"),
        (manifest(upload__maximum_size=(1 << 29) + 8), "overlap"),
        ("[]", "no PlatformIO manifest"),
        ("{}", "no PlatformIO manifest"),
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_bad_manifest_is_named(tmp_path, text, what):
    with pytest.raises(ProfileError, match=what):
        profile(written(tmp_path, "bad.json", text))


def test_a_device_inherits_from_its_family(tmp_path):
    path = written(tmp_path, "s.pdsc", PACK)
    assert devices(Path(path)) == ("F401", "F411")
    first, second = profile(f"{path}#F401"), profile(f"{path}#F411")
    assert (first.clock_hz.value, second.clock_hz.value) == (84e6, 100e6)
    assert (first.size_bytes("ram"), second.size_bytes("ram")) == (0x18000, 0x20000)
    assert first.core == "cortex-m4f"
    assert second.size_bytes("flash") == 512 << 10


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BOMB, "document type or entities"),
        (OUTSIDE, "document type or entities"),
        (PACK.replace("Cortex-M4", "Cortex-A53"), "unknown core"),
        (PACK.replace('size="0x18000"', 'size="0"'), "not positive"),
        (PACK.replace('size="0x18000"', 'size="-8"'), "not positive"),
        (PACK.replace('size="0x18000"', 'size="lots"'), "no number"),
        (PACK.replace('start="0x20000000" size="0x18000"', 'start="0x08000000" size="64"'),
         "overlap"),
        (PACK.replace('id="IROM1"', 'id="IRAM9"'), "no flash region"),
        (PACK.replace("</devices>", ""), "is no XML"),
        ("<a>" * 5000, "nested too deeply"),
        ("<package/>", "describes no devices"),
        ('<?xml version="1.0" encoding="nonsense"?><package/>', "is no XML"),
    ],
)  # fmt: skip
def test_a_bad_description_is_named(tmp_path, text, what):
    with pytest.raises(ProfileError, match=what):
        profile(written(tmp_path, "bad.pdsc", text) + "#F401")


def test_an_unknown_device_names_near_ones(tmp_path):
    path = written(tmp_path, "s.pdsc", PACK)
    with pytest.raises(ProfileError, match="no such device") as caught:
        profile(f"{path}#F402")
    assert "#F401" in caught.value.hint
    with pytest.raises(ProfileError, match="say which device"):
        profile(path)


def test_the_surveys_boards_are_there_and_say_what_is_unknown():
    sizes = {
        "survey_cortex_m7": (384, 2048), "survey_samg55": (160, 512),
        "survey_cortex_m0plus_8k": (8, 16), "survey_cortex_m0plus_4k": (4, 16),
        "survey_hifive1": (16, 512), "survey_vegaboard": (8, 64),
    }  # fmt: skip
    for board, (ram_kb, flash_kb) in sizes.items():
        found = profile(board)
        assert (found.size_bytes("ram"), found.size_bytes("flash")) == (
            ram_kb << 10,
            flash_kb << 10,
        )
        assert "memory" in found.unverified
    assert profile("survey_cortex_m7").clock_hz is None
