"""`compress` to `profile`: the digits example on its way to a virtual board."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.cli import main
from studio.session import Session

Studio = Callable[..., Any]
QEMU = "virtual/mps2-an386"
BOARDS = ["virtual/host", pytest.param(QEMU, marks=pytest.mark.needs_qemu)]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The digits example, compressed by the command line."""
    out = tmp_path_factory.mktemp("digits") / "digits.onnx"
    words = ["compress", "digits", "--recipe", "safe_int8", "--data", "digits", "-o", str(out)]
    assert main(words) == 0
    return out


def test_compression_keeps_the_accuracy(studio: Studio, digits: Path) -> None:
    before = studio("evaluate", "digits", "--data", "digits", "--json").data["accuracy"]["value"]
    after = studio("evaluate", digits, "--data", "digits", "--json").data
    assert after["quantized"] is True
    assert after["accuracy"]["value"] > before - 0.01 > 0.95


def test_a_recipe_with_two_leaves_asks_which(studio: Studio, tmp_path: Path) -> None:
    recipe = tmp_path / "two.toml"
    node = '[[node]]\nid = "{}"\nstep = "fold_batch_norm"\n'
    recipe.write_text(node.format("a") + node.format("b"), encoding="utf-8")
    words = ("compress", "digits", "--recipe", recipe, "-o", tmp_path / "out.onnx", "--json")
    ran = studio(*words)
    assert ran.status == 2
    assert "a, b" in ran.data["error"]["hint"]
    assert not (tmp_path / "out.onnx").exists()
    assert studio(*words, "--variant", "b").data["variant"] == "b"


