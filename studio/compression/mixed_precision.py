"""Mixed precision: 4 or 8 bits for weights, 8 or 16 for activations, chosen under budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression import wide_activations
from studio.compression.low_bits import (
    How,
    Integers,
    current,
    placeholder,
    refine,
    store,
)
from studio.compression.post_training import WIDE_OPSET, Draft, drafted, previewed
from studio.compression.rounding import gptq
from studio.compression.step import Needs, Step, param
from studio.errors import RecipeError
from studio.job import Job
from studio.model.evaluate import infer
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.compression.rounding import Real
    from studio.data.dataset import Dataset

_HOW = How(gptq, gptq, refine_int8=True)
_AT_ONCE = 6
_JUDGED = 4  # times as many samples as calibrate: those that rounding saw flatter it
Choice = frozenset[int]


@dataclass(frozen=True, slots=True)
class MixedPrecision:
    """Give 4 bits to the layers that bear it and 8 to the others, within a number of bytes.

    The noise that each layer's 4-bit weights bring to the output is measured; the cheapest noise
    for the bytes that it saves goes first, and exchanges are tried on the assembled net until
    none helps. Activations become int8; as far as the arena may grow for it, those whose rounding
    makes the most noise for their size become int16.
    """

    budget_percent: float = param(
        65.0, "Bytes of the weights", lo=50.0, hi=100.0, unit="%", help="Of what int8 takes"
    )
    budget_bytes: int = param(
        0, "Bytes of the weights", lo=0, hi=2**31, unit="B", help="0: as the percentage says"
    )
    samples: int = param(256, "Calibration samples", lo=1, hi=100_000)
    swaps: int = param(12, "Exchanges to try at most", lo=0, hi=10_000)
    growth_percent: float = param(
        0.0, "Growth of the arena", lo=0.0, hi=100.0, unit="%", help="For int16; 0: all int8"
    )


def preview(p: MixedPrecision, model: Model) -> Model:
    """A quantised graph within the budget: the largest layers in 4 bits, whatever they bear.

    Raises:
        RecipeError: the model is quantised already, or the budget is met by all or by none.
    """
    ir, layers = previewed(model, STEP.id, opset=WIDE_OPSET)
    sizes = [current(node).stored.size for node in layers]
    budget = Budget.of(p, sizes)
    chosen = budget.filled(frozenset(), -np.array(sizes, np.float64))
    for index in chosen:
        placeholder(layers[index])
    report = _words(layers, chosen)
    if p.growth_percent:
        wide = wide_activations.placed(ir.graph, p.growth_percent)
        report |= dict.fromkeys(wide, "int16")
    return model.derived(ir, STEP.id, asdict(p), report)


def run(p: MixedPrecision, model: Model, data: Dataset | None) -> Job[Model]:
    """Measure each layer, choose, round the chosen layers one after the other.

    Raises:
        RecipeError: as `preview`, or there is no data.
        DataError: data of another shape than the model's input.
    """
    draft = yield from drafted(model, STEP.id, data, samples=p.samples, opset=WIDE_OPSET)
    budget = Budget.of(p, [weights.size for weights in draft.weights.values()])
    assert data is not None
    search = Search.over(draft, budget, data.calibration(_JUDGED * p.samples))
    chosen = yield from search.best(p.swaps)
    report = yield from search.put(chosen)
    for index, node in enumerate(draft.layers):
        noise = search.known[frozenset({index})] / search.known[frozenset()]
        report[node.name or ""] += f"; alone in int4 it makes {noise:.1f} x the noise of int8"
    if p.growth_percent:
        wide = yield from wide_activations.widen(
            draft, search.judged, search.reference, p.growth_percent
        )
        report |= dict.fromkeys(wide, "int16")
    return model.derived(draft.ir, STEP.id, asdict(p), report)


STEP = Step(
    MixedPrecision, preview, run, group="Quantise", title="Mixed precision", needs=Needs.SAMPLES
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What the weights may take, and what 4 bits save in each layer."""

    saved: tuple[int, ...]
    needed: int

    @classmethod
    def of(cls, p: MixedPrecision, sizes: Sequence[int]) -> Budget:
        """The budget for layers of these numbers of weights.

        Raises:
            RecipeError: it is met by all choices, or by none.
        """
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
        """Whether 4 bits in these layers save enough."""
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
class Search:
    """Choices of layers, each assembled and judged by its noise at the output.

    Attributes:
        judged: samples to measure noise on.
        reference: what the float net answers to them.
        plain: each layer's int8 weights to begin with.
        biases: each layer's bias to begin with.
        known: the noise of the choices that were tried.
        rounded: weights and bias of a layer, and words, by whether it and those before it have
            4 bits: nothing else matters to it.
    """

    draft: Draft
    budget: Budget
    judged: npt.NDArray[np.float32]
    reference: npt.NDArray[np.float32]
    plain: Mapping[onnx_ir.Node, Integers]
    biases: Mapping[onnx_ir.Node, Real]
    known: dict[Choice, float] = field(default_factory=dict)
    rounded: dict[tuple[bool, ...], tuple[Integers, Real, str]] = field(default_factory=dict)

    @classmethod
    def over(cls, draft: Draft, budget: Budget, judged: npt.NDArray[np.float32]) -> Search:
        """A search that judges by these samples."""
        plain = {node: current(node) for node in draft.layers}
        reference = infer(draft.source, judged)[0]
        return cls(draft, budget, judged, reference, plain, dict(draft.biases))

    def put(self, chosen: Choice) -> Job[dict[str, str]]:
        """Round the draft's layers anew, these to 4 bits; returns what was done to each."""
        for node in self.draft.layers:
            self.draft.biases[node] = self.biases[node]
            store(self.draft, node, self.plain[node])
        report, walks = {}, self.draft.walks()
        for index, node in enumerate(self.draft.layers):
            bits = 4 if index in chosen else 8
            before = tuple(i in chosen for i in range(index + 1))
            if before in self.rounded:
                integers, self.draft.biases[node], said = self.rounded[before]
                store(self.draft, node, integers)
            else:
                said = yield from refine(self.draft, walks, node, bits, _HOW)
                self.rounded[before] = current(node, bits), self.draft.biases[node], said
            report[node.name or ""] = said
        return report

    def measure(self, chosen: Choice) -> Job[float]:
        """Mean squared difference from the float net's output with these layers in 4 bits."""
        if chosen not in self.known:
            for progress in self.put(chosen):
                yield replace(progress, text="Trying choices", done=None)
            answers = infer(self.draft.model(), self.judged)[0]
            self.known[chosen] = float(np.square(answers - self.reference).mean())
        return self.known[chosen]

    def best(self, tries: int) -> Job[Choice]:
        """Greedy by noise per byte saved, then exchanges until none helps or `tries` are made."""
        nothing = yield from self.measure(frozenset())
        single = []
        for index in range(len(self.draft.layers)):
            single.append((yield from self.measure(frozenset({index}))) - nothing)
        price = np.maximum(single, 0) / np.maximum(self.budget.saved, 1)
        chosen = self.budget.trimmed(self.budget.filled(frozenset(), price), price)
        least = yield from self.measure(chosen)
        while tries > 0:
            near = [c for c in self._neighbours(chosen, price) if c not in self.known]
            better = chosen
            for rival in near[: min(tries, _AT_ONCE)]:
                tries -= 1
                noise = yield from self.measure(rival)
                if noise < least:
                    better, least = rival, noise
            if better == chosen and len(near) <= _AT_ONCE:
                break
            chosen = better
        return chosen

    def _neighbours(self, chosen: Choice, price: npt.NDArray[np.float64]) -> list[Choice]:
        """Choices that one layer's change leads to, the rest made to fit; the likeliest first."""
        budget, others = self.budget, frozenset(range(len(self.draft.layers))) - chosen
        found = [budget.filled(chosen - {out}, price, without=out) for out in sorted(chosen)]
        found += [chosen | {new} for new in sorted(others)]
        found += [chosen - {out} | {new} for out in sorted(chosen) for new in sorted(others)]
        fitting = {budget.trimmed(c, price, keep=c - chosen) for c in found if budget.met(c)}
        cost = price * budget.saved
        return sorted(fitting - {chosen}, key=lambda c: (cost[list(c)].sum(), sorted(c)))


def _words(layers: Sequence[onnx_ir.Node], chosen: Choice) -> dict[str, str]:
    return {
        node.name or "": f"int{4 if index in chosen else 8} weights"
        for index, node in enumerate(layers)
    }
