"""Buffer sizes of ``arm_depthwise_conv_*``: one function for each of CMSIS-NN's.

Without ``armclang`` they mirror a GCC build. On the device CMSIS-NN's
function without a suffix is asked; its ``_mve`` twin on the host takes the larger of two sizes,
which is the same with GCC, as one of the two is always zero.
Source: Source/ConvolutionFunctions/arm_depthwise_conv_get_buffer_sizes_{s8,s4,s16}.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn.sizes_convolve import convolve_wrapper_s8_get_buffer_size
from tflopt.target.cmsis_nn.structs import ConvParams, Dims, DwConvParams
from tflopt.target.cmsis_nn.versions import NEWEST, Version
from tflopt.target.cortex_m import Isa

CH_IN_BLOCK_MVE = 124
MOST_KEPT_GCC, MOST_KEPT_ARMCLANG = 1, 8
"""Output channels up to which MVE runs a layer with one input channel as it is."""
_INT16 = 2
_FAST_S16_TAPS = 512


def becomes_convolution(input_: Dims, output: Dims, isa: Isa, *, armclang: bool = False) -> bool:
    """Whether the s8 wrapper transposes the weights and runs a convolution instead."""
    most = MOST_KEPT_ARMCLANG if armclang else MOST_KEPT_GCC
    return isa is Isa.MVE and input_.c == 1 and output.c > most


def is_3x3(conv: ConvParams, filter_: Dims) -> bool:
    """The layers that the DSP and plain C builds run in ``arm_depthwise_conv_3x3_s8``."""
    return (filter_.w, filter_.h) == (3, 3) and conv.pad_h <= 1 and conv.pad_w <= 1


def depthwise_conv_s8_opt_get_buffer_size(input_: Dims, filter_: Dims, isa: Isa) -> int:
    """``arm_depthwise_conv_s8_opt_get_buffer_size``; MVE's does not depend on the channels."""
    taps = filter_.w * filter_.h
    if isa is Isa.MVE:
        return 4 * CH_IN_BLOCK_MVE * taps
    return input_.c * taps * _INT16 if isa is Isa.DSP else 0


def depthwise_conv_wrapper_s8_get_buffer_size(
    conv: DwConvParams,
    input_: Dims,
    filter_: Dims,
    output: Dims,
    isa: Isa,
    version: Version = NEWEST,
    *,
    armclang: bool = False,
) -> int:
    """``arm_depthwise_conv_wrapper_s8_get_buffer_size``, as a build for ``isa`` answers it."""
    if becomes_convolution(input_, output, isa, armclang=armclang):
        as_conv = Dims(filter_.c, filter_.h, filter_.w, filter_.n)
        size = convolve_wrapper_s8_get_buffer_size(conv, input_, as_conv, output, isa, version)
        return size + filter_.c * filter_.h * filter_.w * filter_.n
    if not _one_to_one(conv, input_, output):
        return 0
    if isa is not Isa.MVE and is_3x3(conv, filter_):
        return 0
    return depthwise_conv_s8_opt_get_buffer_size(input_, filter_, isa)


def depthwise_conv_s4_opt_get_buffer_size(input_: Dims, filter_: Dims, isa: Isa) -> int:
    """``arm_depthwise_conv_s4_opt_get_buffer_size``: plain C needs as much as DSP."""
    with_buffer = Isa.MVE if isa is Isa.MVE else Isa.DSP
    return depthwise_conv_s8_opt_get_buffer_size(input_, filter_, with_buffer)


def depthwise_conv_wrapper_s4_get_buffer_size(
    conv: DwConvParams, input_: Dims, filter_: Dims, output: Dims, isa: Isa
) -> int:
    """``arm_depthwise_conv_wrapper_s4_get_buffer_size``."""
    if not _one_to_one(conv, input_, output):
        return 0
    return depthwise_conv_s4_opt_get_buffer_size(input_, filter_, isa)


def depthwise_conv_fast_s16_get_buffer_size(input_: Dims, filter_: Dims, isa: Isa) -> int:
    """``arm_depthwise_conv_fast_s16_get_buffer_size``; MVE adds 8 bytes for reads past the end."""
    column = input_.c * filter_.w * filter_.h * _INT16
    if isa is Isa.MVE:
        return 4 * column + 8
    return column if isa is Isa.DSP else 0


def depthwise_conv_wrapper_s16_get_buffer_size(
    conv: DwConvParams, input_: Dims, filter_: Dims, output: Dims, isa: Isa
) -> int:
    """``arm_depthwise_conv_wrapper_s16_get_buffer_size``; TFLM calls neither it nor its kernel."""
    del output
    undilated = conv.dilation_w == 1 and conv.dilation_h == 1
    if conv.ch_mult == 1 and undilated and filter_.w * filter_.h < _FAST_S16_TAPS:
        return depthwise_conv_fast_s16_get_buffer_size(input_, filter_, isa)
    return 0


def _one_to_one(conv: ConvParams, input_: Dims, output: Dims) -> bool:
    """One batch, no dilation, and as many outputs as inputs: what the fast functions take."""
    return input_.c == output.c and input_.n == 1 and conv.dilation_w == 1 and conv.dilation_h == 1
