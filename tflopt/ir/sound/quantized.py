"""Scales that a kernel can't turn into a multiplier, and their number."""

from __future__ import annotations

import numpy as np

from tflopt.ir.node import Op, Value
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import SoftmaxOptions
from tflopt.ir.types import DType

INTEGERS = frozenset({DType.INT8, DType.UINT8, DType.INT16})
WEIGHTS = {
    OpCode.CONV_2D: 0,
    OpCode.DEPTHWISE_CONV_2D: 3,
    OpCode.TRANSPOSE_CONV: 0,
    OpCode.FULLY_CONNECTED: 0,
}
"""The axis of input 1 that holds the output channels."""
NORMALIZING = frozenset(
    OpCode[name]
    for name in """ADD SUB SQUARED_DIFFERENCE EQUAL NOT_EQUAL GREATER GREATER_EQUAL LESS
    LESS_EQUAL""".split()
)
"""Operators that abort on a multiplier of zero (QuantizeMultiplierSmallerThanOneExp)."""
ADD_BITS, SOFTMAX_BITS = 20, 26
"""By how many bits int8 kernels shift before they rescale."""
RESCALING = frozenset({
    *WEIGHTS,
    *(
        OpCode[name]
        for name in """ADD SUB MUL DIV MEAN SUM QUANTIZE DEQUANTIZE LEAKY_RELU RELU RELU6
        HARD_SWISH PRELU LOGISTIC TANH SOFTMAX SQUARED_DIFFERENCE BATCH_MATMUL SVDF ELU ABS
        RSQRT""".split()
    ),
})  # fmt: skip
"""Operators that divide by the scale of an operand: QuantizeMultiplier aborts on infinity."""


def quantization_flaw(op: Op) -> str:
    """A scale or a number of scales that no kernel can work with; empty where none is."""
    every = op.code in NORMALIZING
    if op.code in RESCALING or every:
        for kind, values in (("input", op.inputs), ("output", op.outputs)):
            for index, value in enumerate(values):
                divides = every or kind == "output"
                reason = "" if value is None else _scale_flaw(value, divides)
                if reason:
                    return f"{kind} {index} {reason}"
    return _channel_flaw(op) or _range_flaw(op)


def _range_flaw(op: Op) -> str:
    """A multiplier on which the kernel aborts, because it is 1 or more, or no more than 1."""
    scales = [_scale(value) for value in op.inputs]
    if op.code is OpCode.SOFTMAX and op.output.dtype in INTEGERS and scales[0] is not None:
        beta = op.options.beta if isinstance(op.options, SoftmaxOptions) else 0.0
        if not beta * scales[0] * 2.0**SOFTMAX_BITS > 1:
            return f"a beta of {beta:g} and a scale of {scales[0]:g} leave nothing of its input"
    out = _scale(op.output) if op.code in (OpCode.ADD, OpCode.SUB) else None
    known = [scale for scale in scales if scale is not None]
    if out is None or len(known) != 2 or op.output.dtype is not DType.INT8:
        return ""
    if 2 * max(known) < out * 2.0**ADD_BITS:
        return ""
    return f"the scale {max(known):g} of an input is too large for that of its output, {out:g}"


def _scale(value: Value | None) -> float | None:
    """The only scale of an integer tensor."""
    if value is None or value.dtype not in INTEGERS or value.quant is None:
        return None
    scale = value.quant.scale
    return None if scale is None or value.quant.count != 1 else float(scale[0])


def _scale_flaw(value: Value, divides: bool) -> str:
    """Constants may have scales of zero: all their elements are zero then."""
    if value.dtype not in INTEGERS:
        return ""
    if value.quant is None or value.quant.scale is None or not value.quant.is_set:
        return "has no scale and zero point" if divides else ""
    scale = value.quant.scale
    wrong = ~np.isfinite(scale) | (scale < 0 if value.has_data and not divides else scale <= 0)
    if not np.any(wrong):
        return ""
    return f"has the scale {float(scale[np.argmax(wrong)]):g}"


def _channel_flaw(op: Op) -> str:
    axis, weights = WEIGHTS.get(op.code), op.input(1)
    if axis is None or weights is None or weights.quant is None or not weights.quant.is_set:
        return ""
    count = weights.quant.count
    if count == 1 or axis >= len(weights.shape):
        return ""
    if count != weights.shape[axis]:
        return f"{count} scales for {weights.shape[axis]} output channels"
    return ""
