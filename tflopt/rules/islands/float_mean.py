"""A float MEAN between DEQUANTIZE and QUANTIZE, and how far the int8 MEAN is from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tflopt.arith.affine import Affine, affine_of
from tflopt.arith.fixed_point import Ints, clamp, ints
from tflopt.arith.reduction import mean
from tflopt.facts.clamps import is_private, reachable
from tflopt.facts.tables import LARGEST_RATIO
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import ReducerOptions
from tflopt.rewrite import Rewriter, require
from tflopt.rules.islands.island_forms import Distance
from tflopt.rules.islands.rounding import remove_unread

UNIT_ROUNDOFF = 2.0**-24
MARGIN = 1.01
"""Covers products of rounding errors, which the first-order bound leaves out."""
LARGEST_COUNT = 1 << 14


@dataclass(frozen=True)
class FloatMean:
    """A MEAN over ``count`` elements of a dequantized tensor."""

    op: Op
    source: Value
    params: Affine
    target: Affine
    count: int


def find_mean(op: Op) -> FloatMean | None:
    """The float MEAN that a QUANTIZE alone reads, over a dequantized int8 tensor."""
    middle = op.input(0)
    reduce = None if middle is None else middle.producer
    if middle is None or reduce is None or reduce.code is not OpCode.MEAN:
        return None
    real = reduce.input(0)
    before = None if real is None else real.producer
    if real is None or before is None or before.code is not OpCode.DEQUANTIZE:
        return None
    source, target = before.input(0), affine_of(op.output)
    params = affine_of(source)
    if source is None or params is None or target is None or source.is_variable:
        return None
    if source.dtype is not DType.INT8 or op.output.dtype is not DType.INT8:
        return None
    axes = reduce.input(1)
    if axes is None or not axes.has_data or not middle.elements or not is_private(middle):
        return None
    return FloatMean(reduce, source, params, target, source.elements // middle.elements)


def mean_distance(island: FloatMean, op: Op) -> Distance:
    """How far the int8 MEAN is from the float one; declines where sums leave their bounds."""
    require(island.count <= LARGEST_COUNT, "it sums up too many elements", at=op)
    ratio = float(island.params.scale) / float(island.target.scale)
    require(ratio * island.count < LARGEST_RATIO, "its sums leave 32 bits", at=op)
    values = reachable(island.source)
    sums = np.arange(island.count * int(values[0]), island.count * int(values[-1]) + 1)
    low, high = float_means(island.params, island.target, island.count, ints(sums))
    exact = mean(ints(sums), island.count, island.params, island.target)
    apart = np.maximum(np.abs(exact - low), np.abs(exact - high))
    return Distance(int(apart.max()), int(np.count_nonzero(apart)), int(apart.size))


def float_means(source: Affine, target: Affine, count: int, sums: Ints) -> tuple[Ints, Ints]:
    """The lowest and highest number that the float operators can give for each sum."""
    zero = int(source.zero_point)
    ratio = float(source.double / target.double)
    exact = (sums - count * zero) * (ratio / count)
    largest = max(abs(-128 - zero), abs(127 - zero)) * ratio
    error = MARGIN * (count + 4) * UNIT_ROUNDOFF * largest
    ends = [np.sign(end) * np.floor(np.abs(end) + 0.5) for end in (exact - error, exact + error)]
    low, high = (clamp(ints(end) + target.zero_point) for end in ends)
    return low, high


def replace_mean(island: FloatMean, op: Op, rw: Rewriter) -> None:
    """Turn the QUANTIZE into the int8 MEAN."""
    options, axes = island.op.options, island.op.input(1)
    middle = op.input(0)
    rw.set_inputs(op, [island.source, axes])
    rw.set_code(op, OpCode.MEAN, options if isinstance(options, ReducerOptions) else None, 2)
    remove_unread(middle, rw)
