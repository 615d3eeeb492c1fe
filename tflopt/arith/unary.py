"""Integer operators of one input: quantized numbers in, quantized numbers out.

Every function takes the input's numbers and the parameters of both sides, and broadcasts. The
real multipliers are computed in the precision in which TFLM's Prepare computes them: single
where it divides scales as floats, double elsewhere.
"""

from __future__ import annotations

import numpy as np

from tflopt.arith.affine import Affine, Precision, product, quantized_limit, ratio
from tflopt.arith.fixed_point import (
    INT8_MAX,
    INT8_MIN,
    IntLike,
    Ints,
    clamp,
    divide_by_power_of_two,
    high_multiply,
    ints,
    multiply,
    quantize_multiplier,
    wrap,
)
from tflopt.arith.transcendental import logistic as logistic_q4
from tflopt.arith.transcendental import tanh as tanh_q4

INT16_BITS = 16
INT16_MIN, INT16_MAX = -(1 << 15), (1 << 15) - 1
HIRES_SHIFT = 7
RELUISH_SCALE = np.asarray(3.0 / 32768.0)
SIGMOID_INTEGER_BITS = 4
SIGMOID_FRACTION_BITS = 31 - SIGMOID_INTEGER_BITS
SINGLE = Precision.SINGLE


def requantize(
    q: IntLike, source: Affine, target: Affine, low: int = INT8_MIN, high: int = INT8_MAX
) -> Ints:
    """QUANTIZE between integer types; ``low`` and ``high`` are the limits of the output's type."""
    multiplier, shift = quantize_multiplier(source.double / target.double)
    scaled = multiply(q - source.zero_point, multiplier, shift)
    return clamp(scaled + target.zero_point, low, high)


def relu(q: IntLike, source: Affine, target: Affine, precision: Precision = SINGLE) -> Ints:
    """RELU, which requantizes as well."""
    multiplier, shift = quantize_multiplier(ratio(source.double, target.double, precision))
    scaled = multiply(q - source.zero_point, multiplier, shift) + target.zero_point
    return clamp(scaled, np.maximum(INT8_MIN, target.zero_point), INT8_MAX)


def relu6(q: IntLike, source: Affine) -> Ints:
    """RELU6, which clamps in the input's quantization and never looks at the output's."""
    upper = clamp(quantized_limit(6.0, source))
    return np.where(q > upper, upper, np.maximum(q, source.zero_point))


def leaky_relu(
    q: IntLike, source: Affine, target: Affine, alpha: float, precision: Precision = SINGLE
) -> Ints:
    """LEAKY_RELU; a negative slope is applied as the negated product with its size."""
    slope = product(source.double, np.asarray(np.float32(alpha), dtype=np.float64), precision)
    negative, negative_shift = quantize_multiplier(ratio(slope, target.double, precision))
    identity = ratio(source.double, target.double, precision)
    positive, positive_shift = quantize_multiplier(identity)
    x = ints(q - source.zero_point)
    above = multiply(x, positive, positive_shift)
    below = multiply(x, np.abs(negative), negative_shift) * np.where(negative < 0, -1, 1)
    return clamp(target.zero_point + np.where(x >= 0, above, below))


def prelu(q: IntLike, slope: IntLike, source: Affine, alpha: Affine, target: Affine) -> Ints:
    """PRELU with the quantized ``slope`` of each element."""
    positive, positive_shift = quantize_multiplier(source.double / target.double)
    scaled = source.double * alpha.double / target.double
    negative, negative_shift = quantize_multiplier(scaled)
    x = ints(q - source.zero_point)
    above = multiply(x, positive, positive_shift)
    below = multiply(x * (slope - alpha.zero_point), negative, negative_shift)
    return clamp(target.zero_point + np.where(x >= 0, above, below))


def absolute(q: IntLike, source: Affine, target: Affine, precision: Precision = SINGLE) -> Ints:
    """ABS, without a multiplication where the scales are equal."""
    size = np.abs(ints(q - source.zero_point))
    multiplier, shift = quantize_multiplier(ratio(source.double, target.double, precision))
    same = source.scale == target.scale
    scaled = np.where(same, size, multiply(size, multiplier, shift))
    return clamp(scaled + target.zero_point)


