"""Further layers: dilation by batches, views, floats between integers, masks by comparison."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.judging.motifs import Motif, Net
from tflopt.ir import DType, OpCode, Options, Padding, Value
from tflopt.ir.options import (
    AbsOptions,
    BatchToSpaceNDOptions,
    Conv2DOptions,
    CumsumOptions,
    DepthwiseConv2DOptions,
    DequantizeOptions,
    ExpandDimsOptions,
    ExpOptions,
    L2NormOptions,
    MulOptions,
    PadV2Options,
    QuantizeOptions,
    SelectV2Options,
    SpaceToBatchNDOptions,
    SqueezeOptions,
)


def batched(net: Net, x: Value) -> Value | None:
    """A dilated convolution as Keras writes it: SPACE_TO_BATCH_ND and back around it."""
    if len(x.shape) != 4 or x.shape[0] != 1 or min(x.shape[1:3]) < 2 or x.shape[3] > 16:
        return None
    _, h, w, c = x.shape
    if (h % 2 or w % 2) and net.rng.random() < 0.8:
        return None  # TFLM pads with a number that it never sets
    high, wide = -(-h // 2) * 2, -(-w // 2) * 2
    block, pads = net.ints(2, 2), net.b.constant([(0, high - h), (0, wide - w)])
    parts, size = (4, high // 2, wide // 2, c), (1, 1)
    code = OpCode.SPACE_TO_BATCH_ND
    y = net.op(code, [x, block, pads], parts, SpaceToBatchNDOptions(), x.quant, 2)
    if net.rng.random() < 0.5:
        deep: Options = DepthwiseConv2DOptions(Padding.SAME, *size, 1)
        inputs = [y, net.weights(1, 3, 3, c, axis=3), net.bias(c)]
        y = net.op(OpCode.DEPTHWISE_CONV_2D, inputs, parts, deep, net.quant(), 3)
    else:
        conv = Conv2DOptions(Padding.SAME, *size)
        inputs = [y, net.weights(c, 3, 3, c), net.bias(c)]
        y = net.op(OpCode.CONV_2D, inputs, parts, conv, net.quant(), 3)
    code, crops = OpCode.BATCH_TO_SPACE_ND, net.b.constant([(0, high - h), (0, wide - w)])
    return net.op(code, [y, block, crops], x.shape, BatchToSpaceNDOptions(), y.quant, 2)


def expanded(net: Net, x: Value) -> Value | None:
    """``Reshape`` and ``torch.unsqueeze``: EXPAND_DIMS; an axis of 1 goes by SQUEEZE."""
    axis = next((i for i, n in enumerate(x.shape) if n == 1 and i > 0), None)
    if axis is not None and net.rng.random() < 0.6:
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        return net.op(OpCode.SQUEEZE, [x], shape, SqueezeOptions((axis,)), x.quant, 1)
    if not 1 <= len(x.shape) <= 4:
        return None
    place = net.pick(*range(1, len(x.shape) + 1))
    shape = (*x.shape[:place], 1, *x.shape[place:])
    inputs = [x, net.b.constant(place)]
    return net.op(OpCode.EXPAND_DIMS, list(inputs), shape, ExpandDimsOptions(), x.quant, 1)


def summed(net: Net, x: Value) -> Value | None:
    """``torch.cumsum`` along any axis."""
    if not 1 <= len(x.shape) <= 4:
        return None
    options = CumsumOptions(bool(net.pick(0, 1)), bool(net.pick(0, 1)))
    inputs = [x, net.b.constant(net.pick(*range(len(x.shape))))]
    return net.op(OpCode.CUMSUM, list(inputs), x.shape, options, net.quant(), 1)


def singular(net: Net, x: Value) -> Value | None:
    """ABS, ELU, L2_NORMALIZATION: kernels of TFLM that CMSIS-NN doesn't have."""
    kind = net.pick(0, 1, 2)
    if kind == 0:
        return net.op(OpCode.ABS, [x], x.shape, AbsOptions(), x.quant, 1)
    if kind == 1:
        return net.op(OpCode.ELU, [x], x.shape, None, net.quant(), 1)
    if not 2 <= len(x.shape) <= 4:
        return None
    unit = (1 / 128, 0)
    return net.op(OpCode.L2_NORMALIZATION, [x], x.shape, L2NormOptions(), unit, 2)


def filled(net: Net, x: Value) -> Value | None:
    """``torch.nn.functional.pad`` with a number: PADV2."""
    if not 2 <= len(x.shape) <= 4:
        return None
    pads = [(0, 0)] + [(net.pick(0, 1), net.pick(0, 2)) for _ in x.shape[1:]]
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, pads, strict=True))
    number = net.level(net.pick(-128, -3, 0, 127), x.quant)
    inputs = [x, net.b.constant(pads), number]
    return net.op(OpCode.PADV2, list(inputs), shape, PadV2Options(), x.quant, 2)


def floated(net: Net, x: Value) -> Value | None:
    """An operator that the converter left in floats, between DEQUANTIZE and QUANTIZE."""
    kind, options = DType.FLOAT32, DequantizeOptions()
    if math.prod(x.shape) > 500:
        return None
    y = net.b.op(OpCode.DEQUANTIZE, [x], x.shape, options=options, dtype=kind, version=2)
    if net.rng.random() < 0.5:
        y = net.b.op(OpCode.EXP, [y], x.shape, options=ExpOptions(), dtype=kind)
    else:
        factor = net.b.constant(net.rng.uniform(0.1, 2.0), kind)
        y = net.b.op(OpCode.MUL, [y, factor], x.shape, options=MulOptions(), dtype=kind)
    code, narrow = OpCode.QUANTIZE, QuantizeOptions()
    return net.b.op(code, [y], x.shape, options=narrow, quant=net.quant(), dtype=DType.INT8)


def compared(net: Net, x: Value) -> Value | None:
    """``torch.where(x > a, x, b)``: a comparison, and SELECT_V2."""
    if not 1 <= len(x.shape) <= 4 or x.quant is None or x.quant.scalar()[0] >= 1:
        return None
    level = net.b.constant(np.full((1,) * len(x.shape), net.pick(-9, 0, 30)), DType.INT8, x.quant)
    code = (OpCode.GREATER, OpCode.LESS_EQUAL, OpCode.EQUAL)[net.pick(0, 1, 2)]
    shown = net.b.op(code, [x, level], x.shape, dtype=DType.BOOL)
    low = net.b.constant(np.full(x.shape, net.pick(-128, 5)), DType.INT8, x.quant)
    code, options = OpCode.SELECT_V2, SelectV2Options()
    kind = DType.INT8
    return net.b.op(code, [shown, x, low], x.shape, options=options, quant=x.quant, dtype=kind)


def gated(net: Net, x: Value) -> Value:
    """``silu``: a value times its LOGISTIC."""
    gate = net.op(OpCode.LOGISTIC, [x], x.shape, None, net.unit(), 1)
    return net.op(OpCode.MUL, [x, gate], x.shape, MulOptions(), net.quant())


FURTHER: tuple[Motif, ...] = (
    *(batched, expanded, summed, singular, filled, floated, compared, gated),
)
