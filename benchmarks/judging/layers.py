"""Rarer layers of the exporters: masks, resizing, normalization, reductions, blocks and groups."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.judging.motifs import Motif, Net, reshaped
from tflopt.ir import DType, OpCode, Options, Padding, Value
from tflopt.ir.options import (
    AddOptions,
    BroadcastToOptions,
    Conv2DOptions,
    DepthToSpaceOptions,
    DepthwiseConv2DOptions,
    MaximumMinimumOptions,
    MirrorPadOptions,
    MulOptions,
    ReducerOptions,
    ResizeBilinearOptions,
    ResizeNearestNeighborOptions,
    SelectV2Options,
    SliceOptions,
    SoftmaxOptions,
    SpaceToDepthOptions,
    SplitVOptions,
    SquaredDifferenceOptions,
    SubOptions,
)

LOWEST = -128


def masked(net: Net, x: Value) -> Value | None:
    """An attention mask: a constant is added or selected before a SOFTMAX."""
    if not 2 <= len(x.shape) <= 4 or x.shape[-1] > 64:
        return None
    square = np.tril(np.ones((x.shape[-2], x.shape[-1]), np.int8))
    if net.rng.random() < 0.5:
        mask = net.b.constant(np.where(square, 0, LOWEST), DType.INT8, (0.5, 0))
        y = net.op(OpCode.ADD, [x, mask], x.shape, AddOptions(), net.quant())
    else:
        shown = np.broadcast_to(square.astype(bool), x.shape)
        low = net.b.constant(np.full(x.shape, LOWEST), DType.INT8, x.quant)
        inputs = [net.b.constant(shown, DType.BOOL), x, low]
        options = SelectV2Options()
        code, kind = OpCode.SELECT_V2, DType.INT8
        y = net.b.op(code, inputs, x.shape, options=options, quant=x.quant, dtype=kind)
    return net.op(OpCode.SOFTMAX, [y], x.shape, SoftmaxOptions(1.0), net.unit(), 2)


def resized(net: Net, x: Value) -> Value | None:
    """``UpSampling2D``: nearest or bilinear."""
    if len(x.shape) != 4 or math.prod(x.shape) > 500:
        return None
    factor = net.pick(1, 2, 3)
    shape = (x.shape[0], x.shape[1] * factor, x.shape[2] * factor, x.shape[3])
    size = net.ints(*shape[1:3])
    half = net.rng.random() < 0.5
    if net.rng.random() < 0.6:
        near = ResizeNearestNeighborOptions(align_corners=False, half_pixel_centers=half)
        return net.op(OpCode.RESIZE_NEAREST_NEIGHBOR, [x, size], shape, near, x.quant, 3)
    bilinear = ResizeBilinearOptions(align_corners=False, half_pixel_centers=half)
    return net.op(OpCode.RESIZE_BILINEAR, [x, size], shape, bilinear, x.quant, 3)


def prelu(net: Net, x: Value) -> Value | None:
    """``PReLU`` with slopes by channel."""
    if len(x.shape) != 4:
        return None
    slopes = net.b.constant(
        net.rng.integers(-127, 128, (1, 1, x.shape[3])), DType.INT8, (0.01, net.pick(-5, 0))
    )
    return net.op(OpCode.PRELU, [x, slopes], x.shape, None, net.quant(), 1)


def bounded(net: Net, x: Value) -> Value:
    """MAXIMUM and MINIMUM with a constant, as a clip."""
    y = x
    for code, level in ((OpCode.MAXIMUM, net.pick(-100, -10)), (OpCode.MINIMUM, net.pick(10, 99))):
        shape = (1,) * max(1, len(x.shape))
        other = net.level(np.full(shape, level), x.quant)
        y = net.op(code, [y, other], x.shape, MaximumMinimumOptions(), x.quant)
    return y


def subtracted(net: Net, x: Value) -> Value | None:
    """SUB of a constant by channel, in either order."""
    if not x.shape:
        return None
    other = net.level(net.rng.integers(-99, 99, x.shape[-1:]), net.quant())
    inputs: list[Value | None] = [x, other]
    if net.rng.random() < 0.5:
        inputs.reverse()
    return net.op(OpCode.SUB, inputs, x.shape, SubOptions(), net.quant(), 2)


def rebuilt(net: Net, x: Value) -> Value | None:
    """SPACE_TO_DEPTH and back, or only one of them (``PixelShuffle``)."""
    if len(x.shape) != 4:
        return None
    n, h, w, c = x.shape
    y: Value | None = None
    if h % 2 == 0 and w % 2 == 0 and h and w:
        code, shape = OpCode.SPACE_TO_DEPTH, (n, h // 2, w // 2, 4 * c)
        y = net.op(code, [x], shape, SpaceToDepthOptions(2), x.quant, 1)
    if c % 4 == 0 or (y is not None and net.rng.random() < 0.5):
        source = x if y is None else y
        n, h, w, c = source.shape
        code, shape = OpCode.DEPTH_TO_SPACE, (n, 2 * h, 2 * w, c // 4)
        return net.op(code, [source], shape, DepthToSpaceOptions(2), x.quant, 1)
    return y


def mirrored(net: Net, x: Value) -> Value | None:
    """``ReflectionPad2d``."""
    if len(x.shape) != 4 or min(x.shape[1:3]) < 2:
        return None
    pads = [(0, 0), (1, net.pick(0, 1)), (net.pick(0, 1), 1), (0, 0)]
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, pads, strict=True))
    options = MirrorPadOptions(net.pick(0, 1))
    return net.op(OpCode.MIRROR_PAD, [x, net.b.constant(pads)], shape, options, x.quant)


def reduced(net: Net, x: Value) -> Value | None:
    """SUM, REDUCE_MAX or MEAN over the last axis or two."""
    if not 2 <= len(x.shape) <= 4:
        return None
    count = net.pick(1, 2) if len(x.shape) > 2 else 1
    axes = list(range(len(x.shape)))[-count:]
    keep = net.rng.random() < 0.5
    shape = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    if not keep:
        shape = tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
    code = (OpCode.SUM, OpCode.REDUCE_MAX, OpCode.MEAN)[net.pick(0, 1, 2)]
    quant = x.quant if code is OpCode.REDUCE_MAX else net.quant()
    return net.op(code, [x, net.ints(*axes)], shape, ReducerOptions(keep), quant)


def normalized(net: Net, x: Value) -> Value | None:
    """``LayerNormalization`` taken apart: MEAN, squared differences, RSQRT, MUL and ADD."""
    if not 2 <= len(x.shape) <= 3:
        return None
    axis = net.ints(len(x.shape) - 1)
    small = (*x.shape[:-1], 1)
    keep = ReducerOptions(keep_dims=True)
    mean = net.op(OpCode.MEAN, [x, axis], small, keep, x.quant)
    squares = SquaredDifferenceOptions()
    code = OpCode.SQUARED_DIFFERENCE
    square = net.op(code, [x, mean], x.shape, squares, (0.2, LOWEST))
    spread = net.op(OpCode.MEAN, [square, axis], small, keep, (0.1, LOWEST))
    bias = net.b.constant(np.full((1,), -127), DType.INT8, (0.01, LOWEST))
    spread = net.op(OpCode.ADD, [spread, bias], small, AddOptions(), (0.1, LOWEST))
    root = net.op(OpCode.RSQRT, [spread], small, None, (0.05, LOWEST))
    y = net.op(OpCode.SUB, [x, mean], x.shape, SubOptions(), net.quant(), 2)
    y = net.op(OpCode.MUL, [y, root], x.shape, MulOptions(), net.quant())
    gamma = net.b.constant(net.rng.integers(1, 127, x.shape[-1:]), DType.INT8, (0.01, 0))
    return net.op(OpCode.MUL, [y, gamma], x.shape, MulOptions(), net.quant())


def sliced(net: Net, x: Value) -> Value | None:
    """SLICE of a part of one axis, or SPLIT_V and one of its parts."""
    if not 1 <= len(x.shape) <= 4:
        return None
    axis = int(net.rng.integers(len(x.shape)))
    if axis == 0 or x.shape[axis] < 2:
        return None
    first = int(net.rng.integers(1, x.shape[axis]))
    sizes = (first, x.shape[axis] - first)
    shapes = [(*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in sizes]
    if net.rng.random() < 0.5:
        begin = [0] * len(x.shape)
        begin[axis] = first
        inputs = [x, net.ints(*begin), net.ints(*shapes[1])]
        return net.op(OpCode.SLICE, list(inputs), shapes[1], SliceOptions(), x.quant)
    split = [x, net.ints(*sizes), net.b.constant(axis)]
    kind, options = net.kind, SplitVOptions(2)
    return net.b.ops(OpCode.SPLIT_V, split, shapes, options, x.quant, kind, 2)[net.pick(0, 1)]


def broadcast(net: Net, x: Value) -> Value | None:
    """BROADCAST_TO along axes of size 1."""
    if 1 not in x.shape[1:] or len(x.shape) > 4:
        return None
    shape = (x.shape[0], *(net.pick(1, 2, 3) if n == 1 else n for n in x.shape[1:]))
    inputs = [x, net.ints(*shape)]
    return net.op(OpCode.BROADCAST_TO, list(inputs), shape, BroadcastToOptions(), x.quant, 3)


def dilated(net: Net, x: Value) -> Value | None:
    """A dilated convolution of either kind."""
    if len(x.shape) != 4 or min(x.shape[1:3]) < 3:
        return None
    n, h, w, c = x.shape
    rate = net.pick(2, 3)
    if net.rng.random() < 0.5:
        conv: Options = Conv2DOptions(
            Padding.SAME, 1, 1, dilation_w_factor=rate, dilation_h_factor=rate
        )
        inputs = [x, net.weights(2, 3, 2, c), net.bias(2)]
        return net.op(OpCode.CONV_2D, inputs, (n, h, w, 2), conv, net.quant(), 3)
    deep = DepthwiseConv2DOptions(
        Padding.SAME, 1, 1, 1, dilation_w_factor=rate, dilation_h_factor=rate
    )
    inputs = [x, net.weights(1, 3, 2, c, axis=3), net.bias(c)]
    return net.op(OpCode.DEPTHWISE_CONV_2D, inputs, (n, h, w, c), deep, net.quant(), 3)


def grouped(net: Net, x: Value) -> Value | None:
    """A convolution in groups, or a depthwise one with a multiplier."""
    if len(x.shape) != 4 or x.shape[3] % 2 or x.shape[3] > 8:
        return None
    n, h, w, c = x.shape
    if net.rng.random() < 0.5:
        inputs = [x, net.weights(4, 1, 1, c // 2), net.bias(4)]
        conv = Conv2DOptions(Padding.VALID, 1, 1)
        return net.op(OpCode.CONV_2D, inputs, (n, h, w, 4), conv, net.quant(), 3)
    deep = DepthwiseConv2DOptions(Padding.SAME, 1, 1, 2)
    inputs = [x, net.weights(1, 3, 3, 2 * c, axis=3), net.bias(2 * c)]
    return net.op(OpCode.DEPTHWISE_CONV_2D, inputs, (n, h, w, 2 * c), deep, net.quant(), 3)


def shuffled(net: Net, x: Value) -> Value | None:
    """A channel shuffle: RESHAPE, TRANSPOSE, RESHAPE."""
    if len(x.shape) != 4 or x.shape[3] % 2 or x.shape[0] != 1:
        return None
    _, h, w, c = x.shape
    y = reshaped(net, x, (h, w, 2, c // 2))
    y = net.op(OpCode.TRANSPOSE, [y, net.ints(0, 1, 3, 2)], (h, w, c // 2, 2), None, x.quant)
    return reshaped(net, y, x.shape)


RARER: tuple[Motif, ...] = (
    *(masked, resized, prelu, bounded, subtracted, rebuilt, mirrored, reduced),
    *(normalized, sliced, broadcast, dilated, grouped, shuffled),
)
