"""How constants lie in flash for a family of kernels.

A packer rearranges one parameter of one kernel offline, so that the kernel reads it in
order. The portable kernels read constants as described, so they have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Packer = Callable[[Array], Array]

PACKERS: dict[tuple[str, str, str], Packer] = {}
"""(kernel class, kernel, parameter) -> packer."""


def packed(kernel_class: str, kernel: str, parameter: str, data: Array) -> Array:
    """The array as the kernels of that class read it; contiguous."""
    packer = PACKERS.get((kernel_class, kernel, parameter))
    return np.ascontiguousarray(data if packer is None else packer(data))
