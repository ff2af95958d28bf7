"""What a choice of mixed precision is to be compared with: choices by chance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from studio.compression.mixed_precision import STEP, Budget, MixedPrecision, Search
from studio.compression.post_training import WIDE_OPSET, drafted
from studio.data.dataset import Dataset
from studio.job import finish
from studio.model.model import Model


def random_choices(
    p: MixedPrecision, model: Model, data: Dataset, n: int, seed: int
) -> Iterator[Model]:
    """Models of the same budget whose layers are chosen at random.

    Layers get 4 bits in random order until the budget is met; those that turn out not to be
    needed get 8 again. The rounding is the step's own.
    """
    rng = np.random.default_rng(seed)
    draft = finish(drafted(model, STEP.id, data, samples=p.samples, opset=WIDE_OPSET))
    budget = Budget.of(p, [weights.size for weights in draft.weights.values()])
    search = Search.over(draft, budget, draft.x)
    for _ in range(n):
        price = rng.random(len(draft.layers))
        finish(search.put(budget.trimmed(budget.filled(frozenset(), price), price)))
        yield Model.from_bytes(draft.model().to_bytes(), model.name)
