"""Buffer sizes of ``arm_transpose_conv_s8``: one function for each of CMSIS-NN's.

Source: Source/ConvolutionFunctions/arm_transpose_conv_get_buffer_sizes_s8.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn.sizes_convolve import convolve_s8_get_buffer_size
from tflopt.target.cmsis_nn.structs import ConvParams, Dims
from tflopt.target.cortex_m import Isa

REVERSE_CHANNEL_THRESHOLD = 16
_INT32 = 4


def runs_reversed(conv: ConvParams, input_: Dims) -> bool:
    """Whether CMSIS-NN runs a convolution over the upscaled input with the filter reversed."""
    return conv.stride_w <= 2 and conv.stride_h <= 2 and input_.c > REVERSE_CHANNEL_THRESHOLD


def transpose_conv_s8_get_buffer_size(
    conv: ConvParams, input_: Dims, filter_: Dims, output: Dims, isa: Isa
) -> int:
    """``arm_transpose_conv_s8_get_buffer_size``: im2col if reversed, else int32 output rows.

    The row's width takes the larger of the filter's width and the stride's *height*, as in C.
    """
    if runs_reversed(conv, input_):
        upscaled = Dims(input_.n, input_.h * conv.stride_h, input_.w * conv.stride_w, input_.c)
        return convolve_s8_get_buffer_size(upscaled, filter_, isa)
    row = ((input_.w - 1) * conv.stride_w + max(filter_.w, conv.stride_h)) * output.c
    return row * max(filter_.h, conv.stride_h) * _INT32


def transpose_conv_s8_get_reverse_conv_buffer_size(
    conv: ConvParams, input_: Dims, filter_: Dims
) -> int:
    """``arm_transpose_conv_s8_get_reverse_conv_buffer_size``: the reversed filter, or nothing."""
    if not runs_reversed(conv, input_):
        return 0
    return input_.c * filter_.w * filter_.h * filter_.n
