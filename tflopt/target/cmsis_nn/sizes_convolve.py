"""Buffer sizes of ``arm_convolve_*``: one function for each of CMSIS-NN's, the ISA as an argument.

Without ``armclang`` they mirror a GCC build.
Exact while the result fits ``int32_t``; beyond that the C code overflows and these do not.
Source: Source/ConvolutionFunctions/arm_convolve_get_buffer_sizes_{s8,s4,s16}.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn.structs import ConvParams, Dims, c_remainder, round_up
from tflopt.target.cmsis_nn.versions import NEWEST, Version
from tflopt.target.cortex_m import Isa

_INT16 = 2


def looks_1x1(conv: ConvParams, filter_: Dims) -> bool:
    """No padding, no dilation and one tap, whatever the number of groups."""
    return (
        (conv.pad_w, conv.pad_h) == (0, 0)
        and (filter_.w, filter_.h) == (1, 1)
        and (conv.dilation_w, conv.dilation_h) == (1, 1)
    )


def is_convolve_1x1(conv: ConvParams, input_: Dims, filter_: Dims) -> bool:
    """``arm_nn_is_convolve_1x1``: no padding, no dilation, one tap, one group."""
    return looks_1x1(conv, filter_) and input_.c == filter_.c


def is_convolve_1_x_n(conv: ConvParams, input_: Dims, filter_: Dims) -> bool:
    """``arm_nn_is_convolve_1_x_n``: one group, one row, in steps of a multiple of 4 bytes."""
    return _looks_1_x_n(conv, input_, filter_) and input_.c == filter_.c


def convolve_1_x_n_falls_back(conv: ConvParams, input_: Dims, filter_: Dims, output: Dims) -> bool:
    """Whether ``arm_convolve_1_x_n_*`` on MVE hands the layer to the general function.

    It does where its split of the output row into left-padded, unpadded and right-padded columns
    does not add up to the output's width.
    """
    left, middle, right = _columns(conv, input_, filter_, output)
    return left + middle + right != output.w


def convolve_s8_get_buffer_size(input_: Dims, filter_: Dims, isa: Isa) -> int:
    """``arm_convolve_s8_get_buffer_size``: im2col of four columns (MVE) or two as int16."""
    column = input_.c * filter_.w * filter_.h
    if isa is Isa.MVE:
        return 4 * round_up(column, 16)
    return 2 * round_up(column, 4) * _INT16


def convolve_1_x_n_s8_get_buffer_size(
    conv: ConvParams, input_: Dims, filter_: Dims, output: Dims, isa: Isa
) -> int:
    """``arm_convolve_1_x_n_s8_get_buffer_size``: the padded columns at either end of the row."""
    if isa is not Isa.MVE or convolve_1_x_n_falls_back(conv, input_, filter_, output):
        return convolve_s8_get_buffer_size(input_, filter_, isa)
    _, _, right = _columns(conv, input_, filter_, output)
    pad_left = conv.pad_w * input_.c
    pad_right = right * input_.c if _asymmetry(conv, input_, filter_, output) else pad_left
    taps = filter_.w * input_.c
    return max(taps + pad_left, taps - input_.c + pad_right)


def convolve_1x1_s8_fast_get_buffer_size(input_: Dims, isa: Isa, *, armclang: bool = False) -> int:
    """``arm_convolve_1x1_s8_fast_get_buffer_size``: two int16 columns with armclang on DSP."""
    return 2 * input_.c * _INT16 if armclang and isa is Isa.DSP else 0


def convolve_wrapper_s8_get_buffer_size(
    conv: ConvParams,
    input_: Dims,
    filter_: Dims,
    output: Dims,
    isa: Isa,
    version: Version = NEWEST,
    *,
    armclang: bool = False,
) -> int:
    """``arm_convolve_wrapper_s8_get_buffer_size``, which TFLM asks for int8 and int4 weights."""
    one_group = input_.c == filter_.c or not version.sizes_check_channels
    if one_group and looks_1x1(conv, filter_):
        return convolve_1x1_s8_fast_get_buffer_size(input_, isa, armclang=armclang)
    if one_group and _looks_1_x_n(conv, input_, filter_):
        return convolve_1_x_n_s8_get_buffer_size(conv, input_, filter_, output, isa)
    return convolve_s8_get_buffer_size(input_, filter_, isa)


def convolve_s4_get_buffer_size(input_: Dims, filter_: Dims) -> int:
    """``arm_convolve_s4_get_buffer_size``: two int16 columns, on every ISA."""
    return 2 * filter_.w * filter_.h * input_.c * _INT16


def convolve_1_x_n_s4_get_buffer_size(
    conv: ConvParams, input_: Dims, filter_: Dims, output: Dims, isa: Isa
) -> int:
    """``arm_convolve_1_x_n_s4_get_buffer_size``: none on MVE unless it falls back."""
    if isa is not Isa.MVE:
        return convolve_s4_get_buffer_size(input_, filter_)
    if convolve_1_x_n_falls_back(conv, input_, filter_, output):
        return convolve_s8_get_buffer_size(input_, filter_, Isa.MVE)
    return 0


def convolve_1x1_s4_fast_get_buffer_size(input_: Dims) -> int:
    """``arm_convolve_1x1_s4_fast_get_buffer_size``: none."""
    del input_
    return 0


def convolve_wrapper_s4_get_buffer_size(
    conv: ConvParams,
    input_: Dims,
    filter_: Dims,
    output: Dims,
    isa: Isa,
    version: Version = NEWEST,
) -> int:
    """``arm_convolve_wrapper_s4_get_buffer_size``, as a build for ``isa`` answers it.

    TFLM never asks it: its convolution asks the s8 function for int4 weights too. In 7.0.0 an
    MVE build answers with the s8 function's size, a defect that c01c0a14 mended.
    """
    if isa is Isa.MVE and not version.sizes_check_channels:
        return convolve_wrapper_s8_get_buffer_size(conv, input_, filter_, output, isa, version)
    one_group = input_.c == filter_.c or not version.sizes_check_channels
    if one_group and looks_1x1(conv, filter_):
        return convolve_1x1_s4_fast_get_buffer_size(input_)
    if isa is not Isa.MVE:
        return convolve_s4_get_buffer_size(input_, filter_)
    if one_group and _looks_1_x_n(conv, input_, filter_):
        return convolve_1_x_n_s4_get_buffer_size(conv, input_, filter_, output, isa)
    return convolve_s8_get_buffer_size(input_, filter_, Isa.MVE)


def convolve_s16_get_buffer_size(input_: Dims, filter_: Dims, isa: Isa) -> int:
    """``arm_convolve_s16_get_buffer_size``: im2col of four columns (MVE) or two, of int16."""
    column = input_.c * filter_.w * filter_.h
    if isa is Isa.MVE:
        return 4 * round_up(column, 8) * _INT16
    return 2 * column * _INT16


def convolve_wrapper_s16_get_buffer_size(
    conv: ConvParams, input_: Dims, filter_: Dims, output: Dims, isa: Isa
) -> int:
    """``arm_convolve_wrapper_s16_get_buffer_size``: the general function's, always."""
    del conv, output
    return convolve_s16_get_buffer_size(input_, filter_, isa)


def _looks_1_x_n(conv: ConvParams, input_: Dims, filter_: Dims) -> bool:
    return (
        input_.h == 1
        and conv.dilation_w == 1
        and filter_.h == 1
        and conv.stride_w * input_.c % 4 == 0
    )


def _asymmetry(conv: ConvParams, input_: Dims, filter_: Dims, output: Dims) -> int:
    total = (output.w - 1) * conv.stride_w + filter_.w - input_.w
    return c_remainder(total, 2)


def _columns(conv: ConvParams, input_: Dims, filter_: Dims, output: Dims) -> tuple[int, int, int]:
    """Output columns of a row that touch the left padding, none, and the right padding."""
    stride, left_pad = conv.stride_w, conv.pad_w
    right_pad = left_pad + _asymmetry(conv, input_, filter_, output)
    right = max(1, (right_pad + stride - 1) // stride) if right_pad != 0 else 0
    left = max(1, (left_pad + stride - 1) // stride) if left_pad != 0 else 0
    return left, max(output.w - (right + left), 0), right
