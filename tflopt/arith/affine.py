"""Quantization parameters as kernels see them, and the ranges of fused activations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from tflopt.arith.fixed_point import FRACTION_BITS, INT8_MAX, INT8_MIN, Ints, Reals, Singles, ints
from tflopt.ir.node import Value
from tflopt.ir.types import Activation

LIMITS: dict[Activation, tuple[float | None, float | None]] = {
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU6: (0.0, 6.0),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
}
"""The activations that TFLM's integer kernels can fuse, with their real limits."""


class Precision(Enum):
    """In which precision Prepare divides and multiplies the scales of some operators.

    TFLM's sources (90b983c) do it with floats, later builds of the tflite-micro package with
    doubles. The multipliers can differ in their last bits, so what is exact must hold for both.
    Where no function of this package takes a precision, all versions use doubles.
    """

    SINGLE = "single"
    DOUBLE = "double"


@dataclass(frozen=True, eq=False)
class Affine:
    """``real = scale * (q - zero_point)``; arrays of scales and zero points broadcast."""

    scale: Singles
    zero_point: Ints

    @staticmethod
    def make(scale: npt.ArrayLike, zero_point: npt.ArrayLike) -> Affine:
        """From plain numbers or arrays."""
        return Affine(np.asarray(scale, dtype=np.float32), ints(zero_point))

    @property
    def double(self) -> Reals:
        """The scale as the double precision number that it is."""
        return self.scale.astype(np.float64)


def ratio(one: Reals, two: Reals, precision: Precision) -> Reals:
    """``one / two`` of scales."""
    if precision is Precision.DOUBLE:
        return np.asarray(one / two)
    return np.asarray(one.astype(np.float32) / two.astype(np.float32)).astype(np.float64)


def product(one: Reals, two: Reals, precision: Precision) -> Reals:
    """``one * two`` of scales."""
    if precision is Precision.DOUBLE:
        return np.asarray(one * two)
    return np.asarray(one.astype(np.float32) * two.astype(np.float32)).astype(np.float64)


def affine_of(value: Value | None) -> Affine | None:
    """The parameters of a tensor that is quantized per tensor, else None.

    None also for a zero point that isn't an int32, to which kernels cut it.
    """
    quant = None if value is None else value.quant
    if quant is None or not quant.is_set or quant.count != 1:
        return None
    scale, zero_point = quant.scalar()
    return Affine.make(scale, zero_point) if abs(zero_point) < 1 << FRACTION_BITS else None


def round_half_away(x: Singles) -> Singles:
    """``roundf``: halves away from zero, in single precision."""
    rounded = np.trunc(x)
    return np.asarray(rounded + np.where(np.abs(x - rounded) >= 0.5, np.copysign(1, x), 0), x.dtype)


def quantized_limit(real: float, target: Affine) -> Ints:
    """The quantized value of an activation's limit, before it is clamped to the type."""
    return ints(round_half_away(np.asarray(np.float32(real) / target.scale))) + target.zero_point


def activation_range(
    activation: Activation, target: Affine, low: int = INT8_MIN, high: int = INT8_MAX
) -> tuple[Ints, Ints]:
    """The range that a fused activation clamps to (``CalculateActivationRangeQuantized``).

    Raises:
        KeyError: TFLM's kernels don't fuse it.
    """
    lower, upper = LIMITS[activation]
    bottom = ints(low) if lower is None else np.maximum(low, quantized_limit(lower, target))
    top = ints(high) if upper is None else np.minimum(high, quantized_limit(upper, target))
    return bottom, top
