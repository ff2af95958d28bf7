"""The nets and data on which the figures of compression were measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.dataset import Dataset, load
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model


@pytest.fixture(scope="session")
def digits_bench(studio_data: Path) -> tuple[Model, Dataset]:
    """A depthwise-separable CNN on 16 x 16 digits, batch norm folded."""
    bench = studio_data / "bench"
    model = Model.from_bytes(load_onnx(bench / "digits_dscnn.onnx"), "digits_dscnn")
    return model, load(bench / "digits.npz")
