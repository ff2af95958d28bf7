"""Random graphs: does each plan meet its lower bound, and does nobody overwrite anybody?

`make bench-arena`; 1 000 graphs, or as many as are asked for. Exits 1 below 99 %.
"""

from __future__ import annotations

import sys
import time
from statistics import median

from arena_cases import overwritten, planned


def main() -> int:
    """Print the figures."""
    graphs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    missed, wrong, below, gaps, took = [], 0, 0, [], []
    for seed in range(graphs):
        begin = time.perf_counter()
        layout = planned(seed)
        took.append(1000 * (time.perf_counter() - begin))
        place = layout.placement
        if place.arena_bytes > place.bound_bytes:
            missed.append(seed)
        below += place.arena_bytes < place.bound_bytes
        wrong += bool(overwritten(layout))
        gaps.append(place.arena_bytes / place.bound_bytes - 1)
    met = graphs - len(missed) - below
    print(f"{graphs} graphs: {met} at the bound, {below} below it, {wrong} overwritten")
    print(f"largest gap {max(gaps):.2%}; {median(took):.0f} ms a graph, at most {max(took):.0f}")
    print(f"not at the bound: {missed}")
    return 0 if met >= 0.99 * graphs and not wrong and not below else 1


if __name__ == "__main__":
    sys.exit(main())
