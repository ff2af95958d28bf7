"""Dense, and the normalisations."""

from __future__ import annotations

import numpy as np

from studio.model.importers.keras.layers.activation import activated
from studio.model.importers.keras.site import Site


def dense(site: Site) -> None:
    """Gemm on a batch of vectors, MatMul along the last axis of more."""
    kernel, bias = site.weight(0), site.option("use_bias", True)
    added = [site.const(site.weight(1), "bias")] if bias else []
    if len(site.shape()) == 2:
        value = site.emit("Gemm", site.x(), site.const(kernel.T, "kernel"), *added, transB=1)
    else:
        value = site.emit("MatMul", site.x(), site.const(kernel, "kernel"))
        value = site.emit("Add", value, *added) if added else value
    site.done(activated(site, value, first=False))


def batch_normalization(site: Site) -> None:
    """BatchNormalization over channels; scale and centre may be left out."""
    rank = len(site.shape())
    axis = site.option("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, rank - 1):
        raise site.refused(f"along axis {axis}", "normalise the last axis, the channels")
    weights = list(site.layer.weights)
    channels = site.shape()[-1]
    gamma = weights.pop(0) if site.option("scale", True) and weights else np.ones(channels)
    beta = weights.pop(0) if site.option("center", True) and weights else np.zeros(channels)
    if len(weights) < 2:
        raise site.refused("mean and variance are missing")
    factors = {"gamma": gamma, "beta": beta, "mean": weights[0], "variance": weights[1]}
    value = site.emit(
        "BatchNormalization",
        site.x(first=True),
        *(site.const(array, name) for name, array in factors.items()),
        epsilon=float(site.option("epsilon", 1e-3)),
    )
    site.done(value, first=True)


def layer_normalization(site: Site) -> None:
    """LayerNormalization along the last axis."""
    rank = len(site.shape())
    axis = site.option("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, rank - 1) or site.option("rms_scaling", False):
        raise site.refused(f"along axis {axis}, or by root mean square")
    weights = list(site.layer.weights)
    channels = site.shape()[-1]
    gamma = weights.pop(0) if site.option("scale", True) and weights else np.ones(channels)
    beta = weights.pop(0) if site.option("center", True) and weights else np.zeros(channels)
    value = site.emit(
        "LayerNormalization",
        site.x(),
        site.const(gamma, "gamma"),
        site.const(beta, "beta"),
        axis=-1,
        epsilon=float(site.option("epsilon", 1e-3)),
    )
    site.done(value)


TRANSLATORS = {
    "Dense": dense,
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
}
