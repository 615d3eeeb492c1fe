"""LOGISTIC and TANH of floats, which rest on the device's C library, within bounds.

A result is known by two ends, between which it is with every C library whose ``expf`` and
``tanhf`` are off by no more than :data:`STEPS` units in the last place. Sums and quotients after
``expf`` keep the order, so that the ends go through them as the number itself does.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from tflopt.arith.fixed_point import Reals, Singles

STEPS = 4
"""Floats on either side of the nearest one that count as possible."""
ONE_FROM = np.float32(16.619047164916992188)
EXPONENTIAL_BELOW = np.float32(-9.0)
"""TFLM's ``logistic.h`` returns 1 above the one, and ``exp(x)`` below the other."""


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


def _move(real: Reals, end: End) -> Singles:
    """The nearest float, and :data:`STEPS` further."""
    result = np.asarray(real.astype(np.float32))
    for _ in range(STEPS):
        result = np.asarray(np.nextafter(result, np.float32(end.value)))
    return result
