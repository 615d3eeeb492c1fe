"""CMSIS-NN's argument structs, with the fields that a buffer size can depend on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dims:
    """``cmsis_nn_dims``: batches (or output channels of a filter), height, width, channels."""

    n: int
    h: int
    w: int
    c: int


@dataclass(frozen=True)
class ConvParams:
    """``cmsis_nn_conv_params``, and ``cmsis_nn_transpose_conv_params`` but for the dilation."""

    stride_h: int = 1
    stride_w: int = 1
    pad_h: int = 0
    pad_w: int = 0
    dilation_h: int = 1
    dilation_w: int = 1


@dataclass(frozen=True)
class DwConvParams(ConvParams):
    """``cmsis_nn_dw_conv_params``: a convolution's, and the channel multiplier."""

    ch_mult: int = 1


def c_remainder(dividend: int, divisor: int) -> int:
    """C's ``%``: it has the sign of the dividend, where Python's has the divisor's."""
    remainder = abs(dividend) % abs(divisor)
    return -remainder if dividend < 0 else remainder


def round_up(value: int, multiple: int) -> int:
    """The next multiple of ``multiple``, for non-negative values."""
    return -(-value // multiple) * multiple
