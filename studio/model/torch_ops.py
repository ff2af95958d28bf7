"""ONNX operators in torch, differentiable, for many samples at once.

Every tensor carries one axis more than in the graph, in front: the samples. A constant has
size 1 there, everything that depends on the input has the number of samples. The graph's own
shapes, its batch of 1 among them, stay as they are, so that a Reshape to fixed numbers, a
time-major recurrent layer or a transposed batch need no special care.

An operator is `f(attributes, *tensors)` in `OPERATORS`; absent inputs are None; several
outputs come as a tuple. Shapes in comments leave the axis of samples (S) out where it is clear.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import ModelError
from studio.model.torch_recurrent import gru, lstm

if TYPE_CHECKING:
    from torch import Tensor

Attributes = Mapping[str, Any]
Operator = Callable[..., Any]


def constant(value: Tensor) -> Tensor:
    """A tensor that is the same for all samples, without the axis of samples."""
    if value.shape[0] != 1:
        raise ModelError("a weight is computed from the input", hint="such a layer is not trained")
    return value[0]


def _integers(value: Tensor | None, default: Any = None) -> Any:
    return default if value is None else constant(value).reshape(-1).tolist()


def _axis(axis: int) -> int:
    """An axis of the graph behind the axis of samples."""
    return axis + 1 if axis >= 0 else axis


def _aligned(*tensors: Tensor) -> list[Tensor]:
    """Equal ranks for broadcasting, with the axis of samples in front."""
    rank = max(t.ndim for t in tensors)
    return [t.reshape(t.shape[0], *(1,) * (rank - t.ndim), *t.shape[1:]) for t in tensors]


def _unary(name: str) -> Operator:
    def apply(a: Attributes, x: Tensor) -> Any:
        import torch

        return getattr(torch, name)(x)

    return apply


def _nary(name: str) -> Operator:
    def apply(a: Attributes, *tensors: Tensor) -> Any:
        import torch

        result, *others = _aligned(*tensors)
        for other in others:
            result = getattr(torch, name)(result, other)
        return result

    return apply


def _mean(a: Attributes, *tensors: Tensor) -> Tensor:
    total: Tensor = _nary("add")(a, *tensors)
    return total / len(tensors)


def _activation(name: str, /, **given: tuple[str, float]) -> Operator:
    """An activation of torch.nn.functional; `given` maps its arguments to attribute and default."""

    def apply(a: Attributes, x: Tensor) -> Any:
        from torch.nn import functional

        values = {key: a.get(attribute, default) for key, (attribute, default) in given.items()}
        return getattr(functional, name)(x, **values)

    return apply


def _hard_sigmoid(a: Attributes, x: Tensor) -> Any:
    return (a.get("alpha", 0.2) * x + a.get("beta", 0.5)).clamp(0, 1)


def _hard_swish(a: Attributes, x: Tensor) -> Tensor:
    return x * (x / 6 + 0.5).clamp(0, 1)


def _selu(a: Attributes, x: Tensor) -> Any:
    alpha, gamma = a.get("alpha", 1.6732632), a.get("gamma", 1.0507010)
    return gamma * (x.clamp_min(0) + alpha * (x.clamp_max(0).exp() - 1))


def _gelu(a: Attributes, x: Tensor) -> Any:
    from torch.nn import functional

    return functional.gelu(x, approximate=a.get("approximate", "none"))


def _prelu(a: Attributes, x: Tensor, slope: Tensor) -> Tensor:
    import torch

    x, slope = _aligned(x, slope)
    return torch.where(x < 0, x * slope, x)


def _clip(a: Attributes, x: Tensor, lo: Tensor | None = None, hi: Tensor | None = None) -> Tensor:
    lo, hi = (None if v is None else constant(v).reshape(()) for v in (lo, hi))
    return x if lo is None and hi is None else x.clamp(lo, hi)


def _softmax(name: str) -> Operator:
    def apply(a: Attributes, x: Tensor) -> Any:
        import torch

        return getattr(torch, name)(x, _axis(a.get("axis", -1)))

    return apply


def _cast(a: Attributes, x: Tensor) -> Tensor:
    from onnx_ir import DataType

    return x.float() if DataType(a["to"]).is_floating_point() else x.trunc()


def _where(a: Attributes, chosen: Tensor, x: Tensor, y: Tensor) -> Any:
    import torch

    return torch.where(*_aligned(chosen.bool(), x, y))


def _reduce(f: Callable[[Tensor, tuple[int, ...], bool], Tensor]) -> Operator:
    def apply(a: Attributes, x: Tensor, axes: Tensor | None = None) -> Any:
        chosen = _integers(axes, a.get("axes"))
        if not chosen and a.get("noop_with_empty_axes", 0):
            return x
        chosen = tuple(range(1, x.ndim)) if not chosen else tuple(_axis(axis) for axis in chosen)
        return f(x, chosen, bool(a.get("keepdims", 1)))

    return apply


def _arg(name: str) -> Operator:
    def apply(a: Attributes, x: Tensor) -> Any:
        import torch

        axis = _axis(a.get("axis", 0))
        return getattr(torch, name)(x, axis, keepdim=bool(a.get("keepdims", 1)))

    return apply


def _product(x: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def _reshape(a: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    target = _integers(shape)
    if not a.get("allowzero", 0):
        target = [x.shape[i + 1] if size == 0 else size for i, size in enumerate(target)]
    return x.reshape(x.shape[0], *target)


def _flatten(a: Attributes, x: Tensor) -> Tensor:
    axis = a.get("axis", 1)
    axis += x.ndim - 1 if axis < 0 else 0
    return x.reshape(x.shape[0], math.prod(x.shape[1 : axis + 1]), math.prod(x.shape[axis + 1 :]))


def _transpose(a: Attributes, x: Tensor) -> Tensor:
    order = a.get("perm") or range(x.ndim - 2, -1, -1)
    return x.permute(0, *(axis + 1 for axis in order))


def _squeeze(a: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    chosen = _integers(axes, a.get("axes"))
    ones = [i for i, size in enumerate(x.shape) if i and size == 1]
    gone = {_axis(axis) % x.ndim for axis in chosen} if chosen is not None else set(ones)
    return x.reshape([size for i, size in enumerate(x.shape) if i not in gone])


def _unsqueeze(a: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    chosen = _integers(axes, a.get("axes"))
    rank = x.ndim + len(chosen)
    for axis in sorted(_axis(axis) % rank for axis in chosen):
        x = x.unsqueeze(axis)
    return x


def _concat(a: Attributes, *tensors: Tensor) -> Tensor:
    import torch

    samples = max(t.shape[0] for t in tensors)
    return torch.cat([t.expand(samples, *t.shape[1:]) for t in tensors], _axis(a["axis"]))


def _split(a: Attributes, x: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    import torch

    axis = _axis(a.get("axis", 0)) % x.ndim
    part = -(-x.shape[axis] // a["outputs"])
    return tuple(torch.split(x, _integers(sizes, a.get("split") or part), axis))


def _slice(
    a: Attributes,
    x: Tensor,
    starts: Tensor,
    ends: Tensor,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:
    import torch

    first, last = _integers(starts), _integers(ends)
    strides = _integers(steps, [1] * len(first))
    for index, axis in enumerate(_integers(axes, range(len(first)))):
        axis = _axis(axis) % x.ndim
        part = range(*slice(first[index], last[index], strides[index]).indices(x.shape[axis]))
        x = x.index_select(axis, torch.tensor(part, dtype=torch.int64))
    return x


def _gather(a: Attributes, x: Tensor, indices: Tensor) -> Tensor:
    axis = _axis(a.get("axis", 0)) % x.ndim
    wanted = indices.long() % x.shape[axis]
    if wanted.shape[0] == 1:
        shape = (*x.shape[:axis], *wanted.shape[1:], *x.shape[axis + 1 :])
        return x.index_select(axis, wanted.reshape(-1)).reshape(shape)
    if x.shape[0] > 1 or axis > 1:
        raise ModelError(
            "gathers by indices that depend on the input",
            "Gather",
            "quantise or prune it without training instead",
        )
    return x[0].index_select(0, wanted.reshape(-1)).reshape(*wanted.shape, *x.shape[2:])


def _expand(a: Attributes, x: Tensor, shape: Tensor) -> Any:
    target = _integers(shape)
    x = x.reshape(x.shape[0], *(1,) * (len(target) + 1 - x.ndim), *x.shape[1:])
    return x.expand(x.shape[0], *np.broadcast_shapes(tuple(target), x.shape[1:]))


def _tile(a: Attributes, x: Tensor, repeats: Tensor) -> Any:
    return x.repeat(1, *_integers(repeats))


def _pad(
    a: Attributes,
    x: Tensor,
    pads: Tensor,
    value: Tensor | None = None,
    axes: Tensor | None = None,
) -> Any:
    import torch
    from torch.nn import functional

    amounts = _integers(pads)
    count = len(amounts) // 2
    chosen = [_axis(axis) % x.ndim for axis in _integers(axes, range(count))]
    before_after = {axis: (amounts[i], amounts[i + count]) for i, axis in enumerate(chosen)}
    mode = a.get("mode", "constant")
    if mode == "constant":
        flat = [n for axis in range(x.ndim - 1, 0, -1) for n in before_after.get(axis, (0, 0))]
        number = 0.0 if value is None else float(constant(value))
        return functional.pad(x, flat, value=number)
    for axis, amount in before_after.items():
        order = np.pad(np.arange(x.shape[axis]), amount, mode=mode)
        x = x.index_select(axis, torch.from_numpy(order))
    return x


def _shuffle(a: Attributes, x: Tensor) -> Tensor:
    """DepthToSpace on [S, N, C, H, W]."""
    block, (s, n, c, h, w) = a["blocksize"], x.shape
    if a.get("mode", "DCR") == "DCR":
        x = x.reshape(s, n, block, block, c // block**2, h, w).permute(0, 1, 4, 5, 2, 6, 3)
    else:
        x = x.reshape(s, n, c // block**2, block, block, h, w).permute(0, 1, 2, 5, 3, 6, 4)
    return x.reshape(s, n, c // block**2, h * block, w * block)


def _matmul(a: Attributes, x: Tensor, y: Tensor) -> Tensor:
    if x.ndim == 2 or y.ndim == 2:  # a vector on one side has no axis to align
        return x @ y if y.ndim > 2 else (x @ y.unsqueeze(-1)).squeeze(-1)
    x, y = _aligned(x, y)
    return x @ y


def _gemm(a: Attributes, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    x = x.mT if a.get("transA", 0) else x
    w = w.mT if a.get("transB", 0) else w
    out = x @ w
    alpha, beta = a.get("alpha", 1.0), a.get("beta", 1.0)
    out = out if alpha == 1.0 else alpha * out
    if b is None:
        return out
    out, b = _aligned(out, b)
    return out + (b if beta == 1.0 else beta * b)


def _quantize(a: Attributes, x: Tensor, scale: Tensor, zero_point: Tensor | None = None) -> Tensor:
    """Straight-through rounding: the gradient passes where the value is not clipped."""
    scale, zero_point = _channelwise(a, x, scale), _channelwise(a, x, zero_point)
    steps = x / scale
    rounded = steps.detach().round() + (steps - steps.detach())
    if zero_point is not None:
        rounded = rounded + zero_point
    return rounded.clamp(a["lowest"], a["highest"])


def _dequantize(a: Attributes, x: Tensor, scale: Tensor, zero_point: Tensor | None = None) -> Any:
    zero_point = _channelwise(a, x, zero_point)
    return (x if zero_point is None else x - zero_point) * _channelwise(a, x, scale)


def _channelwise(a: Attributes, x: Tensor, factor: Tensor | None) -> Any:
    if a.get("block_size", 0):
        raise ModelError(
            "blocks of scales are not trained",
            "QuantizeLinear",
            "quantise or prune it without training instead",
        )
    if factor is None or factor.numel() == 1:
        return factor if factor is None else factor.reshape(())
    shape = [1] * x.ndim
    shape[_axis(a.get("axis", 1)) % x.ndim] = -1
    return factor.reshape(shape)


def _window_pads(a: Attributes, x: Tensor, kernel: list[int]) -> tuple[list[int], list[int]]:
    """Padding before and after each spatial axis of [S, N, C, ...]."""
    rank = len(kernel)
    auto = a.get("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID"):
        pads = list(a.get("pads") or [0] * 2 * rank) if auto == "NOTSET" else [0] * 2 * rank
        return pads[:rank], pads[rank:]
    strides, dilations = (a.get(key) or [1] * rank for key in ("strides", "dilations"))
    total = [
        max(0, (-(-size // s) - 1) * s + d * (k - 1) + 1 - size)
        for size, k, s, d in zip(x.shape[3:], kernel, strides, dilations, strict=True)
    ]
    small, large = [n // 2 for n in total], [n - n // 2 for n in total]
    return (small, large) if auto == "SAME_UPPER" else (large, small)


def _padded(x: Tensor, before: list[int], after: list[int], value: float = 0.0) -> Tensor:
    from torch.nn import functional

    pairs = zip(reversed(before), reversed(after), strict=True)
    flat = [n for pair in pairs for n in pair]
    return functional.pad(x, flat, value=value) if any(flat) else x


def _restored(images: Tensor, x: Tensor) -> Tensor:
    """[S N, ...] as [S, N, ...], with the sizes of x."""
    return images.reshape(*x.shape[:2], *images.shape[1:])


def _conv(a: Attributes, x: Tensor, w: Tensor, b: Tensor | None = None) -> Any:
    from torch.nn import functional

    weight = constant(w)
    rank = weight.ndim - 2
    before, after = _window_pads(a, x, list(weight.shape[2:]))
    symmetric = before == after
    images = x.flatten(0, 1)
    conv = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]
    out = conv(
        images if symmetric else _padded(images, before, after),
        weight,
        None if b is None else constant(b),
        a.get("strides") or 1,
        before if symmetric else 0,
        a.get("dilations") or 1,
        a.get("group", 1),
    )
    return _restored(out, x)


def _conv_transpose(a: Attributes, x: Tensor, w: Tensor, b: Tensor | None = None) -> Any:
    from torch.nn import functional

    weight = constant(w)
    rank = weight.ndim - 2
    if a.get("auto_pad", "NOTSET") != "NOTSET" or a.get("output_shape"):
        raise ModelError(
            "is trained with explicit padding only",
            "ConvTranspose",
            "export it with pads in place of auto_pad",
        )
    pads = list(a.get("pads") or [0] * 2 * rank)
    conv = (
        functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d,
    )[rank - 1]  # fmt: skip
    out = conv(
        x.flatten(0, 1), weight, None if b is None else constant(b), a.get("strides") or 1, 0,
        a.get("output_padding") or 0, a.get("group", 1), a.get("dilations") or 1,
    )  # fmt: skip
    out = _padded(out, [-n for n in pads[:rank]], [-n for n in pads[rank:]])
    return _restored(out, x)


def _overhang(a: Attributes, sizes: list[int], kernel: list[int]) -> list[int]:
    """What the last window of ceil_mode reaches beyond the padded input."""
    if not a.get("ceil_mode", 0):
        return [0] * len(kernel)
    strides, dilations = (a.get(key) or [1] * len(kernel) for key in ("strides", "dilations"))
    return [
        -(size - (d * (k - 1) + 1)) % s
        for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True)
    ]


def _max_pool(a: Attributes, x: Tensor) -> Tensor:
    from torch.nn import functional

    kernel = list(a["kernel_shape"])
    images = _padded(x.flatten(0, 1), *_window_pads(a, x, kernel), value=-math.inf)
    images = _padded(
        images, [0] * len(kernel), _overhang(a, list(images.shape[2:]), kernel), -math.inf
    )
    pool = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[len(kernel) - 1]
    out = pool(images, kernel, a.get("strides") or 1, 0, a.get("dilations") or 1)
    return _restored(out, x)


def _average_pool(a: Attributes, x: Tensor) -> Tensor:
    import torch
    from torch.nn import functional

    kernel = list(a["kernel_shape"])
    pools = functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d
    pool = partial(pools[len(kernel) - 1], kernel_size=kernel, stride=a.get("strides") or 1)
    before, after = _window_pads(a, x, kernel)
    images = _padded(x.flatten(0, 1), before, after)
    beyond = _overhang(a, list(images.shape[2:]), kernel)
    counted = torch.ones(1, 1, *x.shape[3:])
    counted = _padded(counted, before, after, float(a.get("count_include_pad", 0)))
    none = [0] * len(kernel)
    out = pool(_padded(images, none, beyond)) / pool(_padded(counted, none, beyond))
    return _restored(out, x)


def _global_pool(name: str) -> Operator:
    def apply(a: Attributes, x: Tensor) -> Any:
        return getattr(x, name)(tuple(range(3, x.ndim)), keepdim=True)

    return apply


def _batch_norm(
    a: Attributes, x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    """On [S, N, C, ...]; while training it moves its running statistics."""
    from torch.nn import functional

    out = functional.batch_norm(
        x.flatten(0, 1), constant(mean), constant(variance), constant(gamma), constant(beta),
        a.get("training", False), 1 - a.get("momentum", 0.9), a.get("epsilon", 1e-5),
    )  # fmt: skip
    return _restored(out, x)


def _layer_norm(a: Attributes, x: Tensor, gain: Tensor, bias: Tensor | None = None) -> Any:
    from torch.nn import functional

    axis = _axis(a.get("axis", -1)) % x.ndim
    shape = x.shape[axis:]
    offset = None if bias is None else constant(bias).expand(shape)
    return functional.layer_norm(
        x, shape, constant(gain).expand(shape), offset, a.get("epsilon", 1e-5)
    )


def _instance_norm(a: Attributes, x: Tensor, gain: Tensor, bias: Tensor) -> Any:
    from torch.nn import functional

    out = functional.instance_norm(
        x.flatten(0, 1), None, None, constant(gain), constant(bias), True, 0.0,
        a.get("epsilon", 1e-5),
    )  # fmt: skip
    return _restored(out, x)


OPERATORS: dict[str, Operator] = {
    **{name: _unary(name.lower()) for name in (
        "Abs", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "Log", "Reciprocal", "Relu", "Round",
        "Sigmoid", "Sign", "Sin", "Sinh", "Sqrt", "Tan", "Tanh", "Acos", "Asin", "Atan",
    )},
    **{name: _nary(torch_name) for name, torch_name in {
        "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow", "Sum": "add",
        "Max": "maximum", "Min": "minimum", "Equal": "eq", "Less": "lt", "Greater": "gt",
        "LessOrEqual": "le", "GreaterOrEqual": "ge", "And": "logical_and", "Or": "logical_or",
    }.items()},
    "Neg": _unary("neg"),
    "Not": _unary("logical_not"),
    "Mean": _mean,
    "Celu": _activation("celu", alpha=("alpha", 1.0)),
    "Elu": _activation("elu", alpha=("alpha", 1.0)),
    "LeakyRelu": _activation("leaky_relu", negative_slope=("alpha", 0.01)),
    "Mish": _activation("mish"),
    "Softplus": _activation("softplus"),
    "Softsign": _activation("softsign"),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "PRelu": _prelu,
    "Selu": _selu,
    "Clip": _clip,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "Cast": _cast,
    "Where": _where,
    "Identity": lambda a, x: x,
    "Dropout": lambda a, x, *rest: x,
    "ReduceMean": _reduce(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceSum": _reduce(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "ReduceMax": _reduce(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMin": _reduce(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceProd": _reduce(_product),
    "ReduceL1": _reduce(lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    "ReduceL2": _reduce(lambda x, axes, keep: x.square().sum(axes, keepdim=keep).sqrt()),
    "ReduceSumSquare": _reduce(lambda x, axes, keep: x.square().sum(axes, keepdim=keep)),
    "ReduceLogSumExp": _reduce(lambda x, axes, keep: x.logsumexp(axes, keepdim=keep)),
    "ArgMax": _arg("argmax"),
    "ArgMin": _arg("argmin"),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Expand": _expand,
    "Tile": _tile,
    "Pad": _pad,
    "DepthToSpace": _shuffle,
    "MatMul": _matmul,
    "Gemm": _gemm,
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_pool("mean"),
    "GlobalMaxPool": _global_pool("amax"),
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "InstanceNormalization": _instance_norm,
    "GRU": gru,
    "LSTM": lstm,
}  # fmt: skip
