"""Bounds of what int8 operators make of each element by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflopt.arith.affine import LIMITS, Affine, Precision, activation_range, affine_of
from tflopt.arith.binary import add, mul, sub
from tflopt.arith.fixed_point import (
    INT8_MAX,
    INT8_MIN,
    Ints,
    clamp,
    ints,
    multiply_once,
    quantize_multiplier,
)
from tflopt.facts.tables import OF_TWO, fused_of, is_defined, table
from tflopt.ir import Activation, DType, Op, OpCode
from tflopt.ranges.interval import Interval, scalar

EXTREMES = {OpCode.MAXIMUM: np.maximum, OpCode.MINIMUM: np.minimum}
BINARY = OF_TWO


def by_table(op: Op, source: Interval) -> Interval | None:
    """An operator whose output for all 256 inputs is known: the extremes over each range."""
    if op.output.dtype is not DType.INT8:
        return None
    results, most = table(op), INT8_MIN + 255
    if results is None or (source.low < INT8_MIN).any() or (source.high > most).any():
        return None
    lows = _extremes(results.min(axis=0), np.minimum)
    highs = _extremes(results.max(axis=0), np.maximum)
    low, high = source.low - INT8_MIN, source.high - INT8_MIN
    level = ints(np.frexp((high - low + 1).astype(np.float64))[1]) - 1
    second = high - (np.int64(1) << level) + 1
    return Interval(
        np.minimum(lows[level, low], lows[level, second]),
        np.maximum(highs[level, low], highs[level, second]),
    )


def _extremes(values: Ints, pick: np.ufunc) -> Ints:
    """Row ``k``, column ``i``: the extreme of ``2^k`` values from the ``i``-th on."""
    rows = [values]
    for level in range(8):
        last, step = rows[-1], 1 << level
        ahead = np.concatenate([last[step:], np.repeat(last[-1:], step)])
        rows.append(pick(last, ahead))
    return np.stack(rows)


def of_two(op: Op, sources: Sequence[Interval]) -> Interval | None:
    """ADD, SUB, MUL, MAXIMUM or MINIMUM of two tensors, or of one and a constant."""
    one, two = sources
    if op.code in EXTREMES:
        pick = EXTREMES[op.code]
        return Interval(pick(one.low, two.low), pick(one.high, two.high))
    params = [affine_of(value) for value in (*op.inputs[:2], op.output)]
    if any(v is None or v.dtype is not DType.INT8 for v in (*op.inputs[:2], op.output)):
        return None
    first, second, out = params
    fused = fused_of(op)
    if first is None or second is None or out is None or fused is None:
        return None
    if not all(_is_sane(side) for side in (first, second, out)):
        return None
    if not is_defined(op.code, first, second, out):
        return _anything(op, out, fused)
    if op.code is OpCode.MUL:
        return _product(one, two, (first, second, out), fused)
    if op.code is OpCode.ADD:
        ends = [add(a, b, first, second, out, fused) for a, b in _pairs(one, two)]
        return Interval(*ends)
    rows = [
        [sub(a, b, first, second, out, fused, precision) for precision in Precision]
        for a, b in _pairs(one, Interval(two.high, two.low))
    ]
    return Interval(np.minimum(*rows[0]), np.maximum(*rows[1]))


def _pairs(one: Interval, two: Interval) -> list[tuple[Ints, Ints]]:
    return [(one.low, two.low), (one.high, two.high)]


def _is_sane(params: Affine) -> bool:
    scale = params.scale
    fits = INT8_MIN <= int(params.zero_point) <= INT8_MAX
    return fits and bool(np.all(np.isfinite(scale)) and np.all(scale > 0))


def _product(
    one: Interval, two: Interval, params: tuple[Affine, Affine, Affine], fused: Activation
) -> Interval:
    """A product has its extremes at the corners; rounded twice, and once as LiteRT does it."""
    first, second, out = params
    multiplier, shift = quantize_multiplier(first.double * second.double / out.double)
    limits = activation_range(fused, out)
    corners = []
    for a in (one.low, one.high):
        for b in (two.low, two.high):
            corners.append(mul(a, b, first, second, out, fused))
            product = ints(a - first.zero_point) * ints(b - second.zero_point)
            once = multiply_once(product, multiplier, shift)
            corners.append(clamp(once + out.zero_point, *limits))
    products = np.stack(corners)
    return Interval(products.min(axis=0), products.max(axis=0))


def _anything(op: Op, out: Affine, fused: Activation) -> Interval:
    low, high = activation_range(fused, out)
    return scalar(int(np.minimum(low, high)), int(high), len(op.output.shape))


def fused_limits(out: Affine | None, fused: object) -> tuple[Ints, Ints] | None:
    """What a fused activation clamps to, the lower limit first."""
    if out is None or not isinstance(fused, Activation) or fused not in LIMITS:
        return None
    low, high = activation_range(fused, out)
    return np.minimum(low, high), high
