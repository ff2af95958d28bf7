"""What would make it fit: changes with their computed effect, the cheapest first.

Every candidate is computed, none is guessed: the model is lowered again, or its preview after a
step is, and its budget taken. Cheapest is what changes least of what the user has: another plan
costs only time, integers cost accuracy, another board costs money.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from studio.budget import Budget, budget
from studio.compiler.lower import lower
from studio.errors import StudioError
from studio.targets.library import profiles
from studio.targets.profile import Profile

if TYPE_CHECKING:
    from studio.compiler.program import Options
    from studio.model.model import Model

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        what: for people.
        kind: weights, plan, quantize, plan and quantize, or board.
        budget: what the model takes then, and on which board.
        options: the choices that it takes.
        step: the step of compression that it takes, or "".
        flash_bytes, ram_bytes: how much less that is (negative: more).
    """

    what: str
    kind: str
    budget: Budget
    options: Options
    step: str
    flash_bytes: int
    ram_bytes: int

    @property
    def fits(self) -> bool:
        """True where this change alone is enough."""
        return self.budget.fits


def changes(
    model: Model, options: Options, now: Budget, toolchain: str = "zig"
) -> tuple[Change, ...]:
    """The cheapest changes that help a model that is over; none where it fits.

    Those that are enough come first, in the order of their cost; then those that help most.

    Args:
        model: as it is.
        options: the choices that `now` was made with.
        now: its budget, over on flash or RAM.
        toolchain: whose tables to take.
    """
    if now.fits:
        return ()
    found = [c for c in _candidates(model, options, now, toolchain) if _lack(c.budget) < _lack(now)]
    return tuple(sorted(found, key=lambda c: (not c.fits, 0 if c.fits else _lack(c.budget))))[
        :SHOWN
    ]


def _lack(one: Budget) -> int:
    return one.over_flash_bytes + one.over_ram_bytes


def _candidates(model: Model, options: Options, now: Budget, toolchain: str) -> Iterator[Change]:
    from studio.compression.quantize_int8 import STEP, QuantizeInt8, preview

    def tried(
        what: str, kind: str, model: Model, options: Options, step: str = ""
    ) -> Iterator[Change]:
        try:
            then = budget(lower(model, options), now.profile, toolchain, now.reserve)
        except StudioError:
            return
        yield _change(what, kind, then, now, options, step)

    if options.weights == "ram":
        yield from tried("weights in flash", "weights", model, replace(options, weights="flash"))
    small = replace(options, plan="small")
    if options.plan != "small":
        yield from tried("plan small", "plan", model, small)
    if not model.quantized:
        try:
            quantized = preview(QuantizeInt8(), model)
        except StudioError:
            quantized = None
        if quantized is not None:
            yield from tried("quantise to int8", "quantize", quantized, options, STEP.id)
            if options.plan != "small":
                what = "quantise to int8 and plan small"
                yield from tried(what, "plan and quantize", quantized, small, STEP.id)
    program = lower(model, options)
    for board in _larger(now.profile):
        try:
            there = budget(program, board, toolchain, now.reserve)
        except StudioError:
            continue
        if there.fits:
            yield _change(f"the board {board.name}", "board", there, now, options)
            return


def _change(
    what: str, kind: str, then: Budget, now: Budget, options: Options, step: str = ""
) -> Change:
    return Change(
        what, kind, then, options, step,
        int(now.flash_bytes.value - then.flash_bytes.value),
        int(now.ram_bytes.value - then.ram_bytes.value),
    )  # fmt: skip


def _larger(board: Profile) -> list[Profile]:
    """Real boards with more memory, the same core first, the smallest first."""
    others = [
        other
        for other in profiles().values()
        if not other.virtual and not other.id.startswith("survey_") and other.id != board.id
        and (other.size_bytes("ram") > board.size_bytes("ram")
             or other.size_bytes("flash") > board.size_bytes("flash"))
    ]  # fmt: skip
    return sorted(
        others,
        key=lambda o: (
            o.core != board.core,
            o.size_bytes("ram") + o.size_bytes("flash") // 8,
            o.id,
        ),
    )
