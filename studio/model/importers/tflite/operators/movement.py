"""Operators that only move, pick or pad elements."""

from __future__ import annotations

import math

import numpy as np

from studio.model.importers.tflite.file import DAMAGED
from studio.model.importers.tflite.graph import TO_FIRST
from studio.model.importers.tflite.operator import Site


def reshape(site: Site) -> None:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: the same elements in the result's shape."""
    shape = site.result().shape
    if math.prod(shape) != math.prod(site.tensor().shape):
        raise site.refused(f"{list(site.tensor().shape)} to {list(shape)}", DAMAGED)
    site.done(site.reshaped(site.x(), shape), view=True)


def transpose(site: Site) -> None:
    """Transpose by a constant permutation."""
    perm = site.axes(site.integers(1), len(site.tensor().shape))
    if sorted(perm) != list(range(len(site.tensor().shape))):
        raise site.refused(f"permutation {list(perm)}", DAMAGED)
    site.done(site.emit("Transpose", site.x(), perm=perm), view=True)


def pad(site: Site) -> None:
    """Pad with zero, or with a constant."""
    rank = len(site.tensor().shape)
    amounts = np.array(site.integers(1))
    if amounts.size != 2 * rank:
        raise site.refused(f"{amounts.size} amounts for {rank} axes", DAMAGED)
    first = site.prefers_first()
    amounts = amounts.reshape(rank, 2)[list(TO_FIRST) if first else slice(None)]
    inputs = [site.x(0, first), site.const(amounts.T.reshape(-1), np.int64, "pads")]
    mode = "constant"
    if site.kind == "PADV2":
        inputs.append(site.const(site.known(2).reshape(()), np.float32, "value"))
    elif site.kind == "MIRROR_PAD":
        if site.option("Mode") != 0:
            raise site.refused("mode symmetric", "use reflect or constant padding")
        mode = "reflect"
    site.done(site.emit("Pad", *inputs, mode=mode), first, view=True)


def concatenation(site: Site) -> None:
    """Concat along one axis."""
    rank = len(site.result().shape)
    (axis,) = site.axes((site.option("Axis"),), rank)
    first = rank == 4 and site.prefers_first()
    parts = [site.x(number, first) for number in range(site.input_count)]
    out = site.emit("Concat", *parts, axis=site.axis_in(axis, first))
    site.done(site.activated(out), first)


def pack(site: Site) -> None:
    """Tensors stacked along a new axis."""
    (axis,) = site.axes((site.option("Axis"),), len(site.result().shape))
    parts = []
    for number in range(site.input_count):
        shape = site.tensor(number).shape
        parts.append(site.reshaped(site.x(number), (*shape[:axis], 1, *shape[axis:])))
    site.done(site.emit("Concat", *parts, axis=axis))


def unpack(site: Site) -> None:
    """A tensor taken apart along an axis, which is gone then."""
    shape = site.tensor().shape
    (axis,) = site.axes((site.option("Axis"),), len(shape))
    rest = (*shape[:axis], *shape[axis + 1 :])
    for number, part in enumerate(_parts(site, 0, axis, [1] * shape[axis], False)):
        site.done(site.reshaped(part, rest), output=number, view=True)


def split(site: Site) -> None:
    """SPLIT: the axis is the first input; parts of one size."""
    _split(site, 1, site.integers(0), None)


def split_v(site: Site) -> None:
    """SPLIT_V: parts of given sizes."""
    _split(site, 0, site.integers(2), site.integers(1))


