"""MEAN, SUM and pooling as functions of the sum of the elements that meet.

A sum over N int8 elements takes at most 255 N + 1 values, so that two forms of a reduction can be
compared on all of them.
"""

from __future__ import annotations

import numpy as np

from tflopt.arith.affine import Affine, activation_range
from tflopt.arith.fixed_point import (
    INT8_MAX,
    INT8_MIN,
    SMALLEST_SHIFT,
    IntLike,
    Ints,
    clamp,
    ints,
    multiply,
    quantize_multiplier,
)
from tflopt.ir.types import Activation


def every_sum(count: int) -> Ints:
    """Every sum that ``count`` int8 elements can have."""
    return np.arange(INT8_MIN * count, INT8_MAX * count + 1, dtype=np.int64)


def mean_multiplier(count: IntLike, source: Affine, target: Affine) -> tuple[Ints, Ints]:
    """Multiplier and shift of MEAN over ``count`` elements; the division truncates."""
    multiplier, shift = quantize_multiplier(source.double / target.double)
    count = ints(count)
    # frexp's exponent is exact where log2 of a count may round up.
    extra = ints(np.frexp(count.astype(np.float64))[1]) - 1
    extra = np.minimum(np.minimum(extra, 32), shift - SMALLEST_SHIFT)
    return (multiplier << extra) // count, shift - extra


def mean(total: IntLike, count: IntLike, source: Affine, target: Affine) -> Ints:
    """MEAN of ``count`` elements whose stored numbers sum up to ``total``."""
    multiplier, shift = mean_multiplier(count, source, target)
    scaled = multiply(total - source.zero_point * count, multiplier, shift)
    return clamp(scaled + target.zero_point)


def sum_of(total: IntLike, count: IntLike, source: Affine, target: Affine) -> Ints:
    """SUM of ``count`` elements whose stored numbers sum up to ``total``."""
    multiplier, shift = quantize_multiplier(source.double / target.double)
    scaled = multiply(total - source.zero_point * count, multiplier, shift)
    return clamp(scaled + target.zero_point)


def average_pool(
    total: IntLike, count: IntLike, out: Affine, fused: Activation = Activation.NONE
) -> Ints:
    """AVERAGE_POOL_2D: the mean of the stored numbers, halves away from zero, then clamped."""
    total, count = ints(total), ints(count)
    size = (np.abs(total) + count // 2) // count
    low, high = activation_range(fused, out)
    return clamp(np.where(total > 0, size, -size), low, high)


def max_pool(largest: IntLike, out: Affine, fused: Activation = Activation.NONE) -> Ints:
    """MAX_POOL_2D of a window whose largest stored number is ``largest``."""
    low, high = activation_range(fused, out)
    return clamp(largest, low, high)
