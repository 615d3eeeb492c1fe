"""Shapes of outputs whose dimensions are open, by operator: from inputs, options and constants."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tflopt.facts.operators import Kind, kind_of
from tflopt.facts.windows import extents, span_of
from tflopt.ir import Op, OpCode, Value
from tflopt.ir.options import (
    BatchMatMulOptions,
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    Pool2DOptions,
    ReducerOptions,
    SqueezeOptions,
)

Shape = tuple[int, ...]
Window = Conv2DOptions | DepthwiseConv2DOptions | Pool2DOptions


def output_shape(op: Op) -> Shape | None:
    """The shape of an operator's only output, None where it isn't known here."""
    make = _BY_CODE.get(op.code) or _BY_KIND.get(kind_of(op))
    if make is None or op.input(0) is None:
        return None
    shape = make(op)
    return None if shape is None or any(extent < 0 for extent in shape) else shape


def _source(op: Op) -> Shape:
    value = op.operand(0)
    return value.shape


def _product(op: Op) -> Shape | None:
    """BATCH_MATMUL."""
    one, two, options = op.input(0), op.input(1), op.options
    if one is None or two is None or not isinstance(options, BatchMatMulOptions):
        return None
    if len(one.shape) < 2 or len(two.shape) < 2:
        return None
    rows = one.shape[-1] if options.adj_x else one.shape[-2]
    columns = two.shape[-2] if options.adj_y else two.shape[-1]
    try:
        batches = np.broadcast_shapes(one.shape[:-2], two.shape[:-2])
    except ValueError:
        return None
    return (*map(int, batches), rows, columns)


def _expanded(op: Op) -> Shape | None:
    axes, shape = op.ints(1), _source(op)
    if axes is None or len(axes) != 1 or not -len(shape) - 1 <= axes[0] <= len(shape):
        return None
    at = axes[0] % (len(shape) + 1)
    return (*shape[:at], 1, *shape[at:])


def _squeezed(op: Op) -> Shape | None:
    shape = _source(op)
    if not isinstance(op.options, SqueezeOptions):
        return None
    named = op.options.squeeze_dims or tuple(at for at, size in enumerate(shape) if size == 1)
    gone = {axis % max(1, len(shape)) for axis in named}
    return tuple(size for at, size in enumerate(shape) if at not in gone)


def _joined(op: Op) -> Shape | None:
    shapes = [value.shape for value in op.inputs if value is not None]
    if not isinstance(op.options, ConcatenationOptions):
        return None
    axis = op.options.axis % max(1, len(shapes[0]))
    if any(len(shape) != len(shapes[0]) for shape in shapes):
        return None
    whole = list(shapes[0])
    whole[axis] = sum(shape[axis] for shape in shapes)
    return tuple(whole)


def _reduced(op: Op) -> Shape | None:
    axes, shape = op.ints(1), _source(op)
    if axes is None or not isinstance(op.options, ReducerOptions):
        return None
    gone = {axis % max(1, len(shape)) for axis in axes}
    if op.options.keep_dims:
        return tuple(1 if at in gone else size for at, size in enumerate(shape))
    return tuple(size for at, size in enumerate(shape) if at not in gone)


def _padded(op: Op) -> Shape | None:
    pads, shape = op.ints(1), _source(op)
    if pads is None or len(pads) != 2 * len(shape):
        return None
    return tuple(size + pads[2 * at] + pads[2 * at + 1] for at, size in enumerate(shape))


def _to_batch(op: Op) -> Shape | None:
    """SPACE_TO_BATCH_ND, and BATCH_TO_SPACE_ND the other way."""
    blocks, edges, shape = op.ints(1), op.ints(2), _source(op)
    if blocks is None or edges is None or len(edges) != 2 * len(blocks) or 0 in blocks:
        return None
    if len(shape) < len(blocks) + 1:
        return None
    out, inward = list(shape), op.code is OpCode.SPACE_TO_BATCH_ND
    for at, block in enumerate(blocks):
        around = edges[2 * at] + edges[2 * at + 1]
        if inward:
            out[at + 1] = (out[at + 1] + around) // block
            out[0] *= block
        else:
            out[at + 1] = out[at + 1] * block - around
            out[0] //= block
    return tuple(out)


def _window(op: Op) -> Shape | None:
    """CONV_2D, DEPTHWISE_CONV_2D and poolings."""
    options, shape = op.options, _source(op)
    if not isinstance(options, Window) or len(shape) != 4:
        return None
    sizes, channels = _kernel(op, options, shape)
    strides = (options.stride_h, options.stride_w)
    if sizes is None or 0 in strides:
        return None
    rows = zip(shape[1:3], sizes, strides, strict=True)
    image = (extents(options.padding, *row)[1] for row in rows)
    return (shape[0], *image, channels)


def _kernel(op: Op, options: Window, shape: Shape) -> tuple[tuple[int, int] | None, int]:
    """How far a window reaches, and the channels that it makes."""
    if isinstance(options, Pool2DOptions):
        return (options.filter_height, options.filter_width), shape[3]
    weights: Value | None = op.input(1)
    if weights is None or len(weights.shape) != 4:
        return None, 0
    depthwise = isinstance(options, DepthwiseConv2DOptions)
    reach = (
        span_of(weights.shape[1], options.dilation_h_factor),
        span_of(weights.shape[2], options.dilation_w_factor),
    )
    return reach, weights.shape[3] if depthwise else weights.shape[0]


_BY_CODE: dict[OpCode, Callable[[Op], Shape | None]] = {
    OpCode.BATCH_MATMUL: _product,
    OpCode.EXPAND_DIMS: _expanded,
    OpCode.SQUEEZE: _squeezed,
    OpCode.CONCATENATION: _joined,
    OpCode.PAD: _padded,
    OpCode.PADV2: _padded,
    OpCode.SPACE_TO_BATCH_ND: _to_batch,
    OpCode.BATCH_TO_SPACE_ND: _to_batch,
}
_BY_KIND: dict[Kind, Callable[[Op], Shape | None]] = {
    Kind.REDUCTION: _reduced,
    Kind.CONVOLUTION: _window,
    Kind.DEPTHWISE: _window,
    Kind.POOL: _window,
}
