"""Cast between number types that kernels know."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from studio.compiler.builder import STORED, quantize_params
from studio.compiler.operand import Quant, Tensor
from studio.compiler.operator import ANY_DTYPE, Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

KERNELS = {
    ("float32", "int32"): "tms_cast_f32_s32",
    ("float32", "bool"): "tms_cast_f32_bool",
    ("int32", "float32"): "tms_cast_s32_f32",
    ("uint8", "float32"): "tms_cast_u8_f32",
    ("bool", "float32"): "tms_cast_u8_f32",
}
SAME_BITS = {("bool", "uint8")}


def lower_cast(site: Site, lowering: Lowering) -> Tensor:
    """Element by element, as the tensor is stored."""
    from onnx_ir import DataType

    to = DataType(int(site.attributes["to"])).numpy().name
    to = STORED.get(to, to)
    x = lowering.real(site.tensor())
    assert isinstance(x, Tensor)
    if x.dtype == to or (x.dtype, to) in SAME_BITS:
        return x
    out = lowering.result(site.output, site.shape, x.layout, to)
    if (x.dtype, to) == ("int8", "float32"):
        lowering.call("tms_dequantize_s8_f32", (x,), out, quantize_params(x, Quant(1.0, 0)))
    elif (x.dtype, to) in KERNELS:
        lowering.call(KERNELS[x.dtype, to], (x,), out, {"n": math.prod(x.shape)})
    else:
        raise site.refused(f"from {x.dtype} to {to}", "float32, int32 and bool are supported")
    return out


OPERATORS = (Operator(("Cast",), lower_cast, dtypes=ANY_DTYPE),)
