"""AdaRound: learn whether each 4-bit weight is rounded up or down."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression.low_bits import How, outline, refine_all
from studio.compression.post_training import WIDE_OPSET, drafted
from studio.compression.rounding import gptq, limit_of, nearest
from studio.compression.step import Needs, Step, param
from studio.job import Job
from studio.model.model import Model

if TYPE_CHECKING:
    from studio.compression.rounding import Real, Rounder
    from studio.data.dataset import Dataset

Single = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

_STRETCH = (-0.1, 1.1)
_SHARPNESS = (20.0, 2.0)
_WARM_UP = 0.2
_PRESSURE = 3.0
_RATE = 0.05


@dataclass(frozen=True, slots=True)
class AdaRound:
    """Learn for each weight whether to round it up or down to 4 bits, layer after layer.

    A soft rounding between the two neighbours is moved by gradient descent on the layer's
    output error, under a growing pressure to decide (arXiv 2004.10568). It needs samples but
    no labels; activations become int8.
    """

    samples: int = param(256, "Calibration samples", lo=1, hi=100_000)
    iterations: int = param(600, "Iterations per layer", lo=1, hi=20_000)
    per_channel: bool = param(
        True, "One scale per channel", help="Scale each output channel of the weights by itself"
    )
    keep_first: bool = param(False, "First layer stays int8")
    keep_last: bool = param(False, "Last layer stays int8")


def preview(p: AdaRound, model: Model) -> Model:
    """The quantised graph with plainly rounded weights and placeholder activation scales.

    Raises:
        RecipeError: the model is quantised already, or no layer can take 4 bits.
    """
    ir, report = outline(model, STEP.id, p.per_channel, p.keep_first, p.keep_last)
    return model.derived(ir, STEP.id, asdict(p), report)


def run(p: AdaRound, model: Model, data: Dataset | None) -> Job[Model]:
    """Calibrate, learn the rounding of one layer after the other, correct the biases.

    Raises:
        RecipeError: as `preview`, or there is no data.
        DataError: data of another shape than the model's input.
    """
    draft = yield from drafted(
        model, STEP.id, data, samples=p.samples, per_channel=p.per_channel, opset=WIDE_OPSET
    )
    how = How(partial(soft_rounding, iterations=p.iterations), gptq, p.per_channel)
    report = yield from refine_all(draft, STEP.id, how, p.keep_first, p.keep_last)
    return model.derived(draft.ir, STEP.id, asdict(p), report)


STEP = Step(AdaRound, preview, run, group="Quantise", title="AdaRound", needs=Needs.SAMPLES)


def soft_rounding(covariance: Real, iterations: int) -> Rounder:
    """Integers next to the weights that leave the least error at the layer's output.

    The error is a quadratic form of the inputs' covariance, so that each step needs no sample.
    `iterations` of Adam at most: it ends when no weight is between its neighbours any more.
    """

    def rounded(matrix: Real, scale: Real, bits: int) -> Real:
        limit = limit_of(bits)
        error = nearest(covariance)(matrix, scale, bits) * scale - matrix
        noise = ((error @ covariance) * error).sum(axis=2, keepdims=True)
        weight = matrix.shape[2] / np.where(noise > 0, noise, 1.0)
        below = np.clip(np.floor(matrix / scale), -limit, limit - 1)
        position = matrix / scale - below
        # In steps of the grid, where single precision is enough.
        slopes = (2 * weight * scale**2).astype(np.float32), covariance.astype(np.float32)
        up = _decided(position.astype(np.float32), *slopes, iterations)
        return below + up

    return rounded


def _decided(position: Single, weight: Single, covariance: Single, iterations: int) -> Bools:
    """Whether each weight goes up, by gradient descent from its position between neighbours."""
    start = np.clip(position, 0.01, 0.99)
    logit = -np.log((_STRETCH[1] - _STRETCH[0]) / (start - _STRETCH[0]) - 1)
    first, second = np.zeros_like(logit), np.zeros_like(logit)
    for step in range(iterations):
        slope, up = _softly(logit)
        if not slope.any():
            break
        gradient = weight * ((up - position) @ covariance)
        gradient = (gradient - _pressure(up, step / iterations)) * slope
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * np.square(gradient)
        mean, spread = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.999 ** (step + 1))
        logit -= _RATE * mean / (np.sqrt(spread) + 1e-8)
    return np.asarray(_softly(logit)[1] >= 0.5)


def _softly(logit: Single) -> tuple[Single, Single]:
    """A sigmoid stretched beyond 0 and 1 and cut there: its slope and its value."""
    width = _STRETCH[1] - _STRETCH[0]
    plain = 1 / (1 + np.exp(-logit))
    value = width * plain + _STRETCH[0]
    inside = (value > 0) & (value < 1)
    slope = np.where(inside, width * plain * (1 - plain), np.float32(0))
    return slope, np.clip(value, 0.0, 1.0)


def _pressure(up: Single, done: float) -> Single:
    """The pull away from one half, sharper and sharper, after a warm-up without."""
    if done < _WARM_UP:
        return np.zeros_like(up)
    start, end = _SHARPNESS
    share = (done - _WARM_UP) / (1 - _WARM_UP)
    power = end + 0.5 * (start - end) * (1 + np.cos(np.pi * share))
    way = 2 * up - 1
    pull: Single = _PRESSURE * 2 * power * np.sign(way) * np.abs(way) ** (power - 1)
    return pull
