"""Models that nobody here made compute on a virtual board what they do on the host."""

from __future__ import annotations

import pytest
from bench.equality import compare
from bench.models import BOARD, CHOSEN
from model.corpus import MODELS

from studio.job import finish
from studio.model.importers import open_model


@pytest.mark.needs_data
@pytest.mark.needs_qemu
@pytest.mark.parametrize("path", CHOSEN)
def test_a_virtual_board_computes_the_same_bytes(path):
    model = finish(open_model(MODELS / path))
    identical, compared, _ = compare(model, BOARD, "zig", samples=3)
    assert identical and compared
