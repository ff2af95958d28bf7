"""Scan: a quantised recurrent layer, as compression and the TFLite importer write it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler import layout
from studio.compiler.fixed_point import quantize_multipliers
from studio.compiler.kernels import scan_s8
from studio.compiler.kernels.scan_s8 import KINDS, UNIT
from studio.compiler.operand import Array, Const, Quant, Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.ops.bias import int32_bias
from studio.compiler.scan_body import Body, Step, read, weights_of

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

KIND = {name: number for number, name in enumerate(KINDS)}
FIXED_BITS = range(7)  # integer bits that LiteRT's sigmoids know
Row = dict[str, int]


def lower_scan(site: Site, lowering: Lowering) -> tuple[Tensor, ...]:
    """The last states and what is put out at each step."""
    graph = site.attributes["body"]
    reverse = _reverse(site)
    body = read(graph, site.name)
    states = len(body.states)
    if states not in (1, 2) or len(body.outputs) > 1:
        raise site.refused(f"{states} states and {len(body.outputs)} outputs of each step")
    x = site.tensor(states)
    if x.quant is None or x.quant.dtype != "int8":
        raise site.refused("its input is not quantised to 8 bits", "quantise it to int8")
    if body.x_quant not in (None, x.quant):
        raise site.refused("its body reads the input under another scale", "use one scale")
    x = lowering.laid_out(x, layout.plain(x.shape))
    steps, batch, in_n = x.shape
    assert x.quant is not None
    program = _Compiler(site, body, x.quant, lowering.options.rounding)
    starts = [_start(site, lowering, i, body.quants[body.states[i]]) for i in range(states)]
    results = {result.name: result.shape for result in site.results}
    made = [
        lowering.result(name, shape, layout.plain(shape), "", body.quants[vector])
        for (name, shape), vector in zip(
            results.items(), [*body.afters, *body.outputs], strict=True
        )
    ]
    whole = states in site.wanted
    params = {
        "steps": steps,
        "batch": batch,
        "in_n": in_n,
        "reverse": reverse,
        "whole": int(whole),
        **program.params(),
    }
    outs = (made[-1] if whole else made[0], *made[:states])
    kernel = scan_s8.name_of(lowering.options.rounding, states)
    lowering.call(kernel, (x, *starts), outs, params, batch * steps * params["weights"].size)
    return tuple(made)


def _reverse(site: Site) -> int:
    """Whether the steps run backwards."""
    get = site.attributes.get
    forward: tuple[int, ...] = (0,)
    ways = {tuple(get(f"scan_{end}_directions", forward)) for end in ("input", "output")}
    axes = [*get("scan_input_axes", ()), *get("scan_output_axes", ())]
    if get("num_scan_inputs") != 1 or any(axes) or len(ways) != 1:
        raise site.refused("several inputs, or another axis than the first", "scan one sequence")
    return int(ways.pop()[0])


def _start(site: Site, lowering: Lowering, index: int, quant: Quant) -> Tensor | str:
    given = site.inputs[index]
    if isinstance(given, Tensor):
        return lowering.laid_out(given, layout.plain(given.shape))
    assert isinstance(given, Const)
    if str(given.stored.dtype) != quant.dtype:
        raise site.refused(f"a state of {quant.dtype} that starts as {given.stored.dtype}")
    return lowering.constant(f"{site.name}_start{index}", given.stored.reshape(-1))


class _Compiler:
    """Turns a body into the kernel's operations on places of the scratch memory."""

    def __init__(self, site: Site, body: Body, x: Quant, rounding: str | None) -> None:
        self.site = site
        self.body = body
        self.x = x
        self.rounding = rounding
        self._joined = joined(body)
        self._places = self._placed()
        self._parts: dict[str, list[Array]] = {
            name: [] for name in ("weights", "bias", "multiplier", "shift")
        }

    def params(self) -> dict[str, Any]:
        """The fields of tms_scan_params that the body decides."""
        rows: list[Row] = []
        for step in self.body.steps:
            if step.out not in self._joined:
                rows += self._rows(step)
        body = self.body
        states = [body.quants[state] for state in body.states]
        for state, after in zip(body.states, body.afters, strict=True):
            if body.quants[after] != body.quants[state] or body.sizes[after] != body.sizes[state]:
                raise self.site.refused(f"'{state}' changes its form from step to step")
            if after in body.states and after != state:
                raise self.site.refused(f"'{state}' becomes what '{after}' was", "use one state")
        output = (*body.outputs, body.afters[0])[0]
        zero = body.quants[output].zero_point
        arrays: dict[str, Any] = {"table": scan_s8.table_of(self.rounding)}
        for name, parts in self._parts.items():
            arrays[name] = np.concatenate(parts) if parts else np.zeros(1, np.int32)
        return {
            "operations_n": len(rows),
            "values": self._values,
            "state_at": _pair([self._places[state] for state in body.states]),
            "after_at": _pair([self._places[after] for after in body.afters]),
            "state_n": _pair([body.sizes[state] for state in body.states]),
            "state_zero": _pair([quant.zero_point for quant in states]),
            "state_bytes": _pair([_bytes(quant) for quant in states]),
            "out_at": self._places[output],
            "out_n": body.sizes[output],
            "out_zero": zero,
            "out_bytes": _bytes(body.quants[output]),
            "operations": scan_s8.operations(rows).reshape(-1),
            **arrays,
        }

    def _placed(self) -> dict[str, int]:
        """Places of vectors; those that nothing reads any more make room."""
        body, joined = self.body, self._joined
        steps = [step for step in body.steps if step.out not in joined]
        last = {vector: len(steps) for vector in (*body.states, *body.afters, *body.outputs)}
        for number, step in enumerate(steps):
            for vector in self._read_by(step):
                last[vector] = max(last.get(vector, 0), number)
        size = max(body.sizes[vector] for vector in body.sizes if vector != body.x)
        slots: list[str | None] = list(body.states)
        places = {state: number * size for number, state in enumerate(body.states)}
        for number, step in enumerate(steps):
            free = [i for i, of in enumerate(slots) if of is None or last.get(of, 0) < number]
            slot = free[0] if free else len(slots)
            slots[slot : slot + 1] = [step.out]
            places[step.out] = slot * size
        self._values = len(slots) * size
        return places

    def _read_by(self, step: Step) -> list[str]:
        """The vectors that a step reads, those of a Gemm that it takes in included."""
        found: list[str] = []
        for vector in step.inputs:
            inner = self._joined.get(vector)
            found += [vector] if inner is None else inner.inputs
        return [vector for vector in found if vector != self.body.x]

    def _quant(self, vector: str) -> Quant:
        return self.x if vector == self.body.x else self.body.quants[vector]

    def _rows(self, step: Step) -> list[Row]:
        quant = self.body.quants[step.out]
        low, high = quant.limits
        bounds = [low, high]
        for i, bound in enumerate(step.clamp):
            bounds[i] = bounds[i] if math.isinf(bound) else quant.stored(bound)
        row = {
            "n": self.body.sizes[step.out],
            "out": self._places[step.out],
            "low": bounds[0] - quant.zero_point,
            "high": bounds[1] - quant.zero_point,
        }
        if step.kind != "Gemm" and {self.body.sizes[v] for v in step.inputs} != {row["n"]}:
            raise self.site.refused(
                f"{step.kind} of vectors of several sizes", "repeat the smaller"
            )
        if step.kind in ("Sigmoid", "Tanh"):
            return self._activation(step, row, quant.scale)
        if step.kind == "Gemm":
            return [row | self._gemm(step, quant)]
        if step.kind == "Mul":
            return [row | self._product(step, quant)]
        inner = self._joined.get(step.inputs[1])
        if inner is not None:
            return [row | self._gemm(inner, quant) | {"b": self._places[step.inputs[0]]}]
        a, b = (self._quant(vector).scale / quant.scale for vector in step.inputs)
        factors = scan_s8.sum_columns(a, b if step.kind == "Add" else -b)
        return [row | {"kind": KIND["sum"]} | self._pair_of(step) | factors]

    def _pair_of(self, step: Step) -> Row:
        if self.body.x in step.inputs:
            raise self.site.refused(f"{step.kind} reads its input", "only Gemm may")
        return {"a": self._places[step.inputs[0]], "b": self._places[step.inputs[1]]}

    def _product(self, step: Step, quant: Quant) -> Row:
        """LiteRT divides int16 products by powers of two, where TFLite Micro rescales."""
        row = {"kind": KIND["product"], **self._pair_of(step)}
        first, second = (self._quant(vector).scale for vector in step.inputs)
        factor = first * second / quant.scale
        if self.rounding == "litert":
            if quant.dtype == "int16" and math.frexp(factor)[0] == 0.5 and factor <= 1:
                return row | {"multiplier_a": 0, "shift": math.frexp(factor)[1] - 1}
            factor = float(np.float32(np.float32(first) / np.float32(quant.scale)) * second)
        return row | scan_s8.product_columns(factor)

    def _activation(self, step: Step, row: Row, out_scale: float) -> list[Row]:
        """Results are in UNIT, and LiteRT's functions know few scales: others are rescaled."""
        (vector,) = step.inputs
        scale, place = self._quant(vector).scale, self._places[vector]
        rows: list[Row] = []
        whole: Row = {"n": row["n"], "out": row["out"]}
        bits = 15 + math.ceil(math.log2(scale))
        known = 2.0 ** (min(max(bits, FIXED_BITS[0]), FIXED_BITS[-1]) - 15)
        if self.rounding == "litert" and scale != known:
            factors = scan_s8.sum_columns(scale / known, 0)
            rows.append(whole | {"kind": KIND["sum"], "a": place} | factors)
            scale, place = known, row["out"]
        columns = scan_s8.activation_columns(self.rounding, scale)
        rows.append(whole | {"kind": KIND[step.kind.lower()], "a": place} | columns)
        if out_scale != UNIT or (row["low"], row["high"]) != (-32768, 32767):
            factors = scan_s8.sum_columns(UNIT / out_scale, 0)
            rows.append(row | {"kind": KIND["sum"], "a": row["out"]} | factors)
        return rows

    def _gemm(self, step: Step, quant: Quant) -> Row:
        """Keeps weights, bias and factors, and says where they begin."""
        weights, (source,) = weights_of(step), step.inputs
        given, scales = self._quant(source), step.constants[0].scales(0)
        assert scales is not None
        products = scales * given.scale
        if self.rounding != "single":  # TFLite multiplies scales in float32
            products = (scales.astype(np.float32) * np.float32(given.scale)).astype(np.float64)
        factors = products / quant.scale
        per_row = bool((factors != factors[0]).any())
        multiplier, shift = quantize_multipliers(factors if per_row else factors[:1])
        row = {
            "kind": KIND["gemm_of_input" if source == self.body.x else "gemm"],
            "a": self._places.get(source, 0),
            "in_n": weights.shape[1],
            "weights": self._kept("weights", weights.reshape(-1)),
            "bias": self._bias(step, weights, given, products),
            "factor": self._kept("multiplier", multiplier),
            "per_row": int(per_row),
        }
        self._kept("shift", shift)
        return row

    def _bias(self, step: Step, weights: Array, given: Quant, products: Array) -> int:
        """Where the bias begins, -1 where there is none; the input's zero point is put into it."""
        const = (*step.constants[1:], None)[0]
        units = int32_bias(const, np.broadcast_to(products, len(weights)))
        if units is None:
            raise self.site.refused("a bias beyond 32 bits", "scale the weights up")
        bias = np.broadcast_to(units, len(weights)).astype(np.int64)
        wide = weights.astype(np.int64)
        if step.inputs[0] == self.body.x:
            bias = bias - given.zero_point * wide.sum(axis=1)
        largest = max(abs(limit - given.zero_point) for limit in given.limits)
        if (np.abs(wide).sum(axis=1) * largest + np.abs(bias)).max() >= 1 << 31:
            raise self.site.refused("sums beyond 32 bits", "use fewer units")
        return self._kept("bias", bias.astype(np.int32)) if bias.any() else -1

    def _kept(self, name: str, array: Array) -> int:
        """Where an array begins among those of its kind."""
        begin = sum(part.size for part in self._parts[name])
        self._parts[name].append(array)
        return begin


def joined(body: Body) -> dict[str, Step]:
    """Gemms that become part of the Add that alone reads them, by the name of their result.

    LiteRT adds the second product before it cuts it to 16 bits.
    """
    made = {step.out: step for step in body.steps}
    uses = [vector for step in body.steps for vector in step.inputs]
    kept = {*body.afters, *body.outputs}
    found = {}
    for step in body.steps:
        if step.kind != "Add" or body.x in step.inputs:
            continue
        other, vector = step.inputs
        inner = made.get(vector)
        alike = body.quants[other] == body.quants[vector] == body.quants[step.out]
        if inner is None or inner.kind != "Gemm":
            continue
        free = all(map(math.isinf, (*inner.clamp, *step.clamp)))
        if free and alike and uses.count(vector) == 1 and vector not in kept:
            found[vector] = inner
    return found


def _bytes(quant: Quant) -> int:
    return 1 if quant.dtype == "int8" else 2


def _pair(values: list[int]) -> tuple[int, int]:
    return (values[0], values[1] if len(values) > 1 else 0)


OPERATORS = (Operator(("Scan",), lower_scan, int16=True, dtypes=("int8", "uint8", "int16")),)
