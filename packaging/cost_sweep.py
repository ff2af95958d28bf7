"""The synthetic sweep behind resources/costs: calls of each kernel over many geometries.

All calls read the same bytes, floats and truth values, and write what nobody reads. Floats are
normally distributed, for some calls rectified: zeros are fast in soft float.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cost_draws import DRAWS, INPUT_BYTES, MOST_WEIGHTS, OUT_BYTES, Rng, resized_scan

from studio.compiler.cost import RECTIFIED_ZEROS, feels_zeros, kernel_form, may_share
from studio.compiler.fuse import whole
from studio.compiler.kernel import Example, Kernel
from studio.compiler.program import Buffer, Constant, KernelCall, Options, Program, Step

EXAMPLE_CALLS = 40  # of a kernel that has no geometries of its own
_SIZES = {"weights": MOST_WEIGHTS, "w": MOST_WEIGHTS, "r": MOST_WEIGHTS}
_DRAWN = {*_SIZES, "bias", "multiplier", "shift", "scale", "peepholes"}
_PLAIN_BYTES = 1024  # of arrays with a value a channel, in elements
# What the calls read, by name: the type, and what it is made of in the first calls.
_READ = {
    "bytes": ("int8", ""), "floats": ("float32", ""), "rectified": ("float32", "tms_clip_f32"),
    "positive": ("float32", "tms_abs_f32"), "numbers": ("int32", "tms_cast_f32_s32"),
    "truths": ("bool", ""), "narrow": ("float32", "tms_tanh_f32"),
}  # fmt: skip
_OUT = len(_READ) * INPUT_BYTES  # where the calls write
_VARIED = ("tms_softmax_s8", "tms_dynamic_quantize_f32")  # their scalars choose the way
_REACH = 4.0  # standard deviations that quantised numbers span
_REFILL = KernelCall(
    "", "tms_copy_b32", (0,), (len(_READ),),
    {"rows": 1, "n": OUT_BYTES // 4, "in_stride": 0, "out_stride": 0, "out_start": 0},
)  # fmt: skip
_NARROW = ("tms_softmax_f32",)  # whose numbers lie close together in attention
_POSITIVE = ("tms_log_f32", "tms_sqrt_f32", "tms_pow_f32")  # short ways out below zero


@dataclass(frozen=True, slots=True)
class Sample:
    """A call of the sweep, which is a stage of its own: its index, steps and share of zeros."""

    call: int
    steps: int
    zeros: float


@dataclass(slots=True)
class Sweep:
    """A Program in the making, with the calls of many kernels.

    Attributes:
        samples: what is to be measured; the calls before them fill what they read.
    """

    samples: list[Sample] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    constants: dict[str, Constant] = field(default_factory=dict)
    calls: list[KernelCall] = field(default_factory=list)
    stages: list[tuple[Step, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, (dtype, made_by) in enumerate(_READ.values()):
            size = INPUT_BYTES // np.dtype(dtype).itemsize
            role = "activation" if made_by else "input"
            self._buffer(Buffer("x", (size,), dtype, role), number * INPUT_BYTES)  # type: ignore[arg-type]
            if made_by:
                params = {"n": size, "act_min": 0.0, "act_max": 1e9}
                names = ("n",) if made_by != "tms_clip_f32" else tuple(params)
                chosen = {name: params[name] for name in names}
                self._call(KernelCall("", made_by, (1,), (number,), chosen), 1)
        self._buffer(Buffer("b", (OUT_BYTES,), "int8"), _OUT)
        self._buffer(Buffer("y", (4,), "int8", "output"), _OUT + 3 * OUT_BYTES)

    def add(self, kernel: Kernel, rng: Rng) -> None:
        """Calls of a kernel."""
        for number, example in enumerate(drawn(rng, kernel)):
            zeros = RECTIFIED_ZEROS if feels_zeros(kernel) and number % 4 == 1 else 0.0
            shared = may_share(kernel) and number % 3 == 0
            if shared:
                self._call(_REFILL, 1)
            inputs = tuple(
                self._input(kernel, example, place, self._floats(kernel, number, zeros), shared)
                for place in range(len(example.inputs))
            )
            outs = ((example.out_shape, example.out_dtype), *example.more_outs)
            outputs = tuple(
                self._buffer(Buffer("b", shape, dtype), _OUT + (place > 0) * OUT_BYTES)
                for place, (shape, dtype) in enumerate(outs)
            )
            scratch = None
            if kernel.scratch_bytes is not None:
                size = kernel.scratch_bytes(example.params)
                scratch = self._buffer(
                    Buffer("s", (size,), "uint8", "scratch"), _OUT + 2 * OUT_BYTES
                )
            rows = int(example.params["out_h"]) if kernel.window else None
            params = {key: self._value(key, value) for key, value in example.params.items()}
            call = KernelCall("", kernel.name, inputs, outputs, params, 0, scratch, rows)
            steps = rows if rows and number % 3 == 0 else 1
            self.samples.append(Sample(len(self.calls), steps, zeros))
            self._call(call, steps)

    def program(self) -> Program:
        """What was added."""
        end = _OUT + 3 * OUT_BYTES + 16
        return Program(
            name="costs",
            buffers=tuple(self.buffers),
            calls=tuple(self.calls),
            constants=self.constants,
            offsets=tuple(self.offsets),
            arena_bytes=end,
            bound_bytes=end,
            options=Options(rounding="single"),
            output_order=(len(_READ) + 1,),
            stages=tuple(self.stages),
        )

    def _buffer(self, buffer: Buffer, offset: int) -> int:
        self.buffers.append(buffer)
        self.offsets.append(offset)
        return len(self.buffers) - 1

    def _call(self, call: KernelCall, steps: int) -> None:
        index = len(self.calls)
        self.calls.append(call)
        rows = tuple(Step(index, y, y + 1) for y in range(steps))
        self.stages.append(rows if steps > 1 else whole(index, call))

    @staticmethod
    def _floats(kernel: Kernel, number: int, zeros: float) -> str:
        """Which floats a call reads first."""
        if kernel.name in _POSITIVE:
            return "positive"
        if kernel.name in _NARROW and number % 2:
            return "narrow"
        return "rectified" if zeros else "floats"

    def _input(
        self, kernel: Kernel, example: Example, place: int, floats: str, shared: bool
    ) -> int:
        """A buffer of the right shape (it sets the stride of rows) over what the calls read."""
        array = example.inputs[place]
        name = {"float32": "floats", "int32": "numbers", "bool": "truths"}.get(
            str(array.dtype), "bytes"
        )
        if name == "floats" and place == 0:
            name = floats
        start = self.offsets[list(_READ).index(name)]
        offset = _OUT if shared else start + place * INPUT_BYTES // 4  # no two the same
        return self._buffer(Buffer("a", array.shape, str(array.dtype)), offset)

    def _value(self, key: str, value: Any) -> Any:
        """A field of the struct; arrays become constants, equal ones the same."""
        if not isinstance(value, np.ndarray):
            return value
        for name, constant in self.constants.items():
            if constant.data is value:
                return name
        name = f"{key}{len(self.constants)}"
        self.constants[name] = Constant(name, value)
        return name


def drawn(rng: Rng, kernel: Kernel) -> Iterator[Example]:
    """Calls of a kernel: drawn geometries, or its own examples where there are none to draw."""
    form = kernel_form(kernel.name)
    if form is None or form not in DRAWS:
        made: list[Example] = []
        while len(made) < EXAMPLE_CALLS:
            made += kernel.examples(rng)
        yield from made
        return
    examples = kernel.examples(np.random.default_rng(0))
    varied = examples[:3] if kernel.name in _VARIED else examples[:1]
    shared = [_shared_params(example) for example in varied]
    found = 0
    while found < DRAWS[form].calls:
        number = found % len(varied)
        geometry = DRAWS[form].make(rng, _width(kernel, varied[number]))
        if geometry is not None:
            found += 1
            if form == "scan":
                geometry = resized_scan(shared[number], geometry)
            yield _resized(varied[number], {**shared[number], **geometry}, kernel.window)


def _shared_params(example: Example) -> dict[str, Any]:
    """What geometries leave as it is: large arrays, and limits that nothing exceeds."""
    shared = {key: _shared(key, value) for key, value in example.params.items()}
    if "act_max" in shared:
        limits = (-1e9, 1e9)
        if np.dtype(example.out_dtype).kind == "i":
            limits = np.iinfo(example.out_dtype).min, np.iinfo(example.out_dtype).max
        shared |= dict(zip(("act_min", "act_max"), limits, strict=True))
    if isinstance(shared.get("scale"), float):
        sides = (np.dtype(d) for d in (example.out_dtype, example.inputs[0].dtype))
        shared["scale"] = _REACH / max(np.iinfo(d).max for d in sides if d.kind == "i")
    return shared


def _width(kernel: Kernel, example: Example) -> int:
    return max(
        np.dtype(d).itemsize for d in (example.out_dtype, *(x.dtype for x in example.inputs))
    )


def _resized(example: Example, params: dict[str, Any], window: bool) -> Example:
    """The example with other params; tensors as large as may be, and for windows as they are."""

    def shape(side: str, dtype: str, fallback: int) -> tuple[int, ...]:
        if window:
            return tuple(int(params[f"{side}_{axis}"]) for axis in "hwc")
        return (fallback // np.dtype(dtype).itemsize,)

    inputs = tuple(
        np.broadcast_to(np.zeros((), x.dtype), shape("in", str(x.dtype), INPUT_BYTES))
        for x in example.inputs
    )
    return Example(
        params,
        inputs,
        shape("out", example.out_dtype, OUT_BYTES),
        example.out_dtype,
        tuple(((OUT_BYTES // 4,), dtype) for _, dtype in example.more_outs),
    )


_ARRAYS: dict[tuple[str, str], Any] = {}


def _shared(key: str, value: Any) -> Any:
    """Large arrays in place of an example's small ones; tables are what they are."""
    if not isinstance(value, np.ndarray) or key not in _DRAWN:
        return value
    known = (key, str(value.dtype))
    if known not in _ARRAYS:
        size = _SIZES.get(key, _PLAIN_BYTES)
        _ARRAYS[known] = _array(key, value, size, np.random.default_rng(len(_ARRAYS)))
    return _ARRAYS[known]


def _array(key: str, like: Any, size: int, rng: Rng) -> Any:
    if key == "multiplier":
        return rng.integers(1 << 30, (1 << 31) - 1, size).astype(like.dtype)
    if key == "shift":
        return rng.integers(-10, -5, size).astype(like.dtype)
    if like.dtype.kind == "f":
        return rng.normal(0, 0.1, size).astype(like.dtype)
    if key == "bias":
        return rng.integers(-5000, 5000, size).astype(like.dtype)
    return rng.integers(-127, 128, size).astype(like.dtype)
