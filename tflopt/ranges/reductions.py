"""Bounds of pooling, MEAN, SUM, REDUCE_MAX and REDUCE_MIN."""

from __future__ import annotations

from math import prod

import numpy as np

from tflopt.arith.affine import affine_of
from tflopt.arith.fixed_point import Ints, overflows, wrap
from tflopt.arith.reduction import mean, mean_multiplier, sum_of
from tflopt.arith.softmax import LONGEST_ROW, OUTPUT, is_legal, softmax
from tflopt.facts.operators import Kind, Trait, having, of_kind
from tflopt.ir import DType, Op, OpCode
from tflopt.ir.options import Pool2DOptions, ReducerOptions, SoftmaxOptions
from tflopt.ranges.elementwise import fused_limits
from tflopt.ranges.interval import Interval, open_axes

REDUCTIONS = of_kind(Kind.REDUCTION) & (having(Trait.ACCUMULATES) | having(Trait.PICKS))
LONGEST = 1 << 22
"""Elements of one sum: more would leave 32 bits."""


def pooled(op: Op, source: Interval) -> Interval | None:
    """A mean or the largest of some elements lies between the least and the largest of all.

    What pads is not counted.
    """
    if not isinstance(op.options, Pool2DOptions) or len(source.shape) != 4:
        return None
    limits = fused_limits(affine_of(op.output), op.options.fused_activation_function)
    if limits is None or op.output.dtype is not DType.INT8:
        return None
    return source.hull((0, 1, 2)).clipped(*limits)


def reduced(op: Op, source: Interval) -> Interval | None:
    """MEAN and SUM never fall while an element rises; the others pick an element."""
    data, options = op.input(0), op.options
    axes = reduced_axes(op)
    if data is None or axes is None or not isinstance(options, ReducerOptions):
        return None
    if op.code in (OpCode.REDUCE_MAX, OpCode.REDUCE_MIN):
        return _squeezed(source.hull(axes), axes, options.keep_dims)
    sums = _sums(op, source, axes)
    if sums is None:
        return None
    return _squeezed(Interval(*sums), axes, options.keep_dims)


def softmax_of_constants(op: Op, source: Interval) -> Interval | None:
    """SOFTMAX of a row that no input changes; rows that vary may give anything."""
    data, options = op.input(0), op.options
    if data is None or not isinstance(options, SoftmaxOptions) or not source.is_constant:
        return None
    one, out = affine_of(data), affine_of(op.output)
    known = data.dtype is DType.INT8 and op.output.dtype is DType.INT8 and bool(data.shape)
    if not known or one is None or out is None or not 0 < data.shape[-1] <= LONGEST_ROW:
        return None
    if (float(out.scale), int(out.zero_point)) != OUTPUT or not is_legal(one, options.beta):
        return None
    rows = source.expanded(len(data.shape) - 1, data.shape[-1]).low
    if not bool(np.all(np.isfinite(one.scale))) or open_axes(data) & {len(data.shape) - 1}:
        return None
    result = softmax(rows, one, options.beta)
    return Interval(result, result)


def _sums(op: Op, source: Interval, axes: tuple[int, ...]) -> tuple[Ints, Ints] | None:
    data = op.operand(0)
    one, out = affine_of(data), affine_of(op.output)
    count = prod(data.shape[axis] for axis in axes)
    known = data.dtype is DType.INT8 and op.output.dtype is DType.INT8
    if one is None or out is None or not known or open_axes(data) & set(axes):
        return None
    if not 0 < count <= LONGEST or not _is_sane(float(one.scale), float(out.scale)):
        return None
    totals = [_total(end, data.shape, axes) for end in (source.low, source.high)]
    multiplier, shift = mean_multiplier(count, one, out)
    for total in totals:
        centred = total - one.zero_point * count
        if bool(np.any(wrap(centred) != centred)) or overflows(centred, shift):
            return None
    if op.code is OpCode.MEAN:
        low, high = (mean(total, count, one, out) for total in totals)
        return (low, high) if int(multiplier) >= 0 else None
    low, high = (sum_of(total, count, one, out) for total in totals)
    return low, high


def _is_sane(one: float, two: float) -> bool:
    return 0 < one < np.inf and 0 < two < np.inf and one / two < 2.0**8


def _total(bounds: Ints, shape: tuple[int, ...], axes: tuple[int, ...]) -> Ints:
    alike = prod(shape[axis] for axis in axes if bounds.shape[axis] == 1)
    return np.asarray(bounds.sum(axis=axes, keepdims=True) * alike)


def reduced_axes(op: Op) -> tuple[int, ...] | None:
    """The axes, None where they are computed or the shapes don't fit."""
    data, numbers = op.input(0), op.ints(1)
    if data is None or numbers is None or not isinstance(op.options, ReducerOptions):
        return None
    rank = len(data.shape)
    if any(not -rank <= axis < rank for axis in numbers):
        return None
    axes = tuple(sorted({axis % rank for axis in numbers}))
    kept = [1 if axis in axes else n for axis, n in enumerate(data.shape)]
    if not op.options.keep_dims:
        kept = [n for axis, n in enumerate(data.shape) if axis not in axes]
    return axes if axes and tuple(kept) == op.output.shape else None


def _squeezed(interval: Interval, axes: tuple[int, ...], keep: bool) -> Interval:
    if keep:
        return interval
    return Interval(interval.low.squeeze(axes), interval.high.squeeze(axes))
