"""Cards stand in columns by depth and rows by variant."""

from __future__ import annotations

from studio.gui.canvas.layout import COLUMN_PX, ROW_PX, arrange


def test_a_chain_is_a_row() -> None:
    placed = arrange({"": None, "a": "", "b": "a"}, {})
    assert placed == {"": (0, 0), "a": (COLUMN_PX, 0), "b": (2 * COLUMN_PX, 0)}


def test_variants_stand_below_each_other_and_their_parent_between_them() -> None:
    placed = arrange({"": None, "a": "", "b": "a", "c": "a", "d": ""}, {})
    assert [placed[node][1] for node in "bcd"] == [0, ROW_PX, 2 * ROW_PX]
    assert placed["a"] == (COLUMN_PX, ROW_PX / 2)
    assert len(set(placed.values())) == len(placed)


def test_a_card_that_the_user_moved_stays() -> None:
    assert arrange({"": None, "a": ""}, {"a": (7.0, 8.0)})["a"] == (7.0, 8.0)
