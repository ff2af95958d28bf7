"""Where the nodes of a graph stand: rows by the longest way to them, columns near their sources."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH_PX = 144
HEIGHT_PX = 44
COLUMN_PX = 168
ROW_PX = 68


def place(sources: Sequence[Sequence[int]]) -> list[tuple[float, float]]:
    """A position for each node.

    Args:
        sources: for each node the indices of those that it reads, all smaller than its own.
    """
    rows: list[int] = []
    for read in sources:
        rows.append(1 + max((rows[source] for source in read), default=-1))
    columns: list[float] = [0.0] * len(rows)
    for row in range(max(rows, default=-1) + 1):
        here = [node for node, at in enumerate(rows) if at == row]
        wanted = {node: _middle([columns[s] for s in sources[node]]) for node in here}
        here.sort(key=lambda node: wanted[node])
        middle = _middle([wanted[node] for node in here])
        for at, node in enumerate(here):
            columns[node] = middle + at - (len(here) - 1) / 2
    return [(x * COLUMN_PX, y * ROW_PX) for x, y in zip(columns, rows, strict=True)]


def _middle(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
