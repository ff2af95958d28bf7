"""From a PyTorch program to ONNX: torch's exporters, judged by what torch itself computes.

Exported with a batch of two and a batch that may vary: with one sample, exporters take the batch
for a constant and freeze the shapes of recurrent layers and attention. Normalising fixes it to 1.
"""

from __future__ import annotations

import copy
import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import ModelError
from studio.job import Job, Progress
from studio.model.importers.onnx import of_one_sample, translated, valid
from studio.model.importers.pytorch.archive import EXPORTED
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx
    import torch

BATCH = 2
TOLERANCE = 1e-4
_HINT = "export it to ONNX where it was written, and open the .onnx file"


def from_module(
    module: torch.nn.Module,
    example: torch.Tensor | Sequence[torch.Tensor],
    name: str = "",
) -> Job[Model]:
    """A Model of a torch.nn.Module, in evaluation mode; the module itself is not changed.

    Args:
        module: the network.
        example: its input, or inputs, with the batch first; any number of samples.
        name: for people; default: the module's class.

    Raises:
        ModelError: it cannot be exported, or the export does not compute what the module does.
    """
    import torch

    name = name or type(module).__name__
    yield Progress(f"Exporting {name} to ONNX")
    examples = (example,) if isinstance(example, torch.Tensor) else tuple(example)
    network = copy.deepcopy(module).cpu().eval()
    return Model.from_bytes(exported(network, [_pair(x) for x in examples], name), name)


def load(path: Path, kind: str, shapes: tuple[tuple[int, ...], ...]) -> bytes:
    """Load a program in this process and export it; returns serialised ONNX.

    Args:
        path: the file.
        kind: what `archive.program_of` found in it.
        shapes: of one sample of each input; for TorchScript.

    Raises:
        ModelError: it cannot be loaded or exported.
    """
    import torch

    where = str(path)
    _silence()
    with _strangers_code("cannot be loaded", where), _quiet():
        if kind == EXPORTED:
            program = torch.export.load(path)
            if program.example_inputs is None or program.example_inputs[1]:
                raise ModelError("holds no positional example inputs", where, _HINT)
            return _exported_program(program, where)
        script: torch.jit.ScriptModule = torch.jit.load(  # type: ignore[no-untyped-call]
            str(path), map_location="cpu"
        ).eval()
    generator = torch.Generator().manual_seed(0)
    examples = [torch.randn((BATCH, *shape), generator=generator) for shape in shapes]
    return exported(script, examples, where)


def exported(network: torch.nn.Module, examples: Sequence[torch.Tensor], where: str) -> bytes:
    """Serialised, normalised ONNX by the first exporter that gets it right.

    Args:
        network: in evaluation mode.
        examples: its inputs, batch of two.
        where: for errors.

    Raises:
        ModelError: neither exporter does.
    """
    import torch

    exporters: list[Callable[..., onnx.ModelProto]] = [by_dynamo, by_trace]
    if isinstance(network, torch.jit.ScriptModule):
        exporters = [by_trace]
    with _strangers_code("cannot be run on its example", where), _quiet(), torch.no_grad():
        expected = _arrays(network(*examples))
    problem: ModelError | None = None
    for exporter in exporters:
        try:
            with _strangers_code("cannot be exported to ONNX", where), _quiet():
                proto = exporter(network, tuple(examples))
            _compare(proto, examples, expected, where)
            return of_one_sample(valid(proto, where), where)
        except ModelError as error:
            problem = problem or error
    raise problem or ModelError("cannot be exported to ONNX", where, _HINT)


def by_dynamo(network: torch.nn.Module, examples: tuple[torch.Tensor, ...]) -> onnx.ModelProto:
    """ONNX by torch.export, which refuses what it cannot follow."""
    import torch

    batch = torch.export.Dim.DYNAMIC
    program = torch.export.export(
        network, examples, dynamic_shapes=tuple({0: batch} for _ in examples), strict=False
    )
    return _proto_of(program)


def by_trace(network: torch.nn.Module, examples: tuple[torch.Tensor, ...]) -> onnx.ModelProto:
    """ONNX by running the network once and writing down what it does."""
    import onnx
    import torch

    names = [f"input_{index}" if index else "input" for index in range(len(examples))]
    with tempfile.TemporaryDirectory(prefix="tinyml-studio-") as folder:
        file = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            examples,
            file,
            dynamo=False,
            input_names=names,
            dynamic_axes={name: {0: "batch"} for name in names},
        )
        return onnx.load(file)


def _exported_program(program: torch.export.ExportedProgram, where: str) -> bytes:
    import torch

    examples = [x for x in program.example_inputs[0] if isinstance(x, torch.Tensor)]
    with _strangers_code("cannot be exported to ONNX", where), torch.no_grad():
        expected = _arrays(program.module()(*examples))
        proto = _proto_of(program)
    _compare(proto, examples, expected, where)
    return of_one_sample(valid(proto, where), where)


def _proto_of(program: torch.export.ExportedProgram) -> onnx.ModelProto:
    import torch

    made = torch.onnx.export(program, dynamo=True, verbose=False)
    if made is None:
        raise ModelError("the exporter gave nothing", hint=_HINT)
    return made.model_proto


def _pair(x: torch.Tensor) -> torch.Tensor:
    """A batch of two: the first and the last sample."""
    import torch

    return torch.cat([x[:1], x[-1:]]).detach().cpu()


def _arrays(outputs: Any) -> list[np.ndarray[Any, Any]]:
    """The tensors of whatever a network returns, in order."""
    from torch.utils import _pytree as pytree

    leaves = pytree.tree_leaves(outputs)
    return [leaf.detach().numpy() for leaf in leaves if hasattr(leaf, "detach")]


def _compare(
    proto: onnx.ModelProto,
    examples: Sequence[torch.Tensor],
    expected: list[np.ndarray[Any, Any]],
    where: str,
) -> None:
    """Refuse an export that onnxruntime does not compute as torch does.

    Raises:
        ModelError: an output differs by more than TOLERANCE of its largest value.
    """
    import onnxruntime

    with translated(where), _strangers_code("cannot be run after its export", where):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        feed = {i.name: x.numpy() for i, x in zip(session.get_inputs(), examples, strict=True)}
        got = session.run(None, feed)
    if len(got) != len(expected):
        raise ModelError("the export has other outputs than the network", where, _HINT)
    for ours, theirs in zip(got, expected, strict=True):
        scale = max(1.0, float(np.abs(theirs).max(initial=0)))
        if ours.shape != theirs.shape or not np.allclose(ours, theirs, 0, TOLERANCE * scale):
            raise ModelError("the export does not compute what the network does", where, _HINT)


@contextmanager
def _strangers_code(what: str, where: str) -> Iterator[None]:
    """Whatever a stranger's network or torch's exporters raise becomes a ModelError."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        lines = str(error).split("\n", 1)[0].split()
        reason = " ".join(lines)[:300] or type(error).__name__
        raise ModelError(f"{what}: {reason}", where, _HINT) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' advice to those who write exporters."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _silence() -> None:
    """Nothing that a loaded program or torch's C++ prints may reach the program's output."""
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)
