"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: accumulators and how they are requantized."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tflopt.arith.affine import Affine, Precision, activation_range, product
from tflopt.arith.fixed_point import IntLike, Ints, clamp, ints, multiply, quantize_multiplier
from tflopt.ir.types import Activation

Pairs = tuple[int, int]


def convolution_multiplier(
    source: Affine, weight_scale: npt.ArrayLike, target: Affine
) -> tuple[Ints, Ints]:
    """Multipliers and shifts of CONV_2D, DEPTHWISE_CONV_2D and per-channel FULLY_CONNECTED.

    The product of the scales is taken in double precision.
    """
    scales = np.asarray(weight_scale, dtype=np.float32).astype(np.float64)
    return quantize_multiplier(source.double * scales / target.double)


def dense_multiplier(
    source: Affine,
    weight_scale: npt.ArrayLike,
    target: Affine,
    precision: Precision = Precision.SINGLE,
) -> tuple[Ints, Ints]:
    """Multiplier and shift of FULLY_CONNECTED with one weight scale, and of BATCH_MATMUL.

    In double precision it is a convolution's: see :func:`is_one_multiplier`.
    """
    scales = np.asarray(weight_scale, dtype=np.float32).astype(np.float64)
    return quantize_multiplier(product(source.double, scales, precision) / target.double)


def is_one_multiplier(source: Affine, weight_scale: npt.ArrayLike, target: Affine) -> bool:
    """Whether FULLY_CONNECTED and a convolution with these scales requantize alike everywhere."""
    single = dense_multiplier(source, weight_scale, target)
    double = convolution_multiplier(source, weight_scale, target)
    return all(np.array_equal(one, two) for one, two in zip(single, double, strict=True))


def requantize_accumulator(
    total: IntLike,
    multiplier: IntLike,
    shift: IntLike,
    target: Affine,
    fused: Activation = Activation.NONE,
) -> Ints:
    """The output of an int32 accumulator, which holds the bias already."""
    low, high = activation_range(fused, target)
    return clamp(multiply(total, multiplier, shift) + target.zero_point, low, high)


def convolve(
    x: IntLike, weights: IntLike, stride: Pairs = (1, 1), dilation: Pairs = (1, 1)
) -> Ints:
    """Accumulators of a VALID convolution without bias.

    Args:
        x: N,H,W,C without its zero point, padded with 0 where the operator pads.
        weights: O,KH,KW,C/groups; the groups follow from the channels.
    """
    x, weights = ints(x), ints(weights)
    channels, high, wide, depth = weights.shape
    groups = x.shape[3] // depth
    rows = (x.shape[1] - (high - 1) * dilation[0] - 1) // stride[0] + 1
    columns = (x.shape[2] - (wide - 1) * dilation[1] - 1) // stride[1] + 1
    total = np.zeros((x.shape[0], rows, columns, channels), dtype=np.int64)
    split = weights.reshape(groups, channels // groups, high, wide, depth)
    for row, column in np.ndindex(high, wide):
        top, left = row * dilation[0], column * dilation[1]
        window = x[:, top :: stride[0], left :: stride[1]][:, :rows, :columns]
        parts = window.reshape(*window.shape[:3], groups, depth)
        total += np.einsum("nhwgc,goc->nhwgo", parts, split[:, :, row, column]).reshape(total.shape)
    return total


def depthwise(
    x: IntLike, weights: IntLike, stride: Pairs = (1, 1), dilation: Pairs = (1, 1)
) -> Ints:
    """Accumulators of a VALID depthwise convolution without bias; ``weights`` are 1,KH,KW,O."""
    weights = ints(weights)
    return convolve(x, weights.transpose(3, 1, 2, 0), stride, dilation)


def dense(x: IntLike, weights: IntLike) -> Ints:
    """Accumulators of FULLY_CONNECTED: ``x`` without its zero point, ``weights`` O,C."""
    return np.asarray(ints(x) @ ints(weights).T)
