"""Handwritten digits: 1 797 images of 8 x 8 pixels, 10 classes.

"Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak, UCI Machine
Learning Repository, CC BY 4.0, in the selection that scikit-learn ships.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.data.dataset import Dataset

_TRAIN = 1200


def load() -> Dataset:
    """Images: x [1797, 1, 8, 8] in 0 to 1, shuffled; 1 200 to train on, 597 for the test."""
    with np.load(Path(__file__).with_name("digits.npz")) as archive:
        images, y = archive["images"], archive["digit"]
    order = np.random.default_rng(0).permutation(len(y))
    x = (images[order, None] / np.float32(16)).astype(np.float32)
    split = np.where(np.arange(len(y)) < _TRAIN, "train", "test")
    return Dataset("digits", x, y[order].astype(np.int64), tuple("0123456789"), split)
