"""Numbers as people read them: thin spaces, units, and where they come from."""

from __future__ import annotations

from studio.targets.figure import Figure

THIN = "\u202f"
MINUS = "\u2212"


def grouped(value: float) -> str:
    """An integer in groups of three: 24 112."""
    return f"{round(value):,}".replace(",", THIN).replace("-", MINUS)


def exact_bytes(value: float) -> str:
    """Bytes in full: 24 112 B."""
    return f"{grouped(value)}{THIN}B"


def short_bytes(value: float) -> str:
    """Bytes in three figures: 640 B, 17.1 kB, 1.2 MB (powers of 1000)."""
    return _scaled(value, "B")


def short_count(value: float, unit: str = "") -> str:
    """A count in three figures: 0.15 M MAC."""
    return _scaled(value, unit)


def short_time(us: float) -> str:
    """A time in three figures: 640 \u00b5s, 17.1 ms, 1.2 s."""
    return _micro(us, "s")


def short_energy(uj: float) -> str:
    """An energy in three figures: 640 \u00b5J, 17.1 mJ, 1.2 J."""
    return _micro(uj, "J")


def _micro(value: float, unit: str) -> str:
    factor, prefix = next(
        ((f, p) for limit, f, p in ((1e3, 1.0, "\u00b5"), (1e6, 1e3, "m")) if value < limit),
        (1e6, ""),
    )
    places = 1 if value / factor < 100 else 0
    return f"{value / factor:.{places}f}{THIN}{prefix}{unit}"


def _scaled(value: float, unit: str) -> str:
    size = abs(value)
    for limit, factor, prefix in (
        (1e3, 1.0, ""),
        (1e6, 1e3, "k"),
        (1e9, 1e6, "M"),
        (1e12, 1e9, "G"),
    ):
        if size < limit:
            places = 1 if factor > 1 and size / factor < 100 else 0
            text = f"{value / factor:.{places}f}".replace("-", MINUS)
            return f"{text}{THIN}{prefix}{unit}".rstrip(THIN)
    return f"{value:.2e}{THIN}{unit}"


def percent(share: float, places: int = 1) -> str:
    """A share as per cent: 97.5 %."""
    return f"{100 * share:.{places}f}{THIN}%".replace("-", MINUS)


def change(before: float, after: float) -> str:
    """The relative change from `before` to `after`, signed, in per cent."""
    if not before:
        return ""
    share = 100 * (after - before) / before
    return f"{share:+.0f}{THIN}%".replace("-", MINUS)


def source(figure: Figure) -> str:
    """Where a figure comes from, for tooltips."""
    return (
        f"{figure.source.capitalize()}: {figure.detail}"
        if figure.detail
        else figure.source.capitalize()
    )
