"""Accuracy of a model on the test part of a data set, run by onnxruntime."""

from __future__ import annotations

import argparse

from studio.cli import stations
from studio.cli.answer import Answer
from studio.targets.figure import Figure


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model and the data."""
    stations.add_model(parser)
    stations.add_data(parser)


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Infer every test sample."""
    from studio.model.evaluate import evaluate

    model = stations.opened(args, report)
    data = stations.loaded(args.data, model)
    result = evaluate(model, data)
    accuracy = Figure(result.accuracy, "measured", f"{result.n} test samples, onnxruntime")
    text = f"accuracy {accuracy.value:.2%} (measured on {result.n} test samples)"
    return Answer(
        {
            "model": model.name,
            "data": data.name,
            "quantized": model.quantized,
            "samples": result.n,
            "correct": result.correct,
            "accuracy": accuracy,
        },
        [text],
    )
