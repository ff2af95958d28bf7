"""The groups of steps: in which order they are offered, and under which icon."""

from __future__ import annotations

from studio.compression.step import Step, steps

ICONS = {
    "Prepare": "prepare",
    "Train": "train",
    "Prune": "prune",
    "Factorise": "factorise",
    "Quantise": "quantise",
}
"""Group to icon, in the order of work; groups that are not here come after these."""
OTHER = "step"


def by_group() -> dict[str, list[Step]]:
    """All steps under their groups."""
    found: dict[str, list[Step]] = {group: [] for group in ICONS}
    for step in steps().values():
        found.setdefault(step.group, []).append(step)
    return {group: some for group, some in found.items() if some}


def icon_of(group: str) -> str:
    """The icon of a group."""
    return ICONS.get(group, OTHER)
