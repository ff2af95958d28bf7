"""What a user may get wrong: each is one named error with what, where and a hint, within 10 s."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from studio.targets.resources import resource

DIGITS = resource("resources/examples/digits/digits.onnx")

Studio = Callable[..., Any]
Make = Callable[[Path], Path]


def written(content: bytes) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "bad.onnx"
        path.write_bytes(content)
        return path

    return make


def graph(op_type: str, shape: tuple[int | str, ...]) -> Make:
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        [helper.make_node(op_type, ["x"], ["y"], name="the_node")],
        "bad",
        [value("x", TensorProto.FLOAT, shape)],
        [value("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return written(model.SerializeToString())


def with_nan(folder: Path) -> Path:
    model = onnx.load(DIGITS)
    weights = model.graph.initializer[0]
    array = onnx.numpy_helper.to_array(weights).copy()
    array.flat[0] = np.nan
    weights.CopyFrom(onnx.numpy_helper.from_array(array, weights.name))
    path = folder / "bad.onnx"
    onnx.save(model, path)
    return path


def outside(folder: Path) -> Path:
    """Weights that claim to lie in a file outside of the model's folder."""
    model = onnx.load(DIGITS)
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../secret.bin")
    path = folder / "bad.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(autouse=True)
def within_10_seconds() -> Iterator[None]:
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(written(b"this is no model"), id="no-onnx"),
        pytest.param(written(DIGITS.read_bytes()[:2000]), id="truncated"),
        pytest.param(written(b""), id="empty"),
        pytest.param(with_nan, id="nan-weights"),
        pytest.param(outside, id="external-data-outside"),
        pytest.param(graph("Relu", (1, 2_500_000_000)), id="10-gigabytes"),
        pytest.param(graph("Relu", (1, "width")), id="dynamic-shape"),
    ],
)
def test_a_bad_model_is_refused_when_it_is_opened(
    studio: Studio, tmp_path: Path, make: Make
) -> None:
    path = make(tmp_path)
    ran = studio("inspect", path, "--json")
    assert ran.status == 2
    assert ran.data["error"]["what"]
    assert str(path) in ran.data["error"]["where"] or path.name in ran.data["error"]["where"]


