"""Undo and redo of hundreds of random edits: the project's file is the same, byte for byte."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.errors import StudioError
from studio.gui.main_window import MainWindow
from studio.project import CHOICES, ROOT, to_text
from studio.session import Session

EDITS = 500
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
BOARDS = ("virtual/host", "rpi_pico", "bluepill_f103c8", "virtual/mps2-an385")


def edit(session: Session, chance: random.Random) -> None:
    """One random edit, as a gesture or a panel would make it."""
    recipe = session.state.project.recipe
    nodes = list(recipe.by_id)
    anywhere = chance.choice([ROOT, *nodes])
    kind = chance.randrange(10)
    if kind in (0, 1) or not nodes:
        session.add_step(chance.choice(("fold_batch_norm", "quantize_int8")), anywhere)
        return
    node = chance.choice(nodes)
    some = chance.sample(nodes, chance.randint(1, min(3, len(nodes))))
    if kind == 2:
        session.insert_step("fold_batch_norm", node)
    elif kind == 3:
        session.remove(*some)
    elif kind == 4:
        session.mute(*some)
    elif kind == 5:
        session.rename(node, f"Step {chance.randrange(100)}")
    elif kind == 6:
        places = {n: (8.0 * chance.randrange(99), 8.0 * chance.randrange(99)) for n in some}
        session.move(places)
    elif kind == 7 and len(nodes) < 40:
        session.paste(session.copied(*some), anywhere)
    elif kind == 8 and recipe.by_id[node].step == "quantize_int8":
        session.tune(node, {"samples": chance.randint(1, 999)})
        session.settle()
    elif kind == 9:
        session.choose_board(chance.choice(BOARDS))
    else:
        name = chance.choice(list(CHOICES))
        session.choose(**{name: chance.choice(CHOICES[name])})


@pytest.mark.parametrize("seed", [1, 2])
def test_500_random_edits_are_undone_and_redone(
    digits: MainWindow, qtbot: QtBot, tmp_path: Path, seed: int
) -> None:
    """By keys; the file is compared at both ends, the project's text after every one of them."""
    session, chance = digits.session, random.Random(seed)
    digits.activateWindow()
    qtbot.waitUntil(digits.isActiveWindow)

    def saved(name: str) -> bytes:
        return session.save(tmp_path / name).read_bytes()

    def text() -> str:
        return to_text(session.state.project, Path("/"))

    texts, first = [text()], saved("first")
    refused = 0
    while len(session.state.history.past) < EDITS:
        try:
            edit(session, chance)
        except StudioError:
            refused += 1
        texts[len(session.state.history.past) :] = [text()]
    assert refused < EDITS
    last = saved("last")
    assert last != first
    for number in reversed(range(EDITS)):
        qtbot.keyClick(digits.canvas, Qt.Key.Key_Z, CTRL)
        assert text() == texts[number]
    assert not digits.actions_.by_id["undo"].isEnabled()
    assert saved("undone") == first
    for number in range(1, EDITS + 1):
        qtbot.keyClick(digits.canvas, Qt.Key.Key_Z, CTRL | SHIFT)
        assert text() == texts[number]
    assert not digits.actions_.by_id["redo"].isEnabled()
    assert saved("redone") == last
