"""tms_sub_s8: the difference of two tensors of different scales, with broadcast."""

from __future__ import annotations

from functools import partial

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Kernel, Params
from studio.compiler.kernels.add_s8 import FIELDS, examples, scaled, store


def reference(rescale: Rescale, p: Params, a: Array, b: Array, out: Array) -> None:
    """Map a and b int8, seen through their strides, to out int8 of `shape`.

    Formula: SubElementwise in TFLite's reference/sub.h, left shift 20.
    """
    difference = scaled(rescale, p, "a", a) - scaled(rescale, p, "b", b)
    store(p, rescale(difference, p["out_multiplier"], p["out_shift"]), out)


KERNELS = tuple(
    Kernel(
        name, "tms_binary_s8_params", FIELDS, partial(reference, rescale), examples, in_place=True
    )
    for name, rescale in (("tms_sub_s8", rescale_single), ("tms_sub_s8_dr", rescale_double))
)
