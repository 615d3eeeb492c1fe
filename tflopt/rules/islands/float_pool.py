"""A float AVERAGE_POOL_2D between DEQUANTIZE and QUANTIZE, and how far the int8 one is from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tflopt.arith.affine import LIMITS, Affine, activation_range, affine_of
from tflopt.arith.fixed_point import ints
from tflopt.arith.reduction import average_pool
from tflopt.facts.clamps import is_private, reachable
from tflopt.facts.windows import Window, window_of
from tflopt.ir import Op, OpCode, Value, same_quantization
from tflopt.ir.options import Pool2DOptions
from tflopt.rewrite import Rewriter, Why, require
from tflopt.rules.islands.float_mean import LARGEST_COUNT, float_means
from tflopt.rules.islands.island_forms import Distance
from tflopt.rules.islands.island_rewrite import float_input
from tflopt.rules.islands.islands import dequantized
from tflopt.rules.islands.rounding import remove_unread

MOST_OUTPUTS = 1 << 16
"""Along one axis: more than that is no microcontroller's tensor."""


@dataclass(frozen=True)
class FloatPool:
    """An AVERAGE_POOL_2D over a dequantized tensor, whose windows hold ``counts`` elements."""

    source: Value
    params: Affine
    options: Pool2DOptions
    counts: tuple[int, ...]


def find_pool(op: Op) -> FloatPool | None:
    """The float AVERAGE_POOL_2D that a QUANTIZE alone reads, over a dequantized int8 tensor."""
    middle = float_input(op)
    pool = None if middle is None else middle.producer
    if middle is None or pool is None or pool.code is not OpCode.AVERAGE_POOL_2D:
        return None
    source, options, window = dequantized(pool.input(0)), pool.options, window_of(pool)
    params = affine_of(source)
    if source is None or params is None or window is None:
        return None
    if not isinstance(options, Pool2DOptions):
        return None
    if options.fused_activation_function not in LIMITS or not is_private(middle):
        return None
    if max(axis.out for axis in window) > MOST_OUTPUTS:
        return None
    return FloatPool(source, params, options, _counts(window))


def _counts(window: Window) -> tuple[int, ...]:
    """The numbers of elements that windows hold; at an edge some hold fewer."""
    rows, columns = ({axis.valid_taps_at(n) for n in range(axis.out)} for axis in window)
    return tuple(sorted({row * column for row in rows for column in columns}))


def pool_distance(island: FloatPool, op: Op) -> Distance:
    """How far the int8 AVERAGE_POOL_2D is from the float one, over every sum of every window."""
    same = same_quantization(island.source.quant, op.output.quant)
    require(same, Why.QUANTIZATION("AVERAGE_POOL_2D can't change the quantization"), at=op)
    require(sum(island.counts) <= LARGEST_COUNT, "it sums up too many elements", at=op)
    parts = [_distance(island, count) for count in island.counts]
    return Distance(
        max(part.largest for part in parts),
        sum(part.differing for part in parts),
        sum(part.values for part in parts),
    )


def _distance(island: FloatPool, count: int) -> Distance:
    values, fused = reachable(island.source), island.options.fused_activation_function
    sums = ints(np.arange(count * int(values[0]), count * int(values[-1]) + 1))
    limits = activation_range(fused, island.params)
    ends = float_means(island.params, island.params, count, sums)
    exact = average_pool(sums, count, island.params, fused)
    apart = np.max([np.abs(exact - np.clip(end, *limits)) for end in ends], axis=0)
    return Distance(int(apart.max()), int(np.count_nonzero(apart)), int(apart.size))


def replace_pool(island: FloatPool, op: Op, rw: Rewriter) -> None:
    """Turn the QUANTIZE into the int8 AVERAGE_POOL_2D."""
    middle = op.input(0)
    rw.set_inputs(op, [island.source])
    rw.set_code(op, OpCode.AVERAGE_POOL_2D, island.options, 2)
    remove_unread(middle, rw)
