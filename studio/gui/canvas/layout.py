"""Where cards stand: columns by depth, rows by variant, unless the user moved them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.gui.canvas.paint import COLUMN_GAP_PX, HEIGHT_PX, ROW_GAP_PX, WIDTH_PX

COLUMN_PX = WIDTH_PX + COLUMN_GAP_PX
ROW_PX = HEIGHT_PX + ROW_GAP_PX
Position = tuple[float, float]


def arrange(
    parents: Mapping[str, str | None], placed: Mapping[str, Position]
) -> dict[str, Position]:
    """A position for each node.

    Args:
        parents: node to parent, parents before children; None for the root.
        placed: positions that the user chose.
    """
    children: dict[str | None, list[str]] = {}
    for node, parent in parents.items():
        children.setdefault(parent, []).append(node)
    rows: dict[str, float] = {}
    next_row = 0
    for node in _leaves_first(children.get(None, ()), children):
        below = [rows[child] for child in children.get(node, ())]
        if not below:
            rows[node] = next_row
            next_row += 1
        else:
            rows[node] = (below[0] + below[-1]) / 2
    depths: dict[str, int] = {}
    for node, parent in parents.items():
        depths[node] = 0 if parent is None else depths[parent] + 1
    return {
        node: placed.get(node, (depths[node] * COLUMN_PX, rows[node] * ROW_PX)) for node in parents
    }


def _leaves_first(roots: Sequence[str], children: Mapping[str | None, Sequence[str]]) -> list[str]:
    order: list[str] = []
    stack = [(node, False) for node in reversed(roots)]
    while stack:
        node, below_done = stack.pop()
        if below_done:
            order.append(node)
            continue
        stack.append((node, True))
        stack.extend((child, False) for child in reversed(children.get(node, ())))
    return order
