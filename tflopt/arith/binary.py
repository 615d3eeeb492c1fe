"""Integer operators of two inputs.

ADD, MUL, MAXIMUM and MINIMUM are CMSIS-NN's where the shapes are equal and TFLM's reference
where they broadcast; both do the same arithmetic, element by element.
"""

from __future__ import annotations

import numpy as np

from tflopt.arith.affine import Affine, Precision, activation_range, ratio
from tflopt.arith.fixed_point import (
    IntLike,
    Ints,
    Reals,
    clamp,
    ints,
    multiply,
    quantize_multiplier,
)
from tflopt.ir.types import Activation

SUM_SHIFT = 20
NONE = Activation.NONE


def add(
    a: IntLike, b: IntLike, one: Affine, two: Affine, out: Affine, fused: Activation = NONE
) -> Ints:
    """ADD; its multipliers come from the scales in double precision."""
    twice = 2 * np.maximum(one.double, two.double)
    last = twice / ((1 << SUM_SHIFT) * out.double)
    first, second = _scaled(a, one, one.double / twice), _scaled(b, two, two.double / twice)
    return _rescale_sum(first + second, last, out, fused)


def sub(
    a: IntLike,
    b: IntLike,
    one: Affine,
    two: Affine,
    out: Affine,
    fused: Activation = NONE,
    precision: Precision = Precision.SINGLE,
) -> Ints:
    """SUB; unlike ADD it divides scales as floats in some versions of TFLM."""
    twice = 2 * np.maximum(one.double, two.double)
    last = ratio(twice, (1 << SUM_SHIFT) * out.double, precision)
    first = _scaled(a, one, ratio(one.double, twice, precision))
    second = _scaled(b, two, ratio(two.double, twice, precision))
    return _rescale_sum(first - second, last, out, fused)


def sum_is_legal(one: Affine, two: Affine, out: Affine) -> bool:
    """Whether TFLM accepts these scales in ADD and SUB; it aborts on a multiplier of 1 or more."""
    twice = 2 * np.maximum(one.double, two.double)
    last = twice / ((1 << SUM_SHIFT) * out.double)
    return bool(np.all(last < 1 - 2.0**-30) & np.all(np.minimum(one.double, two.double) > 0))


def _scaled(q: IntLike, source: Affine, real: Reals) -> Ints:
    multiplier, shift = quantize_multiplier(real)
    return multiply(ints(q - source.zero_point) << SUM_SHIFT, multiplier, shift)


def _rescale_sum(total: Ints, real: Reals, out: Affine, fused: Activation) -> Ints:
    multiplier, shift = quantize_multiplier(real)
    low, high = activation_range(fused, out)
    return clamp(multiply(total, multiplier, shift) + out.zero_point, low, high)


def mul(
    a: IntLike, b: IntLike, one: Affine, two: Affine, out: Affine, fused: Activation = NONE
) -> Ints:
    """MUL."""
    multiplier, shift = quantize_multiplier(one.double * two.double / out.double)
    product = ints(a - one.zero_point) * ints(b - two.zero_point)
    low, high = activation_range(fused, out)
    return clamp(multiply(product, multiplier, shift) + out.zero_point, low, high)


def maximum(a: IntLike, b: IntLike) -> Ints:
    """MAXIMUM, which compares the stored numbers."""
    return np.maximum(ints(a), ints(b))


def minimum(a: IntLike, b: IntLike) -> Ints:
    """MINIMUM, which compares the stored numbers."""
    return np.minimum(ints(a), ints(b))
