"""`inspect`, `evaluate`, `generate`: a model on its way to C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KWS = Path("models/emx-micro-kws/micro_kws_m_static_qdq.onnx")

Studio = Callable[..., Any]


@pytest.fixture
def kws(studio_data: Path) -> Path:
    return studio_data / KWS


def test_inspect_says_what_the_model_is(studio: Studio, kws: Path) -> None:
    ran = studio("inspect", kws, "--json")
    assert ran.status == 0
    assert ran.data["quantized"] is True
    assert ran.data["supported"] is True
    assert ran.data["inputs"][0]["shape"] == [1, 1960]
    assert ran.data["macs"] == {"value": 5709472, "source": "computed"}
    assert ran.data["operators"]["Conv"] == 3
    assert {node["verdict"] for node in ran.data["nodes"]} == {"supported"}


def test_the_transposes_that_remain_are_shown(studio: Studio, studio_data: Path) -> None:
    path = studio_data / "models/mlonmcu/tests/model_with_multiple_scratch_buffers.tflite"
    remain = {"value": 2, "source": "computed"}
    assert studio("inspect", path, "--json").data["transposes"] == remain
    assert "transposes that remain 2 (computed)" in studio("inspect", path).out
    budget = studio("budget", path, "--board", "virtual/mps2-an386", "--json")
    assert budget.data["transposes"] == remain


def test_inspect_of_what_cannot_be_opened_is_one_error(studio: Studio, studio_data: Path) -> None:
    ran = studio("inspect", studio_data / "models/mlonmcu/tests/custom.tflite", "--json")
    assert ran.status == 2
    assert set(ran.data["error"]) == {"what", "where", "hint"}


@pytest.mark.filterwarnings("ignore")  # torch deprecates parts of itself
def test_code_of_a_file_runs_with_trust_only(studio: Studio, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "net.pt"
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()
    torch.jit.save(torch.jit.trace(network, torch.zeros(2, 4)), path)
    asked = studio("inspect", path, "--json")
    assert asked.status == 2
    assert "--trust" in asked.data["error"]["hint"]
    ran = studio("inspect", path, "--trust", "--shape", "4", "--json")
    assert ran.status == 0
    assert ran.data["outputs"][0]["shape"] == [1, 3]


def test_evaluate_with_data_of_another_shape_is_an_error(studio: Studio, kws: Path) -> None:
    ran = studio("evaluate", kws, "--data", "digits")
    assert ran.status == 2
    assert "hint" in ran.err


def test_generate_writes_the_same_bytes_every_time(
    studio: Studio, kws: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        ran = studio(
            "generate", kws, "--board", "virtual/mps2-an386", "-o", tmp_path / folder, "--json"
        )
        assert ran.status == 0
        assert ran.data["arena_bytes"]["value"] >= ran.data["arena_bound_bytes"]["value"] > 0
    names = ran.data["files"]
    assert all(
        (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        for name in names
    )


def test_generate_for_a_board_without_firmware_writes_plain_c(
    studio: Studio, kws: Path, tmp_path: Path
) -> None:
    board = "stm32f746g_disco"
    ran = studio("generate", kws, "--board", board, "-o", tmp_path / "c", "--json")
    assert ran.status == 0
    assert ran.data["firmware"] is False
    assert "micro_kws_m_static_qdq.c" in ran.data["files"]
    assert not (tmp_path / "c" / "build.toml").exists()


def test_build_of_a_folder_without_a_project_is_an_error(studio: Studio, tmp_path: Path) -> None:
    ran = studio("build", tmp_path, "--json")
    assert ran.status == 2
    assert ran.data["error"]["where"] == str(tmp_path)


def test_code_for_a_board_that_is_too_small_comes_with_what_it_lacks(
    studio: Studio, tmp_path: Path
) -> None:
    small = ("--board", "survey_cortex_m0plus_8k")
    said = studio("budget", "digits", *small, "--json").data["budgets"][0]
    ran = studio("generate", "digits", *small, "-o", tmp_path / "small")
    assert ran.status == 0
    lack = f"{said['over_ram_bytes']:,} bytes of RAM".replace(",", " ")
    assert f"over by {lack}" in ran.out
    for board, fits in (
        ("survey_cortex_m0plus_8k", False),
        ("rpi_pico", True),
        ("esp32_cam", None),
    ):
        words = ("--board", board, "-o", tmp_path / board, "--json")
        assert studio("generate", "digits", *words).data["fits"] is fits
