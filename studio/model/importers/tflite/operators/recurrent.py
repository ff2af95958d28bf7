"""UNIDIRECTIONAL_SEQUENCE_LSTM in float."""

from __future__ import annotations

import numpy as np

from studio.model.importers.tflite.file import DAMAGED
from studio.model.importers.tflite.operator import Site

# Inputs: 0 the sequence, 1-4 input weights, 5-8 state weights, 9-11 peepholes, 12-15 biases,
# 16-17 projection, 18-19 states, 20-23 layer normalisation; gates in the order i, f, c, o.
CELL_CLIP = "tms.cell_clip"  # bound of the cell state's magnitude, in the node's metadata
_GATES = (0, 3, 1, 2)  # i, o, f, c as ONNX has them


def lstm(site: Site) -> None:
    """LSTM over [1, time, features], or [time, 1, features]."""
    if site.intermediates or site.tensor().quantized:
        raise site.refused(
            "quantised gates have no form in ONNX", "export the recurrent layers in float"
        )
    if any(site.has(number) for number in (9, 10, 11, 16, 17, 20, 21, 22, 23)):
        raise site.refused("peepholes, projection or layer normalisation", "use a plain LSTM")
    if not all(site.has(number) for number in range(1, 9)):
        raise site.refused("coupled gates", "use a plain LSTM")
    time_major = bool(site.option("TimeMajor", False))
    shape = site.tensor().shape
    if len(shape) != 3 or shape[1 if time_major else 0] != 1:
        raise site.refused(f"a sequence of shape {list(shape)}", "use batch 1")
    units = site.tensor(5).shape[0]
    weights = [_stacked(site, start, False) for start in (1, 5)]
    bias = np.concatenate([_stacked(site, 12, True), np.zeros(4 * units, np.float32)])
    value = site.x()
    if not time_major:
        value = site.emit("Transpose", value, perm=(1, 0, 2))
    names = [
        site.const(array[None], np.float32, name)
        for array, name in zip((*weights, bias), ("w", "r", "b"), strict=True)
    ]
    out = site.emit("LSTM", value, *names, hidden_size=units)
    if clip := float(site.option("CellClip", 0.0)):
        # ONNX's own clip is another one, of what goes into the gates' functions.
        site.graph.annotate({CELL_CLIP: repr(clip)})
    site.done(site.reshaped(out, site.result().shape))


def _stacked(site: Site, start: int, optional: bool) -> np.ndarray:
    """The four gates' arrays one after the other, in ONNX's order."""
    arrays = []
    for gate in _GATES:
        if optional and not site.has(start + gate):
            raise site.refused("no bias", DAMAGED)
        arrays.append(site.known(start + gate))
    return np.concatenate(arrays)


TRANSLATORS = {"UNIDIRECTIONAL_SEQUENCE_LSTM": lstm}
