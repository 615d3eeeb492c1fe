"""TRANSPOSE_CONV: the reversed convolution or the direct one, and their two requests.

Sources: TFLM kernels/cmsis_nn/transpose_conv.cc, CMSIS-NN arm_transpose_conv_wrapper_s8.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn import sizes_transpose_conv as sizes
from tflopt.target.cmsis_nn.common import per_channel_arrays, reference_use, simd_use
from tflopt.target.cmsis_nn.layers import Num, TransposeConvLayer
from tflopt.target.cortex_m import Isa
from tflopt.target.use import KernelUse

OP_DATA_BYTES = 76


def dispatch_transpose_conv(layer: TransposeConvLayer, isa: Isa) -> KernelUse:
    """The use of one transpose convolution; TFLM requests both buffers, even an empty one."""
    persistent = per_channel_arrays(layer.output_c)
    if layer.activations is not Num.INT8:
        return reference_use(
            "reference_integer_ops::TransposeConv"
            if layer.activations is Num.INT16
            else "reference_ops::TransposeConv",
            "only int8 activations have a CMSIS-NN function here",
            op_data_bytes=OP_DATA_BYTES,
            scratch_bytes=_int16_requests(layer),
            persistent=persistent,
        )
    conv, input_, filter_ = layer.params, layer.input, layer.filter
    is_reversed = sizes.runs_reversed(conv, input_)
    return simd_use(
        "arm_convolve_s8" if is_reversed else "arm_transpose_conv_s8",
        isa,
        op_data_bytes=OP_DATA_BYTES,
        scratch_bytes=(
            sizes.transpose_conv_s8_get_buffer_size(conv, input_, filter_, layer.output, isa),
            sizes.transpose_conv_s8_get_reverse_conv_buffer_size(conv, input_, filter_),
        ),
        persistent=persistent,
    )


def _int16_requests(layer: TransposeConvLayer) -> tuple[int, ...]:
    """An int64 for every output element, and for every channel where the bias is int16."""
    if layer.activations is not Num.INT16:
        return ()
    outputs = layer.batches * layer.output_h * layer.output_w * layer.output_c
    return (8 * outputs,) + ((8 * layer.output_c,) if layer.bias is Num.INT16 else ())
