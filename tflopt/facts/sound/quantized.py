"""Scales that a kernel can't turn into a multiplier, and their number."""

from __future__ import annotations

import numpy as np

from tflopt.facts.operators import Kind, Trait, facts_of, kind_of
from tflopt.ir.node import Op, Value
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import SoftmaxOptions
from tflopt.ir.types import DType
from tflopt.texts import counted

INTEGERS = frozenset({DType.INT8, DType.UINT8, DType.INT16})
BIAS = {OpCode.DEPTHWISE_CONV_2D: 2, OpCode.TRANSPOSE_CONV: 3}
"""Operators whose int16 kernels have no form for a bias of int32, and the bias's input."""
INT16_DATA = {OpCode.TRANSPOSE_CONV: 2}
SUMS = frozenset({OpCode.ADD, OpCode.SUB, OpCode.ADD_N})
SUM_BITS = {DType.INT8: 20, DType.INT16: 15}
SOFTMAX_BITS = 26
"""By how many bits kernels shift before they rescale."""


def quantization_flaw(op: Op) -> str:
    """A scale or a number of scales that no kernel can work with; empty where none is."""
    traits = facts_of(op).traits
    every = Trait.NORMALIZES in traits
    if Trait.RESCALES in traits or every:
        for kind, values in (("input", op.inputs), ("output", op.outputs)):
            for index, value in enumerate(values):
                divides = every or kind == "output"
                reason = "" if value is None else _scale_flaw(value, divides)
                if reason:
                    return f"{kind} {index} {reason}"
    return _channel_flaw(op) or _range_flaw(op) or _bias_flaw(op)


def _bias_flaw(op: Op) -> str:
    """A bias that the int16 kernel takes for one of int64, and reads past its end.

    From TFLM's ``depthwise_conv.cc`` and ``transpose_conv.cc`` (reference and CMSIS-NN), which
    look at the type of the input alone, or convert a bias of int16 only. LiteRT refuses both.
    """
    data, index = op.input(INT16_DATA.get(op.code, 0)), BIAS.get(op.code)
    bias = None if index is None else op.input(index)
    if data is None or bias is None or data.dtype is not DType.INT16:
        return ""
    if bias.dtype is not DType.INT32:
        return ""
    return "the bias is int32; with int16 inputs the kernel reads int64, past its end"


def _range_flaw(op: Op) -> str:
    """A multiplier on which the kernel aborts, because it is 1 or more, or no more than 1."""
    scales = [scale for scale in (_scale(value) for value in op.inputs) if scale is not None]
    if not scales:
        return ""
    if op.code is OpCode.SOFTMAX and op.output.dtype in INTEGERS:
        beta = op.options.beta if isinstance(op.options, SoftmaxOptions) else 0.0
        if not beta * scales[0] * 2.0**SOFTMAX_BITS > 1:
            return f"a beta of {beta:g} and a scale of {scales[0]:g} leave nothing of its input"
    if kind_of(op) is Kind.COMPARISON and max(scales) >= 1:
        return f"the scale {max(scales):g} of an input is 1 or more, on which the kernel aborts"
    return _sum_flaw(op, max(scales)) if op.code in SUMS else ""


def _sum_flaw(op: Op, largest: float) -> str:
    out, bits = _scale(op.output), SUM_BITS.get(op.output.dtype)
    if out is None or bits is None or 2 * largest < out * 2.0**bits:
        return ""
    return f"the scale {largest:g} of an input is too large for that of its output, {out:g}"


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
    axis, weights = facts_of(op).channel_axis, op.input(1)
    if axis is None or weights is None or weights.quant is None or not weights.quant.is_set:
        return ""
    count = weights.quant.count
    if count == 1 or axis >= len(weights.shape):
        return ""
    if count != weights.shape[axis]:
        return f"{counted(count, 'scale')} for {counted(weights.shape[axis], 'output channel')}"
    return ""
