"""Where two forms of a model part: the noise of each layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.model.evaluate import infer, observable, observe
from studio.model.model import Model


@dataclass(frozen=True, slots=True)
class LayerNoise:
    """Signal-to-quantisation-noise ratio of one value, in dB (infinite where equal)."""

    value: str
    sqnr_db: float


def sqnr_db(reference: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """10 log10 of the power of `reference` over the power of the difference."""
    signal = float(np.square(reference, dtype=np.float64).sum())
    noise = float(np.square(reference.astype(np.float64) - other).sum())
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(signal / noise)) if signal else float("-inf")


def output_sqnr_db(reference: Model, other: Model, x: npt.NDArray[np.float32]) -> float:
    """SQNR of the first output over samples [n, ...], in dB."""
    return sqnr_db(infer(reference, x)[0], infer(other, x)[0])


def compare_layers(
    reference: Model, other: Model, x: npt.NDArray[np.float32]
) -> tuple[LayerNoise, ...]:
    """SQNR of every float value that both models have, in the order of computation.

    Args:
        reference: the float model.
        other: the same, quantised; steps keep the names of values.
        x: samples [n, ...].
    """
    known = set(observable(other))
    names = tuple(
        name
        for name in observable(reference)
        if name in known
        and reference.dtype_of(name).startswith("float")
        and reference.shape_of(name) == other.shape_of(name)
    )
    signal, noise = np.zeros(len(names)), np.zeros(len(names))
    for ours, theirs in zip(observe(reference, names, x), observe(other, names, x), strict=True):
        for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            signal[index] += np.square(a, dtype=np.float64).sum()
            noise[index] += np.square(a.astype(np.float64) - b).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(noise == 0, np.inf, 10 * np.log10(signal / noise))
    return tuple(LayerNoise(*pair) for pair in zip(names, ratios.tolist(), strict=True))
