"""Ranges and means of a model's values over calibration samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.job import Job, Progress
from studio.model.evaluate import observe
from studio.model.model import Model

Range = tuple[float, float]
Samples = npt.NDArray[np.float32]
_BINS = 2048
_TICK = 16


@dataclass(frozen=True, slots=True)
class Statistics:
    """What calibration has seen.

    Attributes:
        ranges: smallest and largest value (or percentiles) by value name.
        means: float64 mean for each channel by value name.
    """

    ranges: Mapping[str, Range]
    means: Mapping[str, npt.NDArray[np.float64]]


def calibrate(
    model: Model,
    x: Samples,
    values: tuple[str, ...],
    layers: Mapping[str, int],
    percentile: float = 100.0,
) -> Job[Statistics]:
    """Run samples through a float model and note what its values do.

    Args:
        model: a float model with one input.
        x: [n, ...].
        values: names whose ranges are wanted, the graph's input allowed.
        layers: names whose channel means are wanted, with their channel axis.
        percentile: 100 for the extremes, less to cut the tails on both sides.
    """
    names = tuple(dict.fromkeys([*values, *layers]))
    lo, hi = dict.fromkeys(values, np.inf), dict.fromkeys(values, -np.inf)
    sums: dict[str, Any] = dict.fromkeys(layers, 0.0)
    for index, arrays in enumerate(observed(model, names, x)):
        if index % _TICK == 0:
            yield Progress("Measuring ranges", index / len(x))
        for name in values:
            lo[name] = min(lo[name], float(arrays[name].min()))
            hi[name] = max(hi[name], float(arrays[name].max()))
        for name, axis in layers.items():
            sums[name] = sums[name] + channel_mean(arrays[name], axis)
    ranges = {name: (lo[name], hi[name]) for name in values}
    if percentile < 100.0:
        ranges = yield from _cut_tails(model, x, ranges, percentile)
    return Statistics(ranges, {name: total / len(x) for name, total in sums.items()})


def channel_mean(array: npt.NDArray[Any], axis: int) -> npt.NDArray[np.float64]:
    """Mean over all axes but one."""
    axes = tuple(a for a in range(array.ndim) if a != axis % array.ndim)
    return np.asarray(array.mean(axis=axes, dtype=np.float64))


def _cut_tails(
    model: Model, x: Samples, ranges: Mapping[str, Range], percentile: float
) -> Job[dict[str, Range]]:
    counts: dict[str, npt.NDArray[np.int64]] = {n: np.zeros(_BINS, np.int64) for n in ranges}
    for index, arrays in enumerate(observed(model, tuple(ranges), x)):
        if index % _TICK == 0:
            yield Progress("Measuring percentiles", index / len(x))
        for name, limits in ranges.items():
            counts[name] += np.histogram(arrays[name], _BINS, limits)[0]
    return {name: _quantiles(counts[name], ranges[name], percentile / 100) for name in ranges}


def _quantiles(counts: npt.NDArray[np.int64], limits: Range, share: float) -> Range:
    edges = np.linspace(*limits, _BINS + 1)
    below = np.cumsum(counts) / counts.sum()
    lo = edges[np.searchsorted(below, 1 - share)]
    return float(lo), float(edges[np.searchsorted(below, share) + 1])


def observed(
    model: Model, names: tuple[str, ...], x: Samples
) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """The named values, the model's input among them, for one sample after the other."""
    given = model.inputs[0].name
    computed = tuple(name for name in names if name != given)
    rows = observe(model, computed, x) if computed else iter([[]] * len(x))
    for sample, row in zip(x, rows, strict=True):
        yield {given: sample[None], **dict(zip(computed, row, strict=True))}
