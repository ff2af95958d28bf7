"""PyTorch: programs and modules open as what torch computes, and nothing runs unasked."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from judge import outputs
from torch_nets import NETS, example, made

from studio.build.host import HostModel
from studio.compiler.lower import lower
from studio.errors import AgreementNeeded, ModelError, ShapesNeeded
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.importers import open_model
from studio.model.importers.onnx import load
from studio.model.importers.pytorch import from_module
from studio.model.importers.pytorch.archive import imported
from studio.model.importers.pytorch.export import exported
from studio.model.model import Model

pytestmark = pytest.mark.filterwarnings("ignore")  # torch deprecates parts of itself

TOLERANCE = 1e-4


def by_dynamo(network: torch.nn.Module, x: torch.Tensor, path: Path) -> None:
    program = torch.onnx.export(network, (x,), dynamo=True, verbose=False)
    assert program is not None
    program.save(path)


def by_trace(
    network: torch.nn.Module, x: torch.Tensor, path: Path, any_batch: bool = False
) -> None:
    axes = {"input": {0: "batch"}} if any_batch else None
    torch.onnx.export(network, (x,), path, dynamo=False, input_names=["input"], dynamic_axes=axes)


@cache
def computed(name: str) -> np.ndarray:
    """What torch says about four samples."""
    with torch.no_grad():
        return made(name)(example(name, 4)).numpy()


def equal_to_torch(model: Model, name: str) -> None:
    """onnxruntime and C against torch, the numpy definition against C."""
    assert model.inputs[0].shape == (1, *NETS[name][1])
    x, want = example(name, 4).numpy(), computed(name)
    assert np.abs(infer(model, x)[0] - want).max() <= TOLERANCE
    program = lower(model)
    library = finish(HostModel.build(program))
    slot, worst = program.inputs[0], 0.0
    for sample, answer in zip(x, want, strict=True):
        (y,) = library.run([slot.to_physical(sample.reshape(slot.logical_shape))])
        (numpy,) = outputs(program, sample[None])
        assert y.tobytes() == program.outputs[0].to_physical(numpy).tobytes()
        worst = max(worst, float(np.abs(y.reshape(-1) - answer).max()))
    print(f"{name}: C is up to {worst:.2g} from torch")  # noqa: T201
    assert worst <= TOLERANCE


@pytest.mark.parametrize("export", [by_dynamo, by_trace])
@pytest.mark.parametrize("name", NETS)
def test_a_batch_of_two_of_either_exporter_computes_what_torch_does(
    tmp_path: Path, name: str, export: Callable[..., None]
) -> None:
    path = tmp_path / f"{name}.onnx"
    export(made(name), example(name), path)
    equal_to_torch(Model.from_bytes(load(path), name), name)


@pytest.mark.parametrize("name", ["resnet8", "gru", "lstm", "encoder"])
def test_a_batch_that_may_vary_computes_what_torch_does(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.onnx"
    by_trace(made(name), example(name), path, any_batch=True)
    equal_to_torch(Model.from_bytes(load(path), name), name)


@pytest.mark.parametrize("name", ["ds_cnn", "encoder"])
def test_a_pt2_file_opens_once_agreed(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.pt2"
    torch.export.save(torch.export.export(made(name), (example(name),)), path)
    with pytest.raises(AgreementNeeded, match="program of torch") as asked:
        finish(open_model(path))
    assert "--trust" in asked.value.hint and str(path) in asked.value.where
    equal_to_torch(finish(open_model(path, agree=True)), name)


@pytest.mark.parametrize(("name", "how"), [("conv_1d", "trace"), ("lstm", "script")])
def test_torchscript_opens_once_agreed_and_told_its_shape(
    tmp_path: Path, name: str, how: str
) -> None:
    path = tmp_path / f"{name}.pt"
    network = made(name)
    script = (
        torch.jit.trace(network, example(name)) if how == "trace" else torch.jit.script(network)
    )
    torch.jit.save(script, path)
    with pytest.raises(AgreementNeeded, match="TorchScript"):
        finish(open_model(path))
    with pytest.raises(ShapesNeeded, match="shape of its inputs") as raised:
        finish(open_model(path, agree=True))
    assert "--shape" in raised.value.hint
    equal_to_torch(finish(open_model(path, agree=True, shapes=[NETS[name][1]])), name)


def test_nothing_of_a_program_runs_before_the_user_agrees(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(made("conv_1d"), (example("conv_1d"),)), path)
    done: list[str] = []
    with pytest.raises(AgreementNeeded):
        finish(open_model(path), lambda progress: done.append(progress.text))
    assert set(done) == {"Looking at net.pt2"}


class Weird(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.svd(x)[1]


class Two(torch.nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return a + b, a * b.sum(1, keepdim=True)


class Words(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(20, 4)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.table(words).mean(1)


def test_a_module_opens_with_an_example_of_one_sample_and_stays_as_it_was() -> None:
    network = made("gru").train()
    model = finish(from_module(network, example("gru", 1)))
    assert (model.name, model.inputs[0].shape) == ("Recurrent", (1, 9, 6))
    assert np.abs(infer(model, example("gru", 4).numpy())[0] - computed("gru")).max() <= TOLERANCE
    assert network.training


def test_a_module_with_two_inputs_and_two_outputs_opens() -> None:
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    model = finish(from_module(Two(), (a, b), name="two"))
    assert [spec.shape for spec in model.inputs] == [(1, 4), (1, 4)]
    got = infer(model, [a.numpy(), b.numpy()])
    for ours, theirs in zip(got, Two()(a, b), strict=True):
        assert np.allclose(ours, theirs.numpy(), atol=1e-6)


def test_a_module_that_takes_integers_opens() -> None:
    torch.manual_seed(0)
    network, words = Words(), torch.randint(0, 20, (5, 7))
    model = finish(from_module(network, words))
    assert model.inputs[0].dtype == "int64"
    assert np.allclose(infer(model, words.numpy())[0], network(words).detach().numpy(), atol=1e-6)


def test_what_onnx_cannot_say_is_a_named_error() -> None:
    with pytest.raises(ModelError, match="cannot be exported to ONNX") as raised:
        exported(Weird(), [torch.randn(2, 3, 3)], "weird")
    assert raised.value.hint


class Wrong(torch.nn.Module):
    """Computes something else after its first call, as stateful networks do."""

    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * self.calls


def test_an_export_that_computes_something_else_is_refused() -> None:
    with pytest.raises(ModelError):
        exported(Wrong(), [torch.randn(2, 3)], "wrong")


def refusal(path: Path) -> ModelError:
    with pytest.raises(ModelError) as raised:
        finish(open_model(path, agree=True))
    assert not isinstance(raised.value, AgreementNeeded)
    assert str(path) in raised.value.where and raised.value.hint
    return raised.value


@pytest.mark.parametrize("new", [True, False])
def test_weights_alone_are_refused_with_what_to_give_instead(tmp_path: Path, new: bool) -> None:
    path = tmp_path / "weights.pth"
    torch.save(made("conv_1d").state_dict(), path, _use_new_zipfile_serialization=new)
    error = refusal(path)
    assert "weights without a network" in error.what and "torch.export.save" in error.hint


@pytest.mark.parametrize("new", [True, False])
def test_a_saved_module_is_refused_and_its_class_named(tmp_path: Path, new: bool) -> None:
    path = tmp_path / "module.pt"
    torch.save(torch.nn.Linear(2, 3), path, _use_new_zipfile_serialization=new)
    assert "would run code" in refusal(path).what and "Linear" in refusal(path).what


class Bomb:
    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.flag.touch, ()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_never_executed(tmp_path: Path, protocol: int) -> None:
    flag = tmp_path / "executed"
    data = pickle.dumps(Bomb(flag), protocol)
    (tmp_path / "bomb.pt").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "zipped.pt", "w") as archive:
        archive.writestr("zipped/data.pkl", data)
    for name in ("bomb.pt", "zipped.pt"):
        what = refusal(tmp_path / name).what
        assert "would run code" in what and "pathlib" in what
    assert not flag.exists()
    assert any("getattr" in name for name in imported(data))


def test_damaged_archives_are_refused_wherever_they_end(tmp_path: Path) -> None:
    whole = tmp_path / "whole.pt2"
    torch.export.save(torch.export.export(made("conv_1d"), (example("conv_1d"),)), whole)
    data = whole.read_bytes()
    for share in (0.1, 0.5, 0.99):
        path = tmp_path / "cut.pt2"
        path.write_bytes(data[: int(len(data) * share)])
        refusal(path)
    broken = bytearray(data)
    broken[len(data) // 3 : len(data) // 3 + 4000] = bytes(4000)
    path.write_bytes(broken)
    refusal(path)


def test_onnx_under_the_name_of_torch_needs_no_agreement(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    by_trace(made("conv_1d"), example("conv_1d"), path)
    equal_to_torch(finish(open_model(path)), "conv_1d")
