"""How weights are kept in flash: a byte each, in 4 bits, or with their zeros left out.

Other forms need kernels of their own, whose code is flash too. So the choice is made for the net
as a whole: the set of kernels with which weights and code together take least. One choice serves
all boards, by sizes of code on one of them; on others they differ, and with them the saving, by a
few hundred bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, combinations

from studio.compiler import nibbles, sparse
from studio.compiler.code_size import size_table
from studio.compiler.operand import Array
from studio.compiler.program import Constant, KernelCall

MEASURED_ON = ("zig", "cortex-m4f")  # the default compiler, the most common core
_KERNELS = ("tms_conv2d_s8", "tms_depthwise2d_s8", "tms_dense_s8")
_WIDENED = "4-bit weights stored as int8, 0 bytes saved: "
_TOO_MUCH_CODE = "the kernel for them takes more than they would save"
_NO_KERNEL = "no kernel takes them"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to keep the weights of a call.

    Attributes:
        kernel: that reads them.
        size_bytes: what they take.
        macs: of the call with those weights that are stored, padding included.
        packed: makes what is stored.
    """

    kernel: str
    size_bytes: int
    macs: int
    packed: Callable[[], Array]


@dataclass(frozen=True, slots=True)
class Kept:
    """Calls and constants with weights in the chosen forms, and what there is to say of layers."""

    calls: list[KernelCall]
    constants: dict[str, Constant]
    notes: dict[str, str]


def kept(
    calls: Sequence[KernelCall], constants: Mapping[str, Constant], of_4_bits: Collection[str]
) -> Kept:
    """The calls with the kernels that make the whole net smallest.

    Args:
        calls: whose weights take a byte each.
        constants: of the calls, by name.
        of_4_bits: the constants that the user wants in 4 bits.
    """
    forms = {
        index: [*_forms(call, constants[call.params["weights"]].data, of_4_bits)]
        for index, call in enumerate(calls)
        if call.kernel.removesuffix("_dr") in _KERNELS
    }
    chosen = _smallest(forms)
    found = Kept([*calls], {**constants}, {})
    for index, call in enumerate(calls):
        name, form = str(call.params.get("weights")), chosen.get(index)
        if form is not None and form.kernel != call.kernel:
            found.constants[name] = Constant(name, form.packed())
            found.calls[index] = replace(call, kernel=form.kernel, macs=form.macs)
        elif name in of_4_bits:
            found.notes[call.layer] = _WIDENED + (_TOO_MUCH_CODE if form else _NO_KERNEL)
    return found


def _forms(call: KernelCall, weights: Array, of_4_bits: Collection[str]) -> Iterator[Form]:
    """The ways to keep the weights of a call; first as they are."""
    yield Form(call.kernel, weights.nbytes, call.macs, lambda: weights)
    if call.params["weights"] in of_4_bits:
        rows = nibbles.rows(call, weights)
        size = nibbles.packed_bytes(rows)
        yield Form(_variant(call, "w4"), size, call.macs, partial(nibbles.packed, rows))
    runs = sparse.runs(call, weights)
    if runs is None:
        return
    for block in sparse.BLOCKS:
        stream_bytes = sparse.stream_bytes(runs, block)
        if stream_bytes is not None:
            macs = call.macs // runs.size * block * sparse.held_blocks(runs, block)
            packed = partial(sparse.encoded, runs, block)
            yield Form(_variant(call, f"z{block}"), stream_bytes, macs, packed)


def _variant(call: KernelCall, mark: str) -> str:
    return call.kernel.replace("_s8", f"_s8_{mark}")


def _smallest(forms: Mapping[int, Sequence[Form]]) -> dict[int, Form]:
    """A form for each call, by the set of kernels with which weights and code take least."""
    more = sorted({form.kernel for some in forms.values() for form in some[1:]})
    best = {index: some[0] for index, some in forms.items()}
    if not more:
        return best
    least = _flash_bytes(best.values())
    for kernels in chain.from_iterable(combinations(more, n) for n in range(1, len(more) + 1)):
        chosen = {
            index: min(
                (some[0], *(form for form in some[1:] if form.kernel in kernels)),
                key=lambda form: form.size_bytes,
            )
            for index, some in forms.items()
        }
        taken = _flash_bytes(chosen.values())
        if taken < least:
            best, least = chosen, taken
    return best


def _flash_bytes(chosen: Collection[Form]) -> int:
    code = size_table(*MEASURED_ON).code_bytes(form.kernel for form in chosen)
    return sum(form.size_bytes for form in chosen) + sum(code.values())