def logistic(q: IntLike, source: Affine) -> Ints:
    """LOGISTIC; the output's scale is 1/256 and its zero point -128."""
    inside, q4, radius = _sigmoid_argument(q, source)
    y = divide_by_power_of_two(logistic_q4(q4), 31 - 8) + INT8_MIN
    return np.where(np.abs(inside) >= radius, _extreme(inside), clamp(y))


def tanh(q: IntLike, source: Affine) -> Ints:
    """TANH; the output's scale is 1/128 and its zero point 0."""
    inside, q4, radius = _sigmoid_argument(q, source)
    y = divide_by_power_of_two(tanh_q4(q4), 31 - 7)
    return np.where(np.abs(inside) >= radius, _extreme(inside), clamp(y))


def _sigmoid_argument(q: IntLike, source: Affine) -> tuple[Ints, Ints, Ints]:
    """The input without its zero point, as Q4, and the radius from which the output saturates."""
    multiplier, shift = quantize_multiplier(source.double * 2.0**SIGMOID_FRACTION_BITS)
    radius = _radius(shift)
    x = ints(q - source.zero_point)
    held = np.clip(x, -radius, radius)
    return x, multiply(held, multiplier, shift), radius


def sigmoid_radius(source: Affine) -> int:
    """How far from the zero point LOGISTIC and TANH saturate, without any arithmetic."""
    _, shift = quantize_multiplier(source.double * 2.0**SIGMOID_FRACTION_BITS)
    return int(_radius(shift))


def _radius(shift: Ints) -> Ints:
    largest = ((1 << SIGMOID_INTEGER_BITS) - 1) * 2.0**SIGMOID_FRACTION_BITS
    return ints(np.floor(largest / 2.0 ** shift.astype(np.float64)))


def _extreme(x: Ints) -> Ints:
    return np.where(x < 0, INT8_MIN, INT8_MAX)


def hard_swish(q: IntLike, source: Affine, target: Affine, precision: Precision = SINGLE) -> Ints:
    """HARD_SWISH in 16-bit arithmetic, x * relu6(x + 3) / 6."""
    scale = np.asarray(source.double / (1 << HIRES_SHIFT))
    output, exponent = quantize_multiplier(ratio(scale, target.double, precision))
    gain = ratio(scale, RELUISH_SCALE, precision)
    reluish, reluish_exponent = quantize_multiplier(gain)
    hires = ints(q - source.zero_point) << HIRES_SHIFT
    scaled = high_multiply(hires, _downscale(output), INT16_BITS)
    gate = (_reluish(hires, _downscale(reluish), reluish_exponent) + (1 << 15)) >> 1
    product = gate * scaled
    y = divide_by_power_of_two(np.sign(product) * (np.abs(product) >> 15), -exponent)
    return clamp(wrap(y + target.zero_point, INT16_BITS))


def _reluish(x: Ints, multiplier: Ints, exponent: Ints) -> Ints:
    """``x * multiplier * 2^exponent`` in 16 bits, the last doubling after the multiplication."""
    early, late = np.maximum(exponent - 1, 0), (exponent > 0).astype(np.int64)
    y = high_multiply(_saturate(x << early), multiplier, INT16_BITS)
    return divide_by_power_of_two(_saturate(y << late), np.maximum(-exponent, 0))


def _saturate(x: Ints) -> Ints:
    return ints(np.clip(x, INT16_MIN, INT16_MAX))


def _downscale(multiplier: Ints) -> Ints:
    """A 31-bit multiplier rounded to 15 bits (``DownScaleInt32ToInt16Multiplier``)."""
    return np.asarray(np.minimum((multiplier + (1 << 15)) >> 16, INT16_MAX), dtype=np.int64)


def elu(q: IntLike, source: Affine, target: Affine) -> Ints:
    """ELU, a table from single precision numbers.

    The table holds ``expf`` of the device's C library: numbers that lie on a rounding boundary
    may differ between libraries, so no exactness of a rule rests on it.
    """
    x = np.asarray(source.scale * (q - source.zero_point).astype(np.float32))
    power = np.exp(np.minimum(x, 0).astype(np.float64)).astype(np.float32)
    below = np.asarray(power - np.float32(1))
    y = np.where(x < 0, below, x) * (np.float32(1) / target.scale)
    rounded = np.asarray(np.trunc(y) + np.where(np.abs(y - np.trunc(y)) >= 0.5, np.sign(y), 0))
    return clamp(ints(np.asarray(rounded + target.zero_point.astype(np.float32))))
