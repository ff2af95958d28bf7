"""Both palettes are legible."""

from __future__ import annotations

import pytest

from studio.gui import figures, theme

GROUNDS = ("surface", "canvas", "card", "field", "hover")


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=lambda palette: palette.name)
@pytest.mark.parametrize("ink", ["text", "muted", "accent", "good", "bad"])
def test_text_meets_wcag_aa(palette: theme.Palette, ink: str) -> None:
    for ground in GROUNDS:
        assert theme.contrast(getattr(palette, ink), getattr(palette, ground)) >= 4.5, ground


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=lambda palette: palette.name)
def test_the_main_button_meets_wcag_aa(palette: theme.Palette) -> None:
    assert theme.contrast(palette.on_accent, palette.accent) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)


def test_figures_read_as_people_write_them() -> None:
    thin = figures.THIN
    assert figures.exact_bytes(24112) == f"24{thin}112{thin}B"
    assert figures.short_bytes(17104) == f"17.1{thin}kB"
    assert figures.short_bytes(640) == f"640{thin}B"
    assert figures.percent(0.9749) == f"97.5{thin}%"
    assert figures.change(100, 69) == f"\u221231{thin}%"
