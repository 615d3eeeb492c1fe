"""LOGISTIC, TANH, EXP, ELU and GELU of floats, which rest on a C library, within bounds.

A result is known by two ends, between which it is with every C library whose ``expf``, ``expm1f``
and ``tanhf`` are off by no more than :data:`STEPS` units in the last place. Sums and quotients
after ``expf`` keep the order, so that the ends go through them as the number itself does.
"""

from __future__ import annotations

from enum import Enum
from math import erfc, pi, sqrt

import numpy as np

from tflopt.arith.fixed_point import Reals, Singles

STEPS = 4
"""Floats on either side of the nearest one that count as possible."""
ONE_FROM = np.float32(16.619047164916992188)
EXPONENTIAL_BELOW = np.float32(-9.0)
"""TFLM's ``logistic.h`` returns 1 above the one, and ``exp(x)`` below the other."""
GATE_ERROR = 2.0**-22
"""What GELU's factor between 0 and 1 may be off by: half of :data:`STEPS` and one rounding of a
number below 2, and what the rounded argument of ``erff`` or ``tanhf`` moves it by. Releases of
LiteRT write the factor with ``erf`` or ``erfc``."""
CUBIC = 0.044715
"""Of the approximation of GELU by ``tanh``."""


class End(Enum):
    """An end of the range of what a C library may give."""

    LOW = -np.inf
    HIGH = np.inf

    @property
    def other(self) -> End:
        """The opposite one."""
        return End.LOW if self is End.HIGH else End.HIGH


def logistic(x: Singles, end: End) -> Singles:
    """LOGISTIC as TFLM computes it: 1 / (1 + exp(-x))."""
    one = np.float32(1)
    inside = np.asarray(one / (one + exp(-x, end.other)))
    result = np.where(x < EXPONENTIAL_BELOW, exp(x, end), inside)
    return np.where(x > ONE_FROM, one, result)


def exp(x: Singles, end: End) -> Singles:
    """``expf``; exactly 1 at 0, and never negative."""
    with np.errstate(over="ignore"):
        moved = _move(np.exp(x.astype(np.float64)), end)
    return np.asarray(np.where(x == 0, np.float32(1), np.maximum(moved, np.float32(0))))


def tanh(x: Singles, end: End) -> Singles:
    """``tanhf``; exactly 0 at 0."""
    return np.where(x == 0, np.float32(0), _move(np.tanh(x.astype(np.float64)), end))


def elu(x: Singles, end: End) -> Singles:
    """ELU: ``expm1f`` of what is negative."""
    below = np.minimum(x, np.float32(0)).astype(np.float64)
    return np.where(x < 0, np.maximum(_move(np.expm1(below), end), np.float32(-1)), x)


def gelu(x: Singles, end: End, *, approximate: bool) -> Reals:
    """GELU: x * (1 + erf(x / sqrt(2))) / 2, or its approximation by ``tanh``; exactly 0 at 0."""
    real = x.astype(np.float64)
    if approximate:
        gate = (1 + np.tanh(sqrt(2 / pi) * (real + CUBIC * real**3))) / 2
    else:
        gate = np.array([erfc(-number / sqrt(2)) / 2 for number in real.ravel()])
    room = np.abs(real) * GATE_ERROR * (-1 if end is End.LOW else 1)
    return np.asarray(real * gate.reshape(real.shape) + room)


def _move(real: Reals, end: End) -> Singles:
    """The nearest float, and :data:`STEPS` further."""
    result = np.asarray(real.astype(np.float32))
    for _ in range(STEPS):
        result = np.asarray(np.nextafter(result, np.float32(end.value)))
    return result
