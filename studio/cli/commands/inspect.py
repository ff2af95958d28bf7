"""Inputs, outputs, size and operators of a model, and whether each operator can be lowered."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from studio.cli import stations
from studio.cli.answer import Answer, number, table
from studio.targets.figure import Figure

if TYPE_CHECKING:
    from studio.compiler.check import NodeCheck
    from studio.model.model import Model, TensorSpec


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model."""
    stations.add_model(parser)


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Open it and check every node; holds where all can be lowered."""
    from studio.compiler.check import check
    from studio.compiler.lower import lower

    model = stations.opened(args, report)
    nodes = check(model)
    refused = [node for node in nodes if node.verdict == "refused"]
    transposes = None if refused else Figure(lower(model).transposes, "computed")
    data = {
        "model": model.name,
        "digest": model.digest,
        "quantized": model.quantized,
        "inputs": [_plain(spec) for spec in model.inputs],
        "outputs": [_plain(spec) for spec in model.outputs],
        "states": [asdict(state) for state in model.states],
        "parameters": Figure(model.parameters, "computed"),
        "macs": Figure(model.macs, "computed"),
        "operators": dict(sorted(Counter(node.op_type for node in nodes).items())),
        "supported": not refused,
        "transposes": transposes,
        "nodes": [{**_said(node), "verdict": node.verdict} for node in nodes],
        "refused": [_said(node) for node in refused],
    }
    return Answer(data, _text(model, nodes, transposes), held=not refused)


def _said(node: NodeCheck) -> dict[str, str]:
    return {
        "node": node.node,
        "operator": node.op_type,
        "reason": node.reason,
        "hint": node.hint,
    }


def _plain(spec: TensorSpec) -> dict[str, object]:
    return {"name": spec.name, "shape": list(spec.shape), "dtype": spec.dtype}


def _text(model: Model, nodes: tuple[NodeCheck, ...], transposes: Figure | None) -> list[str]:
    kind = "quantised" if model.quantized else "float"
    lines = [
        f"{model.name} ({kind})",
        f"  parameters {number(model.parameters)}   MACs {number(model.macs)} (computed)",
    ]
    for side, specs in (("input", model.inputs), ("output", model.outputs)):
        lines += [f"  {side:6} {spec.name} {list(spec.shape)} {spec.dtype}" for spec in specs]
    for state in model.states:
        lines.append(f"  state  {state.input} {list(state.shape)} {state.dtype}, kept run to run")
    counts = Counter((node.op_type, node.verdict) for node in nodes)
    rows = [("operator", "nodes", "")]
    rows += [(op, str(n), status) for (op, status), n in sorted(counts.items())]
    lines += ["", *table(rows)]
    if transposes is not None:
        lines.append(f"transposes that remain {number(transposes)} (computed)")
    for node in nodes:
        if node.verdict != "supported":
            lines += [f"{node.verdict}: {node.node} ({node.op_type}): {node.reason}"]
            lines += [f"  hint: {node.hint}"] if node.hint else []
    return lines
