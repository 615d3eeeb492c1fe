"""Activations of int16 with weights of int8: a whole model, or a part between two QUANTIZE."""

from __future__ import annotations

from benchmarks.judging.further import expanded, filled, gated
from benchmarks.judging.layers import (
    bounded,
    dilated,
    grouped,
    shuffled,
    sliced,
    subtracted,
)
from benchmarks.judging.motifs import (
    Motif,
    Net,
    attended,
    conv,
    conv1d,
    cut,
    dense,
    depthwise,
    four,
    joined,
    leaky,
    meaned,
    padded,
    pooled,
    requantized,
    residual,
    softmaxed,
    stacked,
    transposed,
    transposed_conv,
    unary,
    view,
)
from tflopt.ir import DType, OpCode, Value


def widened(net: Net, x: Value) -> Value:
    """QUANTIZE from int8 to int16: what follows is computed in 16 bits."""
    net.kind = DType.INT16
    return net.op(OpCode.QUANTIZE, [x], x.shape, None, net.quant(), 1)


def narrowed(net: Net, x: Value) -> Value:
    """QUANTIZE from int16 to int8."""
    net.kind = DType.INT8
    return net.op(OpCode.QUANTIZE, [x], x.shape, None, net.quant(), 1)


WIDE: tuple[Motif, ...] = (
    *(conv, depthwise, conv1d, transposed_conv, dense, pooled, unary, leaky, residual),
    *(view, four, transposed, padded, cut, joined, stacked, meaned, softmaxed, requantized),
    *(attended, bounded, subtracted, sliced, dilated, grouped, shuffled, expanded, filled, gated),
    *(narrowed, narrowed, narrowed),
)
"""For int16; a part of 16 bits ends sooner or later."""
