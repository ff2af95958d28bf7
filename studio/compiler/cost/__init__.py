"""How many instructions a Program takes, before it runs: a model per core and compiler.

The instructions of a kernel call are a sum of counts, each times a coefficient. A count says
how often a piece of the kernel's C runs for the geometry of the call: once a call, a row, a
place, a block of filters, a row of the window, and for each inner loop how often it is entered
and how many elements it sees. Compilers unroll and vectorise inner loops by 4, 8 or 16, so that a
loop over n elements has its own counts for n, for what is left over (n mod 4, 8, 16) and for
the blocks begun. The coefficients stand in `resources/costs/<toolchain>-<core>.json`; they
were fitted to a synthetic sweep of each kernel on a virtual board (`make cost-tables`), in
which no model that is later predicted had a part. They are instructions, not cycles.
"""

from studio.compiler.cost.counts import (
    RECTIFIED_ZEROS,
    STEP_INSTRUCTIONS,
    call_counts,
    call_instructions,
    feels_zeros,
    kernel_counts,
    kernel_form,
    knows,
    may_share,
    program_counts,
    stage_instructions,
)
from studio.compiler.cost.loops import Counts
from studio.compiler.cost.table import CostTable, KernelCost, cost_table

__all__ = [
    "RECTIFIED_ZEROS",
    "STEP_INSTRUCTIONS",
    "CostTable",
    "Counts",
    "KernelCost",
    "call_counts",
    "call_instructions",
    "cost_table",
    "feels_zeros",
    "kernel_counts",
    "kernel_form",
    "knows",
    "may_share",
    "program_counts",
    "stage_instructions",
]
