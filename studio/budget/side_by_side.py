"""Many boards side by side, as rows for a table, CSV and Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from studio.budget import Budget, tables
from studio.targets.figure import Figure

COLUMNS = (
    "board", "fits", "flash_bytes", "flash_limit_bytes", "over_flash_bytes", "ram_bytes",
    "stack_bytes", "ram_limit_bytes", "over_ram_bytes", "arena_bytes", "instructions",
    "latency_us", "energy_uj", "reserve_flash_bytes", "reserve_ram_bytes", "source", "why",
)  # fmt: skip
UNKNOWN = "unknown"


def rows(budgets: Iterable[Budget]) -> list[tuple[str, ...]]:
    """One row a board, in the order of COLUMNS; what is not known says so."""
    return [_row(one) for one in budgets]


def _row(one: Budget) -> tuple[str, ...]:
    return (
        one.profile.id,
        "yes" if one.fits else "no",
        _text(one.flash_bytes),
        str(one.profile.size_bytes("flash")),
        str(one.over_flash_bytes),
        _text(one.ram_bytes),
        _text(one.stack_bytes),
        str(one.profile.size_bytes("ram")),
        str(one.over_ram_bytes),
        _text(one.arena_bytes),
        _text(one.instructions),
        _text(one.latency_us),
        _text(one.energy_uj),
        str(one.reserve.flash_bytes),
        str(one.reserve.ram_bytes),
        one.flash_bytes.source,
        why(one),
    )


def why(one: Budget) -> str:
    """Why a model does not fit, or what to know where it does."""
    reasons = []
    if one.over_flash_bytes:
        reasons.append(f"flash over by {one.over_flash_bytes}, most of it {one.most_of_flash}")
    if one.over_ram_bytes:
        reasons.append(f"RAM over by {one.over_ram_bytes}, fullest at {one.peak[0]}")
        if one.copied_bytes.value:
            reasons.append(f"weights in RAM take {one.copied_bytes.value:.0f}")
    if one.banks.several:
        reasons.append(f"needs two banks: {one.banks.text}")
    return "; ".join(reasons)


def _text(figure: Figure | None) -> str:
    return UNKNOWN if figure is None else f"{figure.value:.10g}"


def as_csv(budgets: Iterable[Budget]) -> str:
    """The table as CSV with a header."""
    return tables.as_csv((COLUMNS, *rows(budgets)))


def as_markdown(budgets: Iterable[Budget]) -> str:
    """The table as Markdown with a header."""
    return tables.as_markdown(COLUMNS, rows(budgets))
