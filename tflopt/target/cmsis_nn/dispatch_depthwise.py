"""DEPTHWISE_CONV_2D: which ``arm_depthwise_conv_*`` function runs, and its memory.

TFLM sizes by comparing channels and CMSIS-NN dispatches by the model's depth multiplier; the two
agree in every valid model. Sources: TFLM kernels/cmsis_nn/depthwise_conv.cc, CMSIS-NN
arm_depthwise_conv_wrapper_{s8,s4}.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn import sizes_depthwise as sizes
from tflopt.target.cmsis_nn.common import (
    FLOAT_REASON,
    SCALAR_REASON,
    per_channel_arrays,
    plain_use,
    reference_use,
    requests,
    simd_use,
)
from tflopt.target.cmsis_nn.layers import DepthwiseLayer, Num
from tflopt.target.cmsis_nn.sizes_convolve import convolve_s8_get_buffer_size
from tflopt.target.cmsis_nn.versions import Version
from tflopt.target.cortex_m import Isa
from tflopt.target.setup import Setup
from tflopt.target.use import KernelUse

OP_DATA_BYTES = 60
_FAST_S16_REASON = "TFLM calls arm_depthwise_conv_s16 and never arm_depthwise_conv_fast_s16"


def dispatch_depthwise(layer: DepthwiseLayer, setup: Setup, version: Version) -> KernelUse:
    """The use of one depthwise convolution."""
    isa = setup.isa
    persistent = per_channel_arrays(layer.output_c)
    if layer.activations is Num.INT16:
        return plain_use(
            "arm_depthwise_conv_s16",
            _FAST_S16_REASON,
            op_data_bytes=OP_DATA_BYTES,
            persistent=persistent,
        )
    if layer.activations is not Num.INT8:
        return reference_use(
            "reference_ops::DepthwiseConv", FLOAT_REASON, op_data_bytes=OP_DATA_BYTES
        )
    scratch = requests(_size(layer, setup, version))
    function, slow = _function(layer, setup)
    if slow is not None:
        return plain_use(
            function,
            slow,
            op_data_bytes=OP_DATA_BYTES,
            scratch_bytes=scratch,
            persistent=persistent,
        )
    return simd_use(
        function,
        isa,
        op_data_bytes=OP_DATA_BYTES,
        scratch_bytes=scratch,
        persistent=persistent,
    )


def _size(layer: DepthwiseLayer, setup: Setup, version: Version) -> int:
    """What TFLM asks for; :func:`size_is_unknown` where nobody can know.

    TFLM's Prepare never sets the stride it hands to the size function (depthwise_conv.cc), which
    matters for one case alone: MVE's convolution of one row and one channel, where garbage decides
    between the 1xN and the general size. The general one is given, the larger for short kernels.
    """
    isa, armclang = setup.isa, setup.build.armclang
    args = (layer.input, layer.filter, layer.output, isa)
    if layer.weights is Num.INT4:
        return sizes.depthwise_conv_wrapper_s4_get_buffer_size(layer.params, *args)
    size = sizes.depthwise_conv_wrapper_s8_get_buffer_size(
        layer.params, *args, version, armclang=armclang
    )
    if not size_is_unknown(layer, setup):
        return size
    general = convolve_s8_get_buffer_size(layer.input, layer.filter, isa)
    return general + layer.kernel_w * layer.output_c


def size_is_unknown(layer: DepthwiseLayer, setup: Setup) -> bool:
    """Whether an uninitialized stride decides how much scratch TFLM asks for."""
    if layer.activations is not Num.INT8 or layer.weights is not Num.INT8:
        return False
    one_row = layer.input_h == 1 and layer.kernel_h == 1 and layer.dilation_w == 1
    plain_1x1 = layer.kernel_w == 1 and layer.pad_w == 0 and layer.pad_h == 0
    return _as_convolution(layer, setup) and one_row and not plain_1x1


def _as_convolution(layer: DepthwiseLayer, setup: Setup) -> bool:
    armclang = setup.build.armclang
    return sizes.becomes_convolution(layer.input, layer.output, setup.isa, armclang=armclang)


def _function(layer: DepthwiseLayer, setup: Setup) -> tuple[str, str | None]:
    """The function, and why it is plain C even on a core with vector instructions."""
    isa, suffix = setup.isa, "s4" if layer.weights is Num.INT4 else "s8"
    if suffix == "s8" and _as_convolution(layer, setup):
        return "arm_depthwise_conv_to_conv_s8", None
    reason = _why_generic(layer)
    if reason is None:
        return _one_to_one_function(layer, isa, suffix)
    undilated = layer.dilation_h == 1 and layer.dilation_w == 1
    by_four = layer.depth_multiplier % 4 == 0 and layer.batches == 1 and undilated
    if suffix == "s8" and isa is Isa.MVE and by_four and layer.depth_multiplier > 0:
        return "arm_depthwise_conv_s8", None
    return f"arm_depthwise_conv_{suffix}", reason


def _one_to_one_function(layer: DepthwiseLayer, isa: Isa, suffix: str) -> tuple[str, str | None]:
    if suffix == "s4":
        return "arm_depthwise_conv_s4_opt", None
    if isa is not Isa.MVE and sizes.is_3x3(layer.params, layer.filter):
        return "arm_depthwise_conv_3x3_s8", None
    if isa is Isa.SCALAR:
        return "arm_depthwise_conv_s8", SCALAR_REASON
    return "arm_depthwise_conv_s8_opt", None


def _why_generic(layer: DepthwiseLayer) -> str | None:
    if layer.depth_multiplier != 1:
        return f"the fast functions take depth multiplier 1, not {layer.depth_multiplier}"
    if layer.batches != 1:
        return f"the fast functions take one batch, not {layer.batches}"
    if (layer.dilation_h, layer.dilation_w) != (1, 1):
        return f"the fast functions take no dilation, not {layer.dilation_h}x{layer.dilation_w}"
    return None