def _split(site: Site, number: int, axis: tuple[int, ...], sizes: tuple[int, ...] | None) -> None:
    shape = site.tensor(number).shape
    (place,) = site.axes(axis, len(shape))
    count = site.output_count
    if sizes is None:
        sizes = (shape[place] // count,) * count
    if -1 in sizes:
        sizes = tuple(shape[place] - sum(sizes) - 1 if size == -1 else size for size in sizes)
    if sum(sizes) != shape[place] or len(sizes) != count:
        raise site.refused(f"{shape[place]} elements into {list(sizes)}", DAMAGED)
    first = site.prefers_first()
    for output, part in enumerate(_parts(site, number, place, list(sizes), first)):
        site.done(part, first, output, view=number == 0)


def _parts(site: Site, number: int, axis: int, sizes: list[int], first: bool) -> list[str]:
    if len(sizes) != site.output_count:
        raise site.refused(f"{site.output_count} results of {len(sizes)} parts", DAMAGED)
    lengths = site.const(sizes, np.int64, "split")
    where = site.axis_in(axis, first)
    return site.emit_many("Split", len(sizes), site.x(number, first), lengths, axis=where)


def slice_(site: Site) -> None:
    """SLICE: starts and sizes; a size of -1 is all that is left."""
    starts, sizes = site.integers(1), site.integers(2)
    shape = site.tensor().shape
    if not len(starts) == len(sizes) == len(shape):
        raise site.refused(f"{len(starts)} starts for {len(shape)} axes", DAMAGED)
    ends = [
        whole if size == -1 else start + size
        for start, size, whole in zip(starts, sizes, shape, strict=True)
    ]
    first = site.prefers_first()
    site.done(_sliced(site, first, list(starts), ends, [1] * len(shape)), first, view=True)


def strided_slice(site: Site) -> None:
    """STRIDED_SLICE: Slice, and Reshape where an axis is picked."""
    begin, end, strides = (list(site.integers(number)) for number in (1, 2, 3))
    shape = site.tensor().shape
    if site.option("EllipsisMask", 0) or site.option("NewAxisMask", 0):
        raise site.refused("an ellipsis or a new axis in the slice", "slice every axis")
    if not len(begin) == len(end) == len(strides) <= len(shape) or 0 in strides:
        raise site.refused(f"{len(begin)} starts for {len(shape)} axes", DAMAGED)
    begin_mask, end_mask = site.option("BeginMask", 0), site.option("EndMask", 0)
    picked = [axis for axis in range(len(begin)) if site.option("ShrinkAxisMask", 0) >> axis & 1]
    for axis, step in enumerate(strides):
        if axis in picked:
            end[axis], strides[axis] = begin[axis] + 1, 1
            if begin[axis] == -1:
                end[axis] = shape[axis]
            continue
        if begin_mask >> axis & 1:
            begin[axis] = 0 if step > 0 else shape[axis] - 1
        if end_mask >> axis & 1:
            end[axis] = shape[axis] if step > 0 else -(2**31)
    first = site.prefers_first() and not picked
    out = _sliced(site, first, begin, end, strides)
    if picked:
        out = site.reshaped(out, site.result().shape)
    site.done(out, first, view=True)


def _sliced(site: Site, first: bool, begin: list[int], end: list[int], step: list[int]) -> str:
    """Slice over those axes that are not taken whole."""
    shape = site.tensor().shape
    cut = [
        axis
        for axis in range(len(begin))
        if not (begin[axis] == 0 and end[axis] == shape[axis] and step[axis] == 1)
    ]
    lists = (
        [begin[axis] for axis in cut],
        [end[axis] for axis in cut],
        [site.axis_in(axis, first) for axis in cut],
        [step[axis] for axis in cut],
    )
    names = ("starts", "ends", "axes", "steps")
    constants = [
        site.const(values, np.int64, name) for values, name in zip(lists, names, strict=True)
    ]
    return site.emit("Slice", site.x(0, first), *constants)


def gather(site: Site) -> None:
    """Elements by index along an axis."""
    if site.option("BatchDims", 0):
        raise site.refused("batch dimensions", "gather along one axis")
    (axis,) = site.axes((site.option("Axis", 0),), len(site.tensor().shape))
    site.done(site.emit("Gather", site.x(0), site.x(1), axis=axis), view=True)


def reverse_sequence(site: Site) -> None:
    """The first elements of each sequence in reverse order."""
    axes = (site.option("SeqDim"), site.option("BatchDim", 0))
    time, batch = site.axes(axes, len(site.tensor().shape))
    lengths = site.x(1)
    if site.tensor(1).dtype != "int64":
        from onnx import TensorProto

        lengths = site.emit("Cast", lengths, to=TensorProto.INT64)
    out = site.emit("ReverseSequence", site.x(0), lengths, time_axis=time, batch_axis=batch)
    site.done(out, view=True)


def resize(site: Site) -> None:
    """Nearest or bilinear to the result's height and width."""
    shape = site.result().shape
    if len(shape) != 4:
        raise site.refused(f"{len(shape)} axes", DAMAGED)
    corners, centres = site.option("AlignCorners", False), site.option("HalfPixelCenters", False)
    nearest = site.kind == "RESIZE_NEAREST_NEIGHBOR"
    # Halves go up; with centres at halves, rounding so takes what lies left of the place itself.
    rounding = ("round_prefer_ceil" if corners or centres else "floor") if nearest else None
    mode = "align_corners" if corners else "half_pixel" if centres else "asymmetric"
    sizes = site.const([shape[axis] for axis in TO_FIRST], np.int64, "sizes")
    out = site.emit(
        "Resize",
        site.x(0, first=True),
        "",
        "",
        sizes,
        mode="nearest" if nearest else "linear",
        coordinate_transformation_mode=mode,
        nearest_mode=rounding,
    )
    site.done(out, first=True, view=True)


def depth_to_space(site: Site) -> None:
    """Channels to blocks of places, or back."""
    op_type = "DepthToSpace" if site.kind == "DEPTH_TO_SPACE" else "SpaceToDepth"
    if len(site.tensor().shape) != 4:
        raise site.refused(f"{len(site.tensor().shape)} axes", DAMAGED)
    value = site.x(0, first=True)
    site.done(site.emit(op_type, value, blocksize=site.option("BlockSize")), first=True, view=True)


TRANSLATORS = {
    "RESHAPE": reshape,
    "SQUEEZE": reshape,
    "EXPAND_DIMS": reshape,
    "TRANSPOSE": transpose,
    "PAD": pad,
    "PADV2": pad,
    "MIRROR_PAD": pad,
    "CONCATENATION": concatenation,
    "PACK": pack,
    "UNPACK": unpack,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "SLICE": slice_,
    "STRIDED_SLICE": strided_slice,
    "GATHER": gather,
    "REVERSE_SEQUENCE": reverse_sequence,
    "RESIZE_NEAREST_NEIGHBOR": resize,
    "RESIZE_BILINEAR": resize,
    "DEPTH_TO_SPACE": depth_to_space,
    "SPACE_TO_DEPTH": depth_to_space,
}
