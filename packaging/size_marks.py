"""Size marks: a function's 90th percentile and maximum, a file's maximum; exit status 1 when over.

    python packaging/size_marks.py

Counts lines from `def` to the last line, docstring included. Tables (file names with "table", and
tms.h, the runtime's table of contents) may be as long as they like.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

FUNCTION_P90_LINES = 30
FUNCTION_LINES = 60
FILE_LINES = 600

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("studio", "tests", "packaging", "runtime_c")


def function_sizes(path: Path) -> list[tuple[int, str]]:
    """Lines and `file:line name` of every function in a Python file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        ((node.end_lineno or 0) - node.lineno + 1, f"{path}:{node.lineno} {node.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def main() -> int:
    """Print what is over; 1 if anything is."""
    files = [
        path.relative_to(ROOT)
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*"))
        if path.suffix in {".py", ".c", ".h"}
    ]
    over = []
    for path in files:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES and "table" not in path.name and path.name != "tms.h":
            over.append(f"{path}: {lines} lines, at most {FILE_LINES}")
    sizes = sorted(size for path in files if path.suffix == ".py" for size in function_sizes(path))
    over += [
        f"{name}: {lines} lines, at most {FUNCTION_LINES}"
        for lines, name in sizes
        if lines > FUNCTION_LINES
    ]
    p90 = sizes[len(sizes) * 9 // 10][0]
    if p90 > FUNCTION_P90_LINES:
        over.append(f"functions: 90th percentile {p90} lines, at most {FUNCTION_P90_LINES}")
    print("\n".join(over) or f"{len(files)} files, {len(sizes)} functions, p90 {p90} lines: fine")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