def test_random_data_serve_where_none_are_at_hand(studio: Studio, tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        words = ("--recipe", "safe_int8", "--data", "random", "-o", tmp_path / name)
        assert studio("compress", "digits", *words).status == 0
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_budget_says_what_fits(studio: Studio, digits: Path) -> None:
    ran = studio("budget", digits, "--board", QEMU, "--json")
    assert ran.status == 0
    (budget,) = ran.data["budgets"]
    assert ran.data["fits"] is budget["fits"] is True
    assert budget["arena_bytes"]["value"] >= budget["arena_bound_bytes"]["value"] > 0
    assert budget["flash_bytes"]["source"] == "computed"


def test_weights_in_ram_count_twice_and_the_gain_is_not_estimated(
    studio: Studio, digits: Path, tmp_path: Path
) -> None:
    ram = ("--board", QEMU, "--weights", "ram")
    flash = studio("budget", digits, "--board", QEMU, "--json").data["budgets"][0]
    copied = studio("budget", digits, *ram, "--json").data["budgets"][0]
    weights = copied["copied_bytes"]["value"]
    assert flash["copied_bytes"]["value"] == 0 < copied["flash_parts_bytes"]["weights"] <= weights
    assert copied["ram_bytes"]["value"] == flash["ram_bytes"]["value"] + weights
    assert copied["flash_bytes"]["value"] == pytest.approx(flash["flash_bytes"]["value"], abs=8)
    assert copied["latency_us"] == flash["latency_us"]
    assert "what that gains is not estimated" in studio("budget", digits, *ram).out
    generated = studio("generate", digits, *ram, "-o", tmp_path)
    assert "weights in RAM" in generated.out
    built = studio("build", tmp_path, "--json").data
    assert built["ram_bytes"]["value"] == copied["ram_bytes"]["value"]


def test_weights_that_no_bank_holds_are_refused_with_what_to_do(
    studio: Studio, digits: Path, tmp_path: Path
) -> None:
    ran = studio("generate", digits, "--board", "survey_cortex_m0plus_4k", "--weights", "ram",
                 "-o", tmp_path / "c", "--json")  # fmt: skip
    assert ran.status == 2
    assert "no bank of its RAM holds" in ran.data["error"]["what"]
    assert "leave the weights in flash" in ran.data["error"]["hint"]
    assert not (tmp_path / "c").exists()


def test_not_fitting_is_exit_status_1_and_says_where(
    studio: Studio, digits: Path, tmp_path: Path
) -> None:
    small = tmp_path / "small.toml"
    small.write_text(
        """
name = "A small board"
mcu = "S1"
core = "cortex-m4f"
clock_hz = { value = 16_000_000, source = "made up" }
memory = [
  { name = "flash", kind = "flash", address = 0, size_bytes = 65_536 },
  { name = "ram", kind = "ram", address = 0x20000000, size_bytes = 2_048 },
]
""",
        encoding="utf-8",
    )
    ran = studio("budget", digits, "--board", QEMU, "--board", small, "--json")
    assert ran.status == 1
    large, over = ran.data["budgets"]
    assert (large["fits"], over["fits"]) == (True, False)
    assert over["over_ram_bytes"] > 0 == over["over_flash_bytes"]
    text = studio("budget", digits, "--board", small)
    assert text.status == 1
    assert over["peak_layer"] in text.out


def test_budget_holds_the_estimated_latency_against_a_limit(studio: Studio, digits: Path) -> None:
    quick = studio("budget", digits, "--board", QEMU, "--latency-ms", "1e6", "--json")
    assert quick.data["late"] == []
    slow = studio("budget", digits, "--board", QEMU, "--latency-ms", "0.5")
    assert slow.status == 1
    assert "0.5 ms are allowed" in slow.out


@pytest.mark.needs_qemu
def test_the_budget_is_what_the_linker_says(studio: Studio, digits: Path) -> None:
    (budget,) = studio("budget", digits, "--board", QEMU, "--json").data["budgets"]
    flashed = studio("flash", digits, "--board", QEMU, "--json")
    assert flashed.status == 0
    assert flashed.data["verified"] is True
    for name in ("arena_bytes", "ram_bytes"):
        assert budget[name]["value"] == flashed.data[name]["value"]
    linked = flashed.data["flash_bytes"]["value"]
    assert abs(budget["flash_bytes"]["value"] - linked) <= 0.03 * linked


@pytest.mark.parametrize("board", BOARDS)
def test_verify_finds_the_board_identical(studio: Studio, digits: Path, board: str) -> None:
    ran = studio("verify", digits, "--board", board, "--samples", 5, "--json")
    assert ran.status == 0
    assert ran.data["identical"] is True
    assert ran.data["compared_bytes"] == 5 * 10
    assert ran.data["first_difference"] is None


def test_verify_against_a_port_that_is_not_there(studio: Studio, digits: Path) -> None:
    ran = studio("verify", digits, "--board", "virtual/host", "--port", "/dev/none", "--json")
    assert ran.status == 2
    assert ran.data["error"]["where"] == "/dev/none"


@pytest.mark.needs_qemu
def test_profile_counts_the_same_instructions_every_time(studio: Studio, digits: Path) -> None:
    first, second = (studio("profile", digits, "--board", QEMU, "--json").data for _ in "ab")
    assert first["instructions"]["source"] == "measured"
    assert first["instructions"]["value"] > first["macs"]["value"]
    assert first["layers"] == second["layers"]
    layers = sum(layer["instructions"]["value"] for layer in first["layers"])
    assert abs(layers - first["instructions"]["value"]) < 0.02 * layers


def test_build_says_what_the_linker_map_says(studio: Studio, digits: Path, tmp_path: Path) -> None:
    generated = studio("generate", digits, "--board", QEMU, "-o", tmp_path / "c", "--json").data
    ran = studio("build", tmp_path / "c", "--json")
    assert ran.status == 0
    assert Path(ran.data["image"]).is_file()
    assert ran.data["arena_bytes"] == {
        "value": generated["arena_bytes"]["value"],
        "source": "measured",
    }


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_window_and_the_command_line_write_the_same_bytes(
    studio: Studio, digits: Path, tmp_path: Path
) -> None:
    session = Session()
    session.finish(session.open("example:digits"))
    session.choose_board(QEMU)
    session.finish(session.generate(tmp_path / "window"))
    assert studio("generate", digits, "--board", QEMU, "-o", tmp_path / "line").status == 0
    assert files_of(tmp_path / "window") == files_of(tmp_path / "line")


def test_answers_are_documented(studio: Studio, digits: Path, tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
    host = ("--board", "virtual/host", "--json")
    answers = [
        studio("inspect", digits, "--json"),
        studio("evaluate", digits, "--data", "digits", "--json"),
        studio("budget", digits, "--board", QEMU, "--json"),
        studio("generate", digits, *host, "-o", tmp_path / "c"),
        studio("build", tmp_path / "c", "--json"),
        studio("flash", digits, *host),
        studio("verify", digits, *host, "--samples", 1),
        studio("profile", digits, *host),
        studio("boards", "--json"),
    ]
    for answer in answers:
        for key in keys_of(json.loads(answer.out)):
            assert f"`{key}`" in guide


def keys_of(value: Any) -> Iterator[str]:
    """Keys of an answer, those of lists' first elements included; Figures have none."""
    if isinstance(value, list) and value:
        yield from keys_of(value[0])
    elif isinstance(value, dict) and set(value) != {"value", "source"}:
        for key, inner in value.items():
            yield key
            if key not in ("operators", "flash_parts_bytes"):
                yield from keys_of(inner)
