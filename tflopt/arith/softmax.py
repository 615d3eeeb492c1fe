"""SOFTMAX of int8 to scale 1/256 and zero point -128, as TFLM computes it."""

from __future__ import annotations

import numpy as np

from tflopt.arith.affine import Affine
from tflopt.arith.fixed_point import (
    FRACTION_BITS,
    INT8_MIN,
    Ints,
    clamp,
    divide_by_power_of_two,
    high_multiply,
    ints,
    quantize_multiplier,
)
from tflopt.arith.transcendental import exp_of_negative, reciprocal_of_one_plus

OUTPUT = (1 / 256, -128)
"""Scale and zero point of the output; TFLM takes no other."""
STEPS = 256
DIFFERENCE_BITS = 5
"""Integer bits of a scaled difference, so that exponentials below e^-32 are left out."""
SUM_BITS = 12
"""Integer bits of the sum, which are taken from the fraction of every exponential."""
LONGEST_ROW = 511
"""From a sum of 512 on the last shift leaves 32 bits; TFLM ends the process."""


def is_legal(source: Affine, beta: float) -> bool:
    """Whether scaled differences are multiplied by more than 1, as TFLM demands."""
    factor = beta * source.double * 2.0 ** (FRACTION_BITS - DIFFERENCE_BITS)
    return bool(np.all(factor > 1.0))


def exponentials(source: Affine, beta: float) -> Ints:
    """``exp(-beta * scale * d)`` in Q0 for d = 0..255; 0 where TFLM leaves the element out.

    The last axis is d; scales of shape (n, 1) give (n, 256).
    """
    largest = 2.0**FRACTION_BITS - 1
    factor = np.minimum(beta * source.double * 2.0 ** (FRACTION_BITS - DIFFERENCE_BITS), largest)
    multiplier, shift = quantize_multiplier(factor)
    span = ((1 << DIFFERENCE_BITS) - 1) * 2.0 ** (FRACTION_BITS - DIFFERENCE_BITS)
    radius = np.floor(span / 2.0**shift)
    difference = np.arange(STEPS, dtype=np.int64)
    kept = np.where(difference <= radius, difference, 0)
    scaled = high_multiply(-(kept << shift), multiplier)
    return np.where(difference <= radius, exp_of_negative(scaled, DIFFERENCE_BITS), 0)


def softmax(rows: Ints, source: Affine, beta: float) -> Ints:
    """SOFTMAX over the last axis of up to 511 elements; scales broadcast over the other axes."""
    table = exponentials(source, beta)
    difference = rows.max(axis=-1, keepdims=True) - rows
    leading = np.broadcast_shapes(table.shape[:-1], rows.shape[:-1])
    wide = np.broadcast_to(difference, (*leading, rows.shape[-1]))
    terms = np.take_along_axis(np.broadcast_to(table, (*leading, STEPS)), wide, axis=-1)
    return shares(terms, divide_by_power_of_two(terms, SUM_BITS).sum(axis=-1, keepdims=True))


def shares(terms: Ints, total: Ints) -> Ints:
    """The outputs of elements with these exponentials, in rows whose exponentials, each divided by
    2^:data:`SUM_BITS`, sum up to ``total``.
    """
    headroom = FRACTION_BITS + 1 - ints(np.frexp(total.astype(np.float64))[1])
    reciprocal = reciprocal_of_one_plus((total << headroom) - (1 << FRACTION_BITS))
    shift = SUM_BITS - headroom + FRACTION_BITS - 8
    result = divide_by_power_of_two(high_multiply(reciprocal, terms), shift) + INT8_MIN
    return np.where(terms == 0, INT8_MIN, clamp(result))
