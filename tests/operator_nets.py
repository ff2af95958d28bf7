"""Nets of one operator, for every operator that is lowered: in float, and in QDQ form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from studio.model.model import Model

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767)}


@dataclass(frozen=True)
class Spec:
    """A node: its operands are shapes (inputs), arrays (constants) or None (left out).

    Attributes:
        weights: number of the operand that is quantised along `axis` in the QDQ form, if any.
        positive: inputs are between 0.1 and 2.
        outputs: of the node.
        steps: that a quantised output may differ; int16 functions are straight lines.
    """

    op: str
    operands: tuple[Any, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    weights: int | None = None
    axis: int = 0
    positive: bool = False
    outputs: int = 1
    opset: int = 21
    dtypes: tuple[str, ...] = ("float", "int8")
    steps: int = 1


def inputs_of(spec: Spec, seed: int) -> list[Array]:
    """Random values for the operands that are inputs."""
    rng = np.random.default_rng(seed)
    made = []
    for shape in spec.operands:
        if isinstance(shape, tuple):
            x = rng.uniform(0.1, 2, shape) if spec.positive else rng.normal(0, 1, shape)
            made.append(x.astype(np.float32))
    return made


def float_net(spec: Spec, name: str) -> Model:
    """The node alone."""
    return _model(spec, name, None, [])


def quantized_net(spec: Spec, name: str, dtype: str) -> Model:
    """The node between QuantizeLinear and DequantizeLinear, scales from what it computes."""
    from judge import run_onnx

    outs = [run_onnx(float_net(spec, name), inputs_of(spec, seed)) for seed in range(4)]
    ranges = [np.concatenate([o[k].reshape(-1) for o in outs]) for k in range(len(outs[0]))]
    return _model(spec, name, dtype, ranges)


def _model(spec: Spec, name: str, dtype: str | None, ranges: list[Array]) -> Model:
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    inputs, operands = [], []
    reals = [x.reshape(-1) for seed in range(4) for x in inputs_of(spec, seed)]
    for index, operand in enumerate(spec.operands):
        value = f"x{index}"
        if isinstance(operand, tuple):
            inputs.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, operand))
            if dtype:
                value = _qdq(nodes, constants, value, np.concatenate(reals), dtype)
        elif operand is None:
            value = ""
        elif dtype and index == spec.weights:
            value = _weights(nodes, constants, value, operand, spec.axis)
        else:
            constants.append(numpy_helper.from_array(operand, value))
        operands.append(value)
    names = [f"y{k}" for k in range(spec.outputs)]
    nodes.append(helper.make_node(spec.op, operands, names, name=name, **spec.attributes))
    if dtype:
        names = [
            _qdq(nodes, constants, y, values, dtype) if values.dtype.kind == "f" else y
            for y, values in zip(names, ranges, strict=True)
        ]
    outs = [onnx.ValueInfoProto(name=y) for y in names]
    graph = helper.make_graph(nodes, name, inputs, outs, constants)
    opsets = [helper.make_opsetid("", spec.opset)]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    proto = shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    return Model.from_bytes(proto.SerializeToString(), name)


def _qdq(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    value: str,
    reals: Array,
    dtype: str,
) -> str:
    low, high = min(float(reals.min()), 0.0), max(float(reals.max()), 0.0)
    least, most = LIMITS[dtype]
    if dtype == "int8":
        scale = max(high - low, 1e-3) / 255
        zero = int(np.clip(np.rint(least - low / scale), least, most))
    else:
        scale, zero = max(high, -low, 1e-3) / most, 0
    pair = [f"{value}_scale", f"{value}_zero"]
    constants.append(numpy_helper.from_array(np.array(scale, np.float32), pair[0]))
    constants.append(numpy_helper.from_array(np.array(zero, dtype), pair[1]))
    nodes.append(helper.make_node("QuantizeLinear", [value, *pair], [f"{value}_q"]))
    nodes.append(helper.make_node("DequantizeLinear", [f"{value}_q", *pair], [f"{value}_dq"]))
    return f"{value}_dq"


def _weights(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    value: str,
    array: Array,
    axis: int,
) -> str:
    others = tuple(a for a in range(array.ndim) if a != axis)
    scale = (np.abs(array).max(axis=others) / 127).astype(np.float32)
    shape = [1] * array.ndim
    shape[axis] = -1
    stored = np.rint(array / scale.reshape(shape)).astype(np.int8)
    zero = np.zeros(scale.shape, np.int8)
    triple = [f"{value}_w", f"{value}_scale", f"{value}_zero"]
    for name, data in zip(triple, (stored, scale, zero), strict=True):
        constants.append(numpy_helper.from_array(data, name))
    nodes.append(helper.make_node("DequantizeLinear", triple, [f"{value}_dq"], axis=axis))
    return f"{value}_dq"


def _random(*shape: int, seed: int = 5) -> Array:
    return np.random.default_rng(seed).normal(0, 0.5, shape).astype(np.float32)


def _ints(*values: int) -> Array:
    return np.array(values, np.int64)


FLOAT = ("float",)
WIDE = ("float", "int8", "int16")
X = (1, 4, 6, 5)
UNARY = (
    "Abs", "Ceil", "Erf", "Exp", "Floor", "Neg", "Round", "Sigmoid", "Softplus", "Softsign", "Tanh",
    "Elu", "HardSigmoid", "HardSwish", "LeakyRelu", "Gelu", "Relu",
)  # fmt: skip
ARITHMETIC = ("Add", "Sub", "Mul", "Div", "Min", "Max")
BROADCASTS: dict[str, tuple[Any, ...]] = {
    "same": (X, X),
    "second": (X, (4, 1, 1)),
    "first": ((4, 1, 1), X),
    "both": ((1, 4, 1, 5), (1, 1, 6, 1)),
    "scalar": (X, ()),
}
REDUCTIONS = (
    "ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2",
    "ReduceSumSquare",
)  # fmt: skip
LSTM = (_random(1, 12, 4), _random(1, 12, 3), _random(1, 24))
BOTH_WAYS = {"hidden_size": 3, "direction": "bidirectional"}

SPECS: dict[str, Spec] = {
    **{op.lower(): Spec(op, (X,), dtypes=WIDE, steps=3) for op in UNARY},
    **{op.lower(): Spec(op, (X,), positive=True) for op in ("Log", "Sqrt", "Reciprocal")},
    "gelu_tanh": Spec("Gelu", (X,), {"approximate": "tanh"}),
    "elu_alpha": Spec("Elu", (X,), {"alpha": 0.3}),
    "leaky_relu_alpha": Spec("LeakyRelu", (X,), {"alpha": 0.3}),
    **{
        f"{op.lower()}_{how}": Spec(op, shapes, positive=op == "Div", dtypes=WIDE)
        for op in ARITHMETIC
        for how, shapes in BROADCASTS.items()
    },
    **{
        f"{op.lower()}_constant": Spec(op, (X, np.abs(_random(4, 1, 1)) + 0.5), dtypes=FLOAT)
        for op in ARITHMETIC
    },
    **{
        f"constant_{op.lower()}": Spec(op, (_random(4, 1, 5), X), positive=True, dtypes=FLOAT)
        for op in ARITHMETIC
    },
    "batch_norm": Spec(
        "BatchNormalization",
        (X, *(np.abs(_random(4, seed=k)) + 0.5 for k in range(4))),
        dtypes=WIDE,
    ),
    "prelu": Spec("PRelu", (X, _random(4, 1, 1)), weights=1, dtypes=WIDE),
    "prelu_whole": Spec("PRelu", (X, X), dtypes=WIDE),
    "pow": Spec("Pow", (X, X), positive=True),
    "square": Spec("Pow", (X, np.float32(2).reshape(()))),
    "root": Spec("Pow", (X, np.float32(0.5).reshape(())), positive=True),
    "sum_of_three": Spec("Sum", (X, X, (4, 1, 1))),
    "max_of_three": Spec("Max", (X, X, (4, 1, 1)), dtypes=WIDE),
    "mean_of_two": Spec("Mean", (X, X)),
    "log_softmax": Spec("LogSoftmax", (X,), {"axis": 1}),
    "softmax": Spec("Softmax", ((3, 10),), dtypes=WIDE, steps=6),
    "conv": Spec(
        "Conv",
        (X, _random(6, 4, 3, 2), _random(6)),
        {"strides": [2, 1], "pads": [1, 0, 1, 1]},
        weights=1,
        dtypes=WIDE,
    ),
    "conv_1d": Spec("Conv", ((1, 4, 9), _random(4, 2, 3)), {"group": 2}, weights=1, dtypes=WIDE),
    "depthwise": Spec(
        "Conv", (X, _random(8, 1, 3, 3), _random(8)), {"group": 4}, weights=1, dtypes=WIDE
    ),
    "dense": Spec("Gemm", ((3, 9), _random(9, 4), _random(4)), weights=1, axis=1, dtypes=WIDE),
    "max_pool": Spec("MaxPool", (X,), {"kernel_shape": [2, 3], "pads": [1, 0, 0, 1]}, dtypes=WIDE),
    "average_pool": Spec(
        "AveragePool", (X,), {"kernel_shape": [2, 3], "strides": [2, 1]}, dtypes=WIDE
    ),
    "slice": Spec("Slice", (X, _ints(1, -5), _ints(6, 5), _ints(2, 3), _ints(2, 1)), dtypes=WIDE),
    "slice_backwards": Spec("Slice", (X, _ints(-1, 3), _ints(-9, 0), _ints(2, 1), _ints(-2, -1))),
    "split": Spec("Split", (X, _ints(1, 3)), {"axis": 1}, outputs=2, dtypes=WIDE),
    "split_rows": Spec("Split", (X,), {"axis": 2, "num_outputs": 3}, outputs=3),
    "gather": Spec("Gather", (X, np.array([[2, -1], [0, 0]], np.int64)), {"axis": 2}),
    "gather_one": Spec("Gather", (X, np.array(1, np.int64)), {"axis": 1}),
    "concat": Spec("Concat", (X, (1, 2, 6, 5)), {"axis": 1}, dtypes=WIDE),
    "concat_constant": Spec("Concat", (X, _random(1, 4, 6, 2)), {"axis": 3}),
    "expand": Spec("Expand", ((1, 4, 1, 5), _ints(1, 4, 6, 5))),
    "tile": Spec("Tile", (X, _ints(1, 2, 1, 3))),
    "reverse_sequence": Spec("ReverseSequence", ((6, 1, 4), _ints(4))),
    "reverse_sequences": Spec(
        "ReverseSequence", ((3, 5, 2), _ints(4, 5, 1)), {"batch_axis": 0, "time_axis": 1}
    ),
    "resize_nearest": Spec("Resize", (X, None, np.array([1, 1, 2, 2], np.float32)), dtypes=WIDE),
    "resize_linear": Spec(
        "Resize", (X, None, None, _ints(1, 4, 9, 7)), {"mode": "linear"}, dtypes=("float", "int8")
    ),
    "resize_cubic": Spec("Resize", (X, None, None, _ints(1, 4, 4, 11)), {"mode": "cubic"}),
    "depth_to_space": Spec("DepthToSpace", (X,), {"blocksize": 2}, dtypes=WIDE),
    "depth_to_space_crd": Spec("DepthToSpace", (X,), {"blocksize": 2, "mode": "CRD"}),
    "space_to_depth": Spec("SpaceToDepth", ((1, 3, 4, 6),), {"blocksize": 2}),
    "transpose_six": Spec("Transpose", ((2, 3, 2, 2, 3, 2),), {"perm": [5, 1, 3, 0, 4, 2]}),
    **{op.lower(): Spec(op, (X, _ints(2, 3)), dtypes=WIDE) for op in REDUCTIONS},
    **{f"{op.lower()}_last": Spec(op, (X, _ints(-1)), {"keepdims": 0}) for op in REDUCTIONS},
    "argmax": Spec("ArgMax", ((1, 10),), {"axis": 1}),
    "argmin": Spec("ArgMin", (X,), {"axis": 1, "keepdims": 0}),
    "global_max_pool": Spec("GlobalMaxPool", (X,)),
    "pad": Spec("Pad", (X, _ints(0, 1, 2, 0, 0, 0, 1, 3)), dtypes=WIDE),
    **{
        f"pad_{mode}": Spec("Pad", (X, _ints(0, 0, 2, 1, 0, 1, 1, 3)), {"mode": mode})
        for mode in ("edge", "reflect", "wrap")
    },
    "conv_transpose": Spec(
        "ConvTranspose",
        (X, _random(4, 3, 3, 3), _random(3)),
        {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 0]},
        weights=1,
        axis=1,
        dtypes=WIDE,
    ),
    "conv_transpose_1d": Spec(
        "ConvTranspose", ((1, 4, 7), _random(4, 2, 4)), {"strides": [3]}, weights=1, axis=1
    ),
    "conv_transpose_groups": Spec(
        "ConvTranspose", (X, _random(4, 3, 2, 3)), {"group": 2, "dilations": [2, 1]}
    ),
    "matmul": Spec("MatMul", ((5, 7), (7, 4)), dtypes=WIDE),
    "matmul_batches": Spec("MatMul", ((1, 3, 5, 7), (1, 3, 7, 4))),
    "matmul_broadcast": Spec("MatMul", ((2, 3, 5, 7), (3, 7, 4)), dtypes=WIDE),
    "matmul_vector": Spec("MatMul", ((3, 5, 7), (7,))),
    "gemm_computed": Spec(
        "Gemm", ((7, 5), (4, 7), (5, 4)), {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}
    ),
    "gemm_trans_a": Spec(
        "Gemm", ((7, 5), _random(7, 4), _random(4)), {"transA": 1}, weights=1, axis=1
    ),
    "layer_norm": Spec("LayerNormalization", ((1, 6, 8), _random(8), _random(8)), {"axis": -1}),
    "instance_norm": Spec("InstanceNormalization", (X, _random(4), _random(4))),
    **{
        op.lower(): Spec(op, (X, (4, 1, 1)), dtypes=FLOAT)
        for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
    },
    "where": Spec("Where", (np.arange(5) % 2 == 0, X, (4, 1, 1)), dtypes=WIDE),
    "where_constant": Spec("Where", (_random(6, 5) > 0, X, np.float32(-1).reshape(()))),
    "lstm": Spec("LSTM", ((5, 1, 4), *LSTM), {"hidden_size": 3}, outputs=3, dtypes=FLOAT),
    "lstm_both": Spec(
        "LSTM",
        ((5, 1, 4), _random(2, 12, 4), _random(2, 12, 3), None, None, (2, 1, 3), (2, 1, 3)),
        BOTH_WAYS,
        outputs=3,
        dtypes=FLOAT,
    ),
    "gru": Spec(
        "GRU",
        ((5, 1, 4), _random(1, 9, 4), _random(1, 9, 3), _random(1, 18)),
        {"hidden_size": 3, "linear_before_reset": 1},
        outputs=2,
        dtypes=FLOAT,
    ),
    "gru_both": Spec(
        "GRU", ((5, 1, 4), _random(2, 9, 4), _random(2, 9, 3)), BOTH_WAYS, outputs=2, dtypes=FLOAT
    ),
    "rnn_reverse": Spec(
        "RNN",
        ((5, 1, 4), _random(1, 3, 4), _random(1, 3, 3)),
        {"hidden_size": 3, "direction": "reverse", "activations": ["Relu"]},
        outputs=2,
        dtypes=FLOAT,
    ),
}
