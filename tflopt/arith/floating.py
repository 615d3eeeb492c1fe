"""Float operators between DEQUANTIZE and QUANTIZE, in single precision as TFLM computes them.

Only operators whose results IEEE 754 fixes: sums, products, quotients, comparisons and
roundings. What a C library computes (EXP, TANH, LOGISTIC) differs between devices, see
:mod:`tflopt.arith.c_library`.
"""

from __future__ import annotations

import numpy as np

from tflopt.arith.affine import Affine, round_half_away
from tflopt.arith.fixed_point import INT8_MAX, INT8_MIN, IntLike, Ints, Singles, clamp, ints
from tflopt.ir.types import Activation

FLOAT_LIMITS: dict[Activation, tuple[float | None, float | None]] = {
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU6: (0.0, 6.0),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
}


def dequantize(q: IntLike, source: Affine) -> Singles:
    """DEQUANTIZE: the product in double precision, rounded once to single, infinite beyond it."""
    real = source.double * (q - source.zero_point).astype(np.float64)
    with np.errstate(over="ignore"):
        return np.asarray(real.astype(np.float32))


def quantize(x: Singles, target: Affine, low: int = INT8_MIN, high: int = INT8_MAX) -> Ints:
    """QUANTIZE of floats: a division in single precision, halves away from zero.

    Quotients beyond 32 bits are undefined in C; see :func:`is_quantizable`.
    """
    return clamp(ints(round_half_away(np.asarray(x / target.scale))) + target.zero_point, low, high)


def is_quantizable(x: Singles, target: Affine) -> bool:
    """Whether every quotient is finite and fits into 31 bits."""
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(x / target.scale) < 2.0**30))


def activate(x: Singles, fused: Activation = Activation.NONE) -> Singles:
    """A fused activation.

    Raises:
        KeyError: TFLM's kernels don't fuse it.
    """
    low, high = FLOAT_LIMITS[fused]
    if low is not None:
        x = np.where(x < low, np.float32(low), x)
    return x if high is None else np.where(x > high, np.float32(high), x)


def relu(x: Singles) -> Singles:
    """RELU."""
    return activate(x, Activation.RELU)


def relu6(x: Singles) -> Singles:
    """RELU6."""
    return activate(x, Activation.RELU6)


def leaky_relu(x: Singles, alpha: float) -> Singles:
    """LEAKY_RELU."""
    return np.where(x > 0, x, x * np.float32(alpha))


def hard_swish(x: Singles) -> Singles:
    """HARD_SWISH: x * min(6, max(0, x + 3)) / 6, in this order."""
    gate = np.clip(x + np.float32(3), np.float32(0), np.float32(6))
    return np.asarray(x * gate / np.float32(6))


def add(a: Singles, b: Singles, fused: Activation = Activation.NONE) -> Singles:
    """ADD."""
    return activate(np.asarray(a + b), fused)


def sub(a: Singles, b: Singles, fused: Activation = Activation.NONE) -> Singles:
    """SUB."""
    return activate(np.asarray(a - b), fused)


def mul(a: Singles, b: Singles, fused: Activation = Activation.NONE) -> Singles:
    """MUL."""
    return activate(np.asarray(a * b), fused)


def mean(values: Singles) -> Singles:
    """MEAN over the last axis: summed up in order, then one division by the count."""
    total = np.zeros(values.shape[:-1], dtype=np.float32)
    for index in range(values.shape[-1]):
        total = np.asarray(total + values[..., index])
    return np.asarray(total / np.float32(values.shape[-1]))
