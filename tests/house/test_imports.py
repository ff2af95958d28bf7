"""Heavy packages are imported where they are used, so that the program starts at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"onnx", "onnx_ir", "onnxruntime", "onnxscript", "sklearn", "torch"}


def imported_at_start(node: ast.AST) -> Iterator[str]:
    """Top-level packages that running the module imports, outside functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and not child.level:
            yield (child.module or "").partition(".")[0]
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imported_at_start(child)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "studio").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_heavy_import_at_module_level(path: Path) -> None:
    found = set(imported_at_start(ast.parse(path.read_text(encoding="utf-8"))))
    assert not found & HEAVY


@pytest.mark.parametrize("module", ["studio.cli", "studio.targets.library"])
def test_the_command_line_starts_without_numpy_and_qt(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in output.stdout.split()}
    assert not loaded & (HEAVY | {"numpy", "PySide6", "serial", "pyqtgraph"})
