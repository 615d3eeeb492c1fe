"""Mutations that relabel data and take it back: views and transposes, in pairs or around others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tests.support.mutation import Mutation, Site, inverse
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import (
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    PackOptions,
    ReducerOptions,
    ReshapeOptions,
    ShapeOptions,
    StridedSliceOptions,
    TransposeOptions,
)

UNARY = frozenset(
    {
        OpCode.RELU,
        OpCode.RELU6,
        OpCode.LOGISTIC,
        OpCode.TANH,
        OpCode.HARD_SWISH,
        OpCode.LEAKY_RELU,
        OpCode.QUANTIZE,
    }
)
BINARY = frozenset({OpCode.ADD, OpCode.SUB, OpCode.MUL, OpCode.MAXIMUM, OpCode.MINIMUM})


def transpose_pair(site: Site) -> bool:
    """A TRANSPOSE and its inverse on the way to some readers."""
    x = site.activation(2)
    if x is None or len(x.shape) > 4:
        return False
    perm = site.perm(len(x.shape))
    assert perm is not None
    readers = site.readers(x)
    before = site.first(readers)
    there = site.transpose(x, perm, before)
    site.feed(readers, site.transpose(there, inverse(perm), before))
    return True


def view_pair(site: Site) -> bool:
    """A RESHAPE and its inverse."""
    x = site.activation(1)
    if x is None:
        return False
    shape = site.factors(x.shape)
    if shape == x.shape:
        return False
    readers = site.readers(x)
    before = site.first(readers)
    there = site.view(x, shape, before)
    site.feed(readers, site.view(there, x.shape, before))
    return True


def same_view(site: Site) -> bool:
    """A RESHAPE to the same shape."""
    x = site.activation(1)
    if x is None:
        return False
    readers = site.readers(x)
    site.feed(readers, site.view(x, x.shape, site.first(readers)))
    return True


def same_transpose(site: Site) -> bool:
    """A TRANSPOSE that moves only axes of size 1."""
    x = site.activation(2)
    if x is None or len(x.shape) > 4 or 1 not in x.shape:
        return False
    axis = x.shape.index(1)
    perm = [a for a in range(len(x.shape)) if a != axis]
    perm.insert(site.rng.randrange(len(perm) + 1), axis)
    readers = site.readers(x)
    before = site.first(readers)
    there = site.transpose(x, perm, before)
    site.feed(readers, site.view(there, x.shape, before))
    return True


def transpose_around(site: Site) -> bool:
    """An elementwise operator between a TRANSPOSE of each input and one back."""
    op = site.op(*UNARY, *BINARY)
    if op is None or not 2 <= len(op.output.shape) <= 4:
        return False
    shape = op.output.shape
    perm = site.perm(len(shape))
    assert perm is not None
    if not all(_can_transpose(x, shape) for x in op.inputs if x is not None):
        return False
    _wrap(site, op, lambda x: _transposed(site, x, perm, op), perm)
    return True


def view_around(site: Site) -> bool:
    """An elementwise operator on another shape, and back; broadcast only of single elements."""
    op = site.op(*UNARY, *BINARY)
    if op is None or not op.output.shape:
        return False
    old = op.output.shape
    fits = (x is None or x.shape == old or (x.is_constant and x.elements == 1) for x in op.inputs)
    shape = site.factors(old)
    if not all(fits) or shape == old or len(shape) > 4:
        return False
    for index, x in enumerate(op.inputs):
        if x is None or x.shape != old:
            continue
        if x.is_constant:
            op.set_input(index, site.constant(x.array().reshape(shape), x.dtype, x.quant))
        else:
            op.set_input(index, site.view(x, shape, op))
    back = _divert(site, op, shape)
    _emit_view(site, op, back)
    return True


def transpose_axes(site: Site) -> bool:
    """CONCATENATION, PAD or a kept reduction on transposed axes."""
    op = site.op(OpCode.CONCATENATION, OpCode.PAD, OpCode.MEAN)
    if op is None or not 2 <= len(op.output.shape) <= 4:
        return False
    rank = len(op.output.shape)
    perm = site.perm(rank)
    assert perm is not None
    options = op.options
    if isinstance(options, ConcatenationOptions):
        op.options = replace(options, axis=perm.index(options.axis % rank))
        _wrap(site, op, lambda x: _transposed(site, x, perm, op), perm)
        return True
    x, table = op.inputs[0], op.inputs[1]
    assert x is not None
    assert table is not None
    if not table.is_constant:
        return False
    if isinstance(options, ReducerOptions):
        if not options.keep_dims:
            return False
        axes = [perm.index(axis % rank) for axis in table.ints() or ()]
        op.set_input(1, site.constant(axes))
    else:
        amounts = table.array().reshape(rank, 2)
        op.set_input(1, site.constant(amounts[perm], table.dtype))
    op.set_input(0, site.transpose(x, perm, op))
    _emit_transpose(site, op, _divert(site, op, [op.output.shape[a] for a in perm]), perm)
    return True


def channels_first_mean(site: Site) -> bool:
    """A MEAN that drops its axes, on transposed data."""
    op = site.op(OpCode.MEAN)
    if op is None or not isinstance(op.options, ReducerOptions) or op.options.keep_dims:
        return False
    x, table = op.inputs[0], op.inputs[1]
    assert x is not None
    assert table is not None
    rank = len(x.shape)
    if rank > 4 or not table.is_constant:
        return False
    picked = [axis % rank for axis in table.ints() or ()]
    kept = [axis for axis in range(rank) if axis not in picked]
    perm = [*kept, *picked]
    if perm == list(range(rank)):
        return False
    op.set_input(0, site.transpose(x, perm, op))
    op.set_input(1, site.constant([perm.index(axis) for axis in picked]))
    return True


def turn_convolution(site: Site) -> bool:
    """A convolution of height 1 as one of width 1."""
    op = site.op(OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D)
    if op is None or op.inputs[0] is None or op.inputs[1] is None:
        return False
    x, weights = op.inputs[0], op.inputs[1]
    options, out = op.options, op.output
    if not isinstance(options, Conv2DOptions | DepthwiseConv2DOptions):
        return False
    if x.shape[1] != 1 or weights.shape[1] != 1 or not weights.is_constant or out.shape[1] != 1:
        return False
    kernel = weights.array().transpose(0, 2, 1, 3)
    op.set_input(1, site.constant(kernel, weights.dtype, weights.quant))
    op.options = replace(
        options,
        stride_w=options.stride_h,
        stride_h=options.stride_w,
        dilation_w_factor=options.dilation_h_factor,
        dilation_h_factor=options.dilation_w_factor,
    )
    batch, _, width, channels = x.shape
    op.set_input(0, site.view(x, (batch, width, 1, channels), op))
    _emit_view(site, op, _divert(site, op, (batch, out.shape[2], 1, out.shape[3])))
    return True


def columns_of_dense(site: Site) -> bool:
    """FULLY_CONNECTED on transposed data, its weights' columns in that order."""
    op = site.op(OpCode.FULLY_CONNECTED)
    if op is None or op.inputs[0] is None or op.inputs[1] is None:
        return False
    x, weights = op.inputs[0], op.inputs[1]
    if not weights.is_constant or weights.dtype is not DType.INT8 or len(x.shape) != 2:
        return False
    depth, rows = x.shape[1], x.shape[0]
    split = [n for n in range(2, depth) if depth % n == 0]
    if not split:
        return False
    inner = site.rng.choice(split)
    columns = weights.array().reshape(-1, depth // inner, inner).transpose(0, 2, 1)
    op.set_input(1, site.constant(columns.reshape(-1, depth), weights.dtype, weights.quant))
    halves = site.view(x, (rows, depth // inner, inner), op)
    turned = site.transpose(halves, (0, 2, 1), op)
    op.set_input(0, site.view(turned, (rows, depth), op))
    return True


def computed_shape(site: Site) -> bool:
    """A RESHAPE pair whose shapes are computed by SHAPE, STRIDED_SLICE and PACK."""
    x = site.activation(2)
    if x is None or x.dtype is not DType.INT8:
        return False
    readers = site.readers(x)
    before = site.first(readers)
    flat = (x.shape[0], x.elements // x.shape[0])
    there = site.value(x, flat)
    sizes = _int_value(site, (len(x.shape),))
    site.insert(before, OpCode.SHAPE, [x], [sizes], ShapeOptions(int(DType.INT32)), 1)
    first = _int_value(site, ())
    inputs = [sizes, site.constant([0]), site.constant([1]), site.constant([1])]
    options = StridedSliceOptions(shrink_axis_mask=1)
    site.insert(before, OpCode.STRIDED_SLICE, inputs, [first], options, 1)
    packed = _int_value(site, (2,))
    parts = [first, site.constant(flat[1])]
    site.insert(before, OpCode.PACK, parts, [packed], PackOptions(2, 0), 1)
    site.insert(before, OpCode.RESHAPE, [x, packed], [there], None, 1)
    site.feed(readers, site.view(there, x.shape, before))
    return True


def _int_value(site: Site, shape: tuple[int, ...]) -> Value:
    value = site.value(site.graph.inputs[0], shape)
    value.dtype, value.quant = DType.INT32, None
    return value


def _can_transpose(x: Value, shape: tuple[int, ...]) -> bool:
    return x.shape == shape or x.is_constant or len(x.shape) == len(shape)


def _transposed(site: Site, x: Value, perm: list[int], op: Op) -> Value:
    if not x.is_constant:
        return site.transpose(x, perm, op)
    if x.elements == 1 and len(x.shape) != len(perm):
        return x
    data = x.array()
    data = data.reshape((1,) * (len(perm) - data.ndim) + data.shape)
    return site.constant(np.transpose(data, perm), x.dtype, x.quant)


def _wrap(site: Site, op: Op, convert: Callable[[Value], Value], perm: list[int]) -> None:
    for index, x in enumerate(op.inputs):
        if x is not None:
            op.set_input(index, convert(x))
    shape = [op.output.shape[axis] for axis in perm]
    _emit_transpose(site, op, _divert(site, op, shape), perm)


def _divert(site: Site, op: Op, shape: Sequence[int]) -> Value:
    """Let ``op`` produce a value of ``shape``; return the one that it produced before."""
    old = op.output
    inner = site.value(old, shape)
    op.set_outputs([inner])
    return old


def _emit_transpose(site: Site, op: Op, out: Value, perm: list[int]) -> None:
    inputs = [op.output, site.constant(inverse(perm))]
    site.insert(site.after(op), OpCode.TRANSPOSE, inputs, [out], TransposeOptions())


def _emit_view(site: Site, op: Op, out: Value) -> None:
    inputs = [op.output, site.constant(list(out.shape))]
    options = ReshapeOptions(out.shape)
    site.insert(site.after(op), OpCode.RESHAPE, inputs, [out], options, 1)


MUTATIONS: dict[str, Mutation] = {
    mutation.__name__.replace("_", "-"): mutation
    for mutation in (
        transpose_pair,
        view_pair,
        same_view,
        same_transpose,
        transpose_around,
        view_around,
        transpose_axes,
        channels_first_mean,
        turn_convolution,
        columns_of_dense,
        computed_shape,
    )
}
