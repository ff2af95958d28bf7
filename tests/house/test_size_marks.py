"""The size marks find what is too long."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_function_is_measured_from_def_to_its_last_line(tmp_path: Path) -> None:
    marks = runpy.run_path(str(ROOT / "packaging" / "size_marks.py"))
    path = tmp_path / "a.py"
    path.write_text("x = 1\n\n\ndef f():\n    a = 1\n    return a\n", encoding="utf-8")
    assert marks["function_sizes"](path) == [(3, f"{path}:4 f")]
