"""Fixed-point multiplication as TFLM and CMSIS-NN do it, on int64 arrays that broadcast.

Both round twice by default: a doubling high multiplication that rounds halves up, then a right
shift that rounds halves away from zero (``MultiplyByQuantizedMultiplier``, ``arm_nn_requantize``).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Reals: TypeAlias = npt.NDArray[np.float64]
Singles: TypeAlias = npt.NDArray[np.float32]
IntLike: TypeAlias = "Ints | int"

INT8_MIN, INT8_MAX = -128, 127
INT32_BITS = 32
FRACTION_BITS = 31
SMALLEST_SHIFT = -31
NO_MULTIPLIER = -(1 << 63)
"""Of scales whose quotient overflows: below every multiplier that there is."""


def ints(values: npt.ArrayLike) -> Ints:
    """Any integers as an int64 array."""
    return np.asarray(values, dtype=np.int64)


def quantize_multiplier(real: npt.ArrayLike) -> tuple[Ints, Ints]:
    """``real`` as a Q31 multiplier in [2^30, 2^31) and a shift: ``real = m * 2^(shift - 31)``.

    Reals below 2^-32 become (0, 0). TFLM's ``QuantizeMultiplier``; a negative real gives a
    negative multiplier, as LEAKY_RELU uses it. Infinite ones and NaN, of which the kernel makes
    anything, become (``NO_MULTIPLIER``, 0).
    """
    given = np.asarray(real, dtype=np.float64)
    finite = np.isfinite(given)
    fraction, shift = np.frexp(np.where(finite, given, 0.0))
    multiplier = ints(np.trunc(fraction * 2.0**FRACTION_BITS + np.copysign(0.5, fraction)))
    full = multiplier == 1 << FRACTION_BITS
    multiplier = np.where(full, multiplier >> 1, multiplier)
    shift = ints(shift) + full
    tiny = shift < SMALLEST_SHIFT
    multiplier = np.where(finite, np.where(tiny, 0, multiplier), NO_MULTIPLIER)
    return multiplier, np.where(tiny, 0, shift)


def multiply(x: IntLike, multiplier: IntLike, shift: IntLike) -> Ints:
    """``x * multiplier * 2^(shift - 31)`` with two roundings, modulo 2^32 before the first.

    Right for every int32 ``x`` while ``x * 2^shift`` fits into 32 bits; see :func:`overflows`.
    """
    left, right = np.maximum(shift, 0), np.maximum(-ints(shift), 0)
    return divide_by_power_of_two(high_multiply(wrap(ints(x) << left), multiplier), right)


def overflows(x: IntLike, shift: IntLike) -> bool:
    """Whether ``x * 2^shift`` leaves 32 bits somewhere, which C leaves undefined."""
    shifted = ints(x) << np.maximum(shift, 0)
    return bool(np.any(wrap(shifted) != shifted))


def high_multiply(x: IntLike, y: IntLike, bits: int = INT32_BITS) -> Ints:
    """The high half of ``2 * x * y``, halves rounded up, saturated where both are the lowest."""
    product = ints(x) * ints(y)
    half = 1 << (bits - 2)
    return ints(np.minimum((product + half) >> (bits - 1), (1 << (bits - 1)) - 1))


def divide_by_power_of_two(x: IntLike, exponent: IntLike) -> Ints:
    """``x / 2^exponent``, halves rounded away from zero."""
    x, exponent = ints(x), ints(exponent)
    mask = (np.int64(1) << exponent) - 1
    return ints((x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0)))


def multiply_by_power_of_two(x: IntLike, exponent: int) -> Ints:
    """``x * 2^exponent``, saturated to 32 bits."""
    low, high = -(1 << (INT32_BITS - 1)), (1 << (INT32_BITS - 1)) - 1
    return ints(np.clip(ints(x) << exponent, low, high))


def wrap(x: IntLike, bits: int = INT32_BITS) -> Ints:
    """``x`` modulo 2^bits as a signed number."""
    half = 1 << (bits - 1)
    return ((ints(x) + half) & ((1 << bits) - 1)) - half


def clamp(x: IntLike, low: IntLike = INT8_MIN, high: IntLike = INT8_MAX) -> Ints:
    """``x`` within [low, high]; ``low`` is applied first, so ``high`` wins where they cross."""
    return np.minimum(np.maximum(ints(x), low), high)


def multiply_once(x: IntLike, multiplier: IntLike, shift: IntLike) -> Ints:
    """As :func:`multiply` with one rounding, halves up, as builds with ``SINGLE_ROUNDING`` do it.

    LiteRT's FULLY_CONNECTED and MUL round so too. Right while :func:`overflows` says no.
    """
    total = FRACTION_BITS - ints(shift)
    product = ints(x) * ints(multiplier)
    return ints((product + (np.int64(1) << (total - 1))) >> total)


WIDE_BITS = 48
"""Of an accumulator of int64 that kernels of int16 take."""


def multiply_wide(x: IntLike, multiplier: IntLike, shift: IntLike) -> Ints:
    """``MultiplyByQuantizedMultiplier`` of an int64, with a multiplier of 16 bits; halves up.

    CMSIS-NN's ``arm_nn_requantize_s64`` gives the same. Right while :func:`overflows_wide` says no.
    """
    total = 15 - ints(shift)
    product = ints(x) * _reduced(multiplier)
    return ints((product + (np.int64(1) << (total - 1))) >> total)


def overflows_wide(x: IntLike, multiplier: IntLike, shift: IntLike) -> bool:
    """Whether an accumulator or its product leaves what :func:`multiply_wide` takes."""
    if np.any(ints(shift) < -31) or np.any(ints(shift) > 7):
        return True
    if np.any(np.abs(ints(x)) >= np.int64(1) << (WIDE_BITS - 1)):
        return True
    return bool(np.any(np.abs(multiply_wide(x, multiplier, shift)) >= 1 << 30))


def _reduced(multiplier: IntLike) -> Ints:
    """The multiplier's upper 16 bits, rounded."""
    return np.asarray(np.minimum((ints(multiplier) + (1 << 15)) >> 16, (1 << 15) - 1))
