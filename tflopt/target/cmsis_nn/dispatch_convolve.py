"""CONV_2D: which ``arm_convolve_*`` function runs, and what TFLM's kernel allocates for it.

Sources: TFLM kernels/cmsis_nn/conv.cc, CMSIS-NN arm_convolve_wrapper_{s8,s4,s16}.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn import sizes_convolve as sizes
from tflopt.target.cmsis_nn.common import (
    FLOAT_REASON,
    SCALAR_REASON,
    per_channel_arrays,
    requests,
    simd_path,
)
from tflopt.target.cmsis_nn.layers import ConvLayer, Num
from tflopt.target.cmsis_nn.structs import ConvParams, Dims, c_remainder
from tflopt.target.cmsis_nn.versions import Version
from tflopt.target.cortex_m import Isa
from tflopt.target.setup import Setup
from tflopt.target.use import KernelUse, Path

OP_DATA_BYTES = 60


def dispatch_conv(layer: ConvLayer, setup: Setup, version: Version) -> KernelUse:
    """The use of one convolution; int4 weights get the s8 function's buffer, as TFLM asks it."""
    if layer.activations not in {Num.INT8, Num.INT16}:
        return KernelUse(
            "reference_ops::Conv",
            Path.REFERENCE,
            op_data_bytes=OP_DATA_BYTES,
            why_not_faster=FLOAT_REASON,
        )
    isa, armclang = setup.isa, setup.build.armclang
    args = (layer.params, layer.input, layer.filter, layer.output)
    if layer.activations is Num.INT16:
        size = sizes.convolve_wrapper_s16_get_buffer_size(*args, isa)
        function, reason = "arm_convolve_s16", None
    else:
        size = sizes.convolve_wrapper_s8_get_buffer_size(*args, isa, version, armclang=armclang)
        function, reason = _function(layer, isa, version)
    return KernelUse(
        function,
        simd_path(isa),
        scratch_bytes=requests(size),
        op_data_bytes=OP_DATA_BYTES,
        persistent=per_channel_arrays(layer.output_c),
        why_not_faster=SCALAR_REASON if isa is Isa.SCALAR else reason,
    )


def convolve_1_x_n_is_right(conv: ConvParams, input_: Dims, filter_: Dims, output: Dims) -> bool:
    """Whether ``arm_convolve_1_x_n_s8`` on MVE computes this layer right.

    With a stride of 2 and more it often does not (facts G1; 640 layers were run on an emulator):
    it is right with stride 1, where the total padding is 0 or 1, where it is even and the first
    window on the right misses one element, and where it hands over to ``arm_convolve_s8``.
    """
    total = (output.w - 1) * conv.stride_w + filter_.w - input_.w
    if conv.pad_w * 2 + c_remainder(total, 2) != total:
        return False  # it returns an error, which TFLM's release build ignores
    if sizes.convolve_1_x_n_falls_back(conv, input_, filter_, output):
        return True
    if conv.stride_w == 1 or total in {0, 1}:
        return True
    return total > 0 and total % 2 == 0 and (conv.pad_w - 1) % conv.stride_w == 0


def _function(layer: ConvLayer, isa: Isa, version: Version) -> tuple[str, str | None]:
    conv, input_, filter_ = layer.params, layer.input, layer.filter
    suffix = "s4" if layer.weights is Num.INT4 else "s8"
    any_groups = suffix == "s4" and not version.sizes_check_channels
    if sizes.is_convolve_1x1(conv, input_, filter_) or (
        any_groups and sizes.looks_1x1(conv, filter_)
    ):
        if (conv.stride_w, conv.stride_h) == (1, 1):
            return f"arm_convolve_1x1_{suffix}_fast", None
        return f"arm_convolve_1x1_{suffix}", "the fast 1x1 function takes stride 1 only"
    if isa is Isa.MVE and sizes.is_convolve_1_x_n(conv, input_, filter_):
        if not sizes.convolve_1_x_n_falls_back(conv, input_, filter_, layer.output):
            return f"arm_convolve_1_x_n_{suffix}", None
        return f"arm_convolve_{suffix}", "the 1xN function can't split a row so narrow"
    return _general_function(layer, isa)


def _general_function(layer: ConvLayer, isa: Isa) -> tuple[str, str | None]:
    groups = layer.input_c // max(layer.filter_c, 1)
    reason = f"the 1x1 function takes one group, not {groups}" if groups > 1 else None
    if not sizes.looks_1x1(layer.params, layer.filter):
        reason = None
    if layer.weights is not Num.INT4:
        return "arm_convolve_s8", reason
    taps = layer.kernel_h * layer.kernel_w * layer.input_c
    if isa is Isa.MVE and taps % 2 == 0:
        return "arm_convolve_even_s4", reason
    if isa is Isa.MVE:
        return "arm_convolve_s4", "the MVE function takes an even number of taps only"
    return "arm_convolve_s4", reason
