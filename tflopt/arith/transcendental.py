"""LOGISTIC and TANH in fixed point, as the integer kernels of TFLM compute them.

Numbers are raw 32-bit values with a stated count of integer bits: ``Q4`` has 4 integer and 27
fraction bits. Multiplying adds integer bits.
"""

from __future__ import annotations

from math import exp

import numpy as np

from tflopt.arith.fixed_point import (
    Ints,
    divide_by_power_of_two,
    high_multiply,
    multiply_by_power_of_two,
    wrap,
)

ONE_Q0 = (1 << 31) - 1
ONE_Q2 = 1 << 29
NEWTON_STEPS = 3
TAYLOR_POINT = round(exp(-1 / 8) * 2**31)
ONE_THIRD = round(2**31 / 3)
FIRST_GUESS = (round(48 / 17 * 2**29), round(-32 / 17 * 2**29))
"""The line 48/17 - 32/17 x in Q2, which approximates 1/x on [1/2, 1]."""


def logistic(x: Ints) -> Ints:
    """Q4 to Q0."""
    size = wrap(np.abs(x))
    positive = reciprocal_of_one_plus(exp_of_negative(-size, 4))
    result = np.where(x > 0, positive, ONE_Q0 - positive)
    return np.where(x == 0, 1 << 30, result)


def tanh(x: Ints) -> Ints:
    """Q4 to Q0; twice the argument has the same bits in Q5."""
    value = _one_minus_over_one_plus(exp_of_negative(-np.abs(x), 5))
    return np.where(x == 0, 0, np.where(x < 0, -value, value))


def exp_of_negative(x: Ints, integer_bits: int) -> Ints:
    """exp of an argument <= 0 with ``integer_bits`` to Q0: a Taylor part times powers of e."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    rest = (x & (quarter - 1)) - quarter
    result = _exp_near_eighth(multiply_by_power_of_two(rest, integer_bits))
    remainder = wrap(rest - x)
    for exponent in range(-2, integer_bits):
        factor = round(exp(-(2.0**exponent)) * 2**31)
        bit = remainder & (1 << (fraction_bits + exponent))
        result = np.where(bit != 0, high_multiply(result, factor), result)
    return np.where(x == 0, ONE_Q0, result)


def _exp_near_eighth(x: Ints) -> Ints:
    """exp on [-1/4, 0) in Q0, by four terms around -1/8."""
    y = x + (1 << 28)
    square = high_multiply(y, y)
    cube, fourth = high_multiply(square, y), high_multiply(square, square)
    tail = high_multiply(divide_by_power_of_two(fourth, 2) + cube, ONE_THIRD) + square
    return wrap(TAYLOR_POINT + high_multiply(TAYLOR_POINT, y + divide_by_power_of_two(tail, 1)))


def _reciprocal_of_half(x: Ints) -> Ints:
    """1 / ((1 + x) / 2) for x in [0, 1]: Q0 to Q2, by Newton's method."""
    half = (x + ONE_Q0 + 1) >> 1
    offset, slope = FIRST_GUESS
    guess = offset + high_multiply(half, slope)
    for _ in range(NEWTON_STEPS):
        error = ONE_Q2 - high_multiply(half, guess)
        guess = wrap(guess + multiply_by_power_of_two(high_multiply(guess, error), 2))
    return guess


def reciprocal_of_one_plus(x: Ints) -> Ints:
    """1 / (1 + x) for x in [0, 1], in Q0."""
    return multiply_by_power_of_two(_reciprocal_of_half(x), 1)


def _one_minus_over_one_plus(x: Ints) -> Ints:
    return multiply_by_power_of_two(_reciprocal_of_half(x) - ONE_Q2, 2)