def test_an_unsupported_operator_is_named(studio: Studio, tmp_path: Path) -> None:
    path = graph("Hardmax", (1, 8))(tmp_path)
    inspected = studio("inspect", path, "--json")
    assert inspected.status == 1
    assert inspected.data["supported"] is False
    (refused,) = inspected.data["refused"]
    assert (refused["node"], refused["operator"]) == ("the_node", "Hardmax")
    generated = studio("generate", path, "--board", "virtual/host", "-o", tmp_path / "c", "--json")
    assert generated.status == 2
    assert "the_node" in generated.data["error"]["where"]
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (4, 3, 8, 8)], ids=["empty", "wrong-shape"])
def test_bad_data_are_refused(studio: Studio, tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = tmp_path / "bad.npz"
    np.savez(data, x=np.zeros(shape, np.float32), y=np.zeros(shape[0], np.int64))
    out = tmp_path / "out.onnx"
    for words in (("evaluate",), ("compress", "--recipe", "safe_int8", "-o", out)):
        ran = studio(words[0], DIGITS, "--data", data, *words[1:], "--json")
        assert ran.status == 2
        assert ran.data["error"]["what"]
        assert ran.data["error"]["where"]
    assert not out.exists()


def test_a_missing_compiler_is_named(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = studio("flash", DIGITS, "--board", "virtual/mps2-an386", "--toolchain", "gcc", "--json")
    assert ran.status == 2
    assert ran.data["error"]["where"] == "gcc"
    assert ran.data["error"]["hint"]


def test_missing_qemu_is_named(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = studio("flash", DIGITS, "--board", "virtual/mps2-an386", "--json")
    assert ran.status == 2
    assert "qemu-system-arm" in ran.data["error"]["what"]
    assert "virtual/host" in ran.data["error"]["hint"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_a_board_that_never_answers_is_one_error(studio: Studio) -> None:
    ours, theirs = os.openpty()
    try:
        port = os.ttyname(theirs)
        ran = studio("profile", DIGITS, "--board", "virtual/host", "--port", port, "--json")
    finally:
        os.close(ours)
        os.close(theirs)
    assert ran.status == 2
    assert ran.data["error"]["where"] == port
    assert ran.data["error"]["hint"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_a_busy_port_is_one_error(studio: Studio) -> None:
    from studio.boards.port import Port

    ours, theirs = os.openpty()
    try:
        name = os.ttyname(theirs)
        with Port(name):
            ran = studio("monitor", "--port", name, "--json")
    finally:
        os.close(ours)
        os.close(theirs)
    assert ran.status == 2
    assert "busy" in ran.data["error"]["what"]


def test_a_real_board_that_cannot_be_flashed_yet_says_so(studio: Studio) -> None:
    ran = studio("flash", DIGITS, "--board", "stm32f746g_disco", "--json")
    assert ran.status == 2
    assert ran.data["error"]["where"] == "stm32f746g_disco"


def refused(ran: Any) -> dict[str, str]:
    """The error of a command that must end with a whole one."""
    assert ran.status == 2
    error: dict[str, str] = ran.data["error"]
    assert all(error[part] for part in ("what", "where", "hint")), error
    return error


@pytest.mark.parametrize("output", ["", "missing/out.onnx", "model.onnx"])
def test_a_result_that_cannot_be_kept_is_told_before_the_recipe_runs(
    studio: Studio, tmp_path: Path, output: str
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(DIGITS.read_bytes())
    words = ("--recipe", "small_int8", "--data", "digits", "-o", tmp_path / output, "--json")
    refused(studio("compress", model, *words))
    assert model.read_bytes() == DIGITS.read_bytes()


def test_a_recipe_that_is_not_there_names_those_that_are(studio: Studio, tmp_path: Path) -> None:
    out = ("--data", "digits", "-o", tmp_path / "out.onnx", "--json")
    assert "safe_int8" in refused(studio("compress", DIGITS, "--recipe", "safe", *out))["hint"]
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert "[[node]]" in refused(studio("compress", DIGITS, "--recipe", empty, *out))["hint"]


@pytest.mark.parametrize("params", ["hop = 2.5", "hop = -3"])
def test_a_wrong_parameter_comes_with_a_hint(studio: Studio, tmp_path: Path, params: str) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[[node]]\nid = "a"\nstep = "stream_time"\n[node.params]\n{params}\n')
    refused(studio("compress", DIGITS, "--recipe", recipe, "-o", tmp_path / "o.onnx", "--json"))


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0"])
def test_a_limit_of_time_is_an_amount_of_time(
    text: str, studio: Studio, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ("budget", DIGITS, "--board", "virtual/host", "--latency-ms", text),
        ("monitor", "--port", "socket://127.0.0.1:1", "--seconds", text),
    ):
        with pytest.raises(SystemExit) as stopped:
            studio(*words)
        assert stopped.value.code == 2
        assert "invalid positive value" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nobody.csv", ""),
        ("header.csv", "a,b,label\n"),
        ("gap.csv", "a,b,label\n1,,x\n1,2,y\n"),
        ("few.csv", "a,b,label\n1,2,x\n"),
        ("binary.csv", "\udcff\udcfe"),
        ("text.npz", "no archive"),
    ],
)
def test_data_that_cannot_serve_come_with_a_hint(
    studio: Studio, tmp_path: Path, name: str, content: str
) -> None:
    data = tmp_path / name
    data.write_bytes(content.encode(errors="surrogateescape"))
    refused(studio("evaluate", DIGITS, "--data", data, "--json"))
    refused(studio("evaluate", DIGITS, "--data", tmp_path / "missing.csv", "--json"))


@pytest.mark.parametrize("name", ["missing", "missing.tar"])
def test_data_that_are_not_there_are_said_to_be_missing(
    studio: Studio, tmp_path: Path, name: str
) -> None:
    ran = studio("evaluate", DIGITS, "--data", tmp_path / name, "--json")
    assert refused(ran)["what"] == "there is no such file or folder"


def test_plain_c_is_not_built_and_the_hint_says_where_it_is(studio: Studio, tmp_path: Path) -> None:
    assert studio("generate", "digits", "--board", "rpi_pico", "-o", tmp_path / "c").status == 0
    assert "in a project of yours" in refused(studio("build", tmp_path / "c", "--json"))["hint"]


def test_a_battery_that_cannot_be_comes_with_a_hint(studio: Studio) -> None:
    words = ("--board", "rpi_pico", "--battery-mah", "-5", "--json")
    assert "mAh" in refused(studio("budget", DIGITS, *words))["hint"]
