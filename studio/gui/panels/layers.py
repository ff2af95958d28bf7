"""A table of the kernel calls: what each costs."""

from __future__ import annotations

from PySide6.QtCore import Signal

from studio.budget.arena_map import buffer_names, short_names
from studio.compiler.program import KernelCall, Program
from studio.gui import figures
from studio.gui.tables import Table

COLUMNS = ("Layer", "Kernel", "Output", "Multiply-accumulates", "Weights", "Output bytes")
FIRST_NUMBER = 3


class LayersPanel(Table):
    """One row a call of the Program."""

    layer_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(
            "Layers", COLUMNS, FIRST_NUMBER, "Open a model to see what its layers cost."
        )
        self.setObjectName("page")
        self._program: Program | None = None
        self.itemSelectionChanged.connect(self._picked)

    def show_layer(self, layer: str) -> None:
        """Mark the row of a layer."""
        row = call_of(self._program, layer)
        self.blockSignals(True)
        self.clearSelection() if row is None else self.selectRow(row)
        self.blockSignals(False)

    def _picked(self) -> None:
        if self._program is not None and self.selectedItems():
            self.layer_chosen.emit(self._program.calls[self.currentRow()].layer.split(";")[0])

    def show_program(self, program: Program | None) -> None:
        """List the calls of `program`."""
        if program is self._program:
            return
        self._program = program
        rows = []
        if program is not None:
            names = short_names(program)
            rows = [_texts(program, *pair) for pair in zip(names, program.calls, strict=True)]
        self.show_rows(rows, "Computed: follows from the program")


def call_of(program: Program | None, layer: str) -> int | None:
    """The call that computes a node of the graph, fused ones included."""
    for index, call in enumerate(program.calls if program and layer else ()):
        if layer in (call.layer, *call.layer.split(";")):
            return index
    names = buffer_names(program) if program and layer in buffer_names(program) else []
    for index, call in enumerate(program.calls if program and names else ()):
        if layer in (names[output] for output in call.outputs):
            return index
    return None


def weight_bytes(program: Program, call: KernelCall) -> int:
    """Bytes of the constants that a call reads."""
    named = {*call.inputs, *call.params.values()}
    return sum(c.size_bytes for name, c in program.constants.items() if name in named)


def _texts(program: Program, name: str, call: KernelCall) -> tuple[str, ...]:
    outputs = [program.buffers[index] for index in call.outputs]
    return (
        name,
        call.kernel.removeprefix("tms_"),
        ", ".join("x".join(str(size) for size in buffer.shape) for buffer in outputs),
        figures.grouped(call.macs) if call.macs else "",
        figures.exact_bytes(weight) if (weight := weight_bytes(program, call)) else "",
        figures.exact_bytes(sum(buffer.size_bytes for buffer in outputs)),
    )
