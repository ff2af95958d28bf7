"""Mixed precision: 4 or 8 bits for each layer's weights, chosen under a byte budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression.layer_inputs import measure
from studio.compression.low_bits import (
    How,
    Integers,
    correct_bias,
    current,
    placeholder,
    refine,
    rounded,
    store,
)
from studio.compression.post_training import WIDE_OPSET, Draft, drafted, previewed
from studio.compression.rounding import gptq
from studio.compression.step import Needs, Step, param
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.evaluate import infer
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.compression.rounding import Real
    from studio.data.dataset import Dataset

_HOW = How(gptq, gptq)
_FINALISTS = 4
Choice = frozenset[int]


@dataclass(frozen=True, slots=True)
class MixedPrecision:
    """Give 4 bits to the layers that bear it and 8 to the others, within a number of bytes.

    The noise that each layer's 4-bit weights bring to the output is measured; the cheapest noise
    for the bytes that it saves goes first, and exchanges are tried on the assembled net until
    none helps. Activations become int8.
    """

    budget_percent: float = param(
        65.0, "Bytes of the weights", lo=50.0, hi=100.0, unit="%", help="Of what int8 takes"
    )
    budget_bytes: int = param(
        0, "Bytes of the weights", lo=0, hi=2**31, unit="B", help="0: as the percentage says"
    )
    samples: int = param(256, "Calibration samples", lo=1, hi=100_000)
    swaps: int = param(200, "Exchanges to try at most", lo=0, hi=100_000)


def preview(p: MixedPrecision, model: Model) -> Model:
    """A quantised graph within the budget: the largest layers in 4 bits, whatever they bear.

    Raises:
        RecipeError: the model is quantised already, or the budget is met by all or by none.
    """
    ir, layers = previewed(model, STEP.id, opset=WIDE_OPSET)
    sizes = [current(node).stored.size for node in layers]
    budget = _Budget.of(p, sizes)
    chosen = budget.filled(frozenset(), -np.array(sizes, np.float64))
    for index in chosen:
        placeholder(layers[index])
    return model.derived(ir, STEP.id, asdict(p), _words(layers, chosen))


def run(p: MixedPrecision, model: Model, data: Dataset | None) -> Job[Model]:
    """Measure each layer, choose, round the chosen layers one after the other.

    Raises:
        RecipeError: as `preview`, or there is no data.
        DataError: data of another shape than the model's input.
    """
    draft = yield from drafted(model, STEP.id, data, samples=p.samples, opset=WIDE_OPSET)
    budget = _Budget.of(p, [weights.size for weights in draft.weights.values()])
    search = yield from _measured(draft, budget)
    yield from search.explore(p.swaps)
    report = yield from search.assembled()
    for index, node in enumerate(draft.layers):
        noise = search.single[index]
        report[node.name or ""] += f"; alone in int4 its noise at the output is {noise:.3g}"
    return model.derived(draft.ir, STEP.id, asdict(p), report)


STEP = Step(
    MixedPrecision, preview, run, group="Quantise", title="Mixed precision", needs=Needs.SAMPLES
)


def assemble(draft: Draft, chosen: Choice) -> Job[dict[str, str]]:
    """Round the layers of these indices to int4, each in view of those before it."""
    report = {}
    for index, node in enumerate(draft.layers):
        yield Progress(f"Rounding {node.name}", index / len(draft.layers))
        bits = 4 if index in chosen else 8
        report[node.name or ""] = yield from refine(draft, node, bits, _HOW)
    return report


@dataclass(frozen=True, slots=True)
class _Budget:
    """What the weights may take, and what 4 bits save in each layer."""

    saved: tuple[int, ...]
    needed: int

    @classmethod
    def of(cls, p: MixedPrecision, sizes: Sequence[int]) -> _Budget:
        if not sizes:
            raise RecipeError("the model has no Conv or Gemm", STEP.id, "leave the step out")
        full = sum(sizes)
        allowed = p.budget_bytes or int(full * p.budget_percent / 100)
        saved = tuple(size // 2 for size in sizes)
        if allowed >= full:
            raise RecipeError(
                f"int8 weights take {full} bytes and fit the {allowed} allowed",
                STEP.id,
                "quantise to int8, or allow fewer bytes",
            )
        if full - sum(saved) > allowed:
            raise RecipeError(
                f"4-bit weights take {full - sum(saved)} bytes, more than the {allowed} allowed",
                STEP.id,
                "prune channels before, or allow more bytes",
            )
        return cls(saved, full - allowed)

    def met(self, chosen: Choice) -> bool:
        return sum(self.saved[index] for index in chosen) >= self.needed

    def filled(self, chosen: Choice, price: npt.NDArray[np.float64], without: int = -1) -> Choice:
        """With more layers in 4 bits, the cheapest first, until the budget is met."""
        for index in np.argsort(price, kind="stable").tolist():
            if self.met(chosen):
                break
            if index != without:
                chosen |= {index}
        return chosen

    def trimmed(
        self, chosen: Choice, price: npt.NDArray[np.float64], keep: Choice = frozenset()
    ) -> Choice:
        """With layers back in 8 bits, the dearest first, as far as the budget allows."""
        for index in np.argsort(-price, kind="stable").tolist():
            if index in chosen - keep and self.met(chosen - {index}):
                chosen -= {index}
        return chosen


@dataclass(frozen=True)
class _Search:
    """Choices of layers, judged by the noise of the assembled net at its output."""

    draft: Draft
    budget: _Budget
    options: Sequence[Mapping[int, tuple[Integers, Real]]]
    reference: npt.NDArray[np.float32]
    single: list[float] = field(default_factory=list)
    known: dict[Choice, float] = field(default_factory=dict)

    def noise(self, chosen: Choice) -> float:
        """The noise with these layers in 4 bits, each rounded in view of an int8 net."""
        if chosen not in self.known:
            self._put(chosen)
            self.known[chosen] = self._noise_now()
        return self.known[chosen]

    def assembled(self) -> Job[dict[str, str]]:
        """Round the best few choices in earnest and leave the best of them in the draft.

        Returns:
            What was done to each layer.
        """
        fitting = [c for c in self.known if self.budget.met(c)]
        finalists = sorted(fitting, key=lambda c: (self.known[c], sorted(c)))[:_FINALISTS]
        found: dict[Choice, float] = {}
        for chosen in finalists:
            self._put(frozenset())
            yield from assemble(self.draft, chosen)
            found[chosen] = self._noise_now()
        self._put(frozenset())
        return (yield from assemble(self.draft, min(found, key=found.__getitem__)))

    def _put(self, chosen: Choice) -> None:
        for index, node in enumerate(self.draft.layers):
            integers, bias = self.options[index][4 if index in chosen else 8]
            self.draft.biases[node] = bias
            store(self.draft, node, integers)

    def _noise_now(self) -> float:
        """Mean squared difference from the float net's output."""
        answers = infer(self.draft.model(), self.draft.x)[0]
        return float(np.square(answers - self.reference).mean())

    def explore(self, tries: int) -> Job[None]:
        """Greedy by noise per byte saved, then exchanges until none helps."""
        nothing = self.noise(frozenset())
        for index in range(len(self.options)):
            yield Progress(f"Trying layer {index + 1}", 0.4 + 0.1 * index / len(self.options))
            self.single.append(self.noise(frozenset({index})))
        price = np.maximum(np.array(self.single) - nothing, 0) / np.maximum(self.budget.saved, 1)
        chosen = self.budget.trimmed(self.budget.filled(frozenset(), price), price)
        tried = 0
        while True:
            near = self._neighbours(chosen, price)
            for rival in [c for c in near if c not in self.known][: tries - tried]:
                tried += 1
                yield Progress("Trying exchanges", 0.5 + 0.4 * tried / tries)
                self.noise(rival)
            best = min((c for c in near if c in self.known), key=self.noise, default=chosen)
            if self.noise(best) >= self.noise(chosen):
                return
            chosen = best

    def _neighbours(self, chosen: Choice, price: npt.NDArray[np.float64]) -> list[Choice]:
        """Choices that one layer's change leads to, the rest made to fit; the likeliest first."""
        budget, others = self.budget, frozenset(range(len(self.options))) - chosen
        found = [budget.filled(chosen - {out}, price, without=out) for out in sorted(chosen)]
        found += [chosen | {new} for new in sorted(others)]
        found += [chosen - {out} | {new} for out in sorted(chosen) for new in sorted(others)]
        fitting = {budget.trimmed(c, price, keep=c - chosen) for c in found if budget.met(c)}
        fitting -= {chosen}
        return sorted(fitting, key=lambda c: (sum(self.single[i] for i in c), sorted(c)))


def _measured(draft: Draft, budget: _Budget) -> Job[_Search]:
    """What each layer would be in 4 and in 8 bits, in view of an int8 net before it."""
    options = []
    for index, node in enumerate(draft.layers):
        yield Progress(f"Rounding {node.name}", 0.4 * index / len(draft.layers))
        moments = yield from measure(draft.source, draft.model(), node, draft.x)
        option = {}
        plain = current(node)
        for integers in (rounded(draft, node, 4, moments, _HOW), plain):
            store(draft, node, integers)
            correct_bias(draft, node, moments)
            option[integers.bits] = integers, draft.biases[node]
        options.append(option)
    return _Search(draft, budget, options, infer(draft.source, draft.x)[0])


def _words(layers: Sequence[onnx_ir.Node], chosen: Choice) -> dict[str, str]:
    return {
        node.name or "": f"int{4 if index in chosen else 8} weights"
        for index, node in enumerate(layers)
    }
