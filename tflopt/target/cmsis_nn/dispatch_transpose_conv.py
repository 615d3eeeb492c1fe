"""TRANSPOSE_CONV: the reversed convolution or the direct one, and their two requests.

Sources: TFLM kernels/cmsis_nn/transpose_conv.cc, CMSIS-NN arm_transpose_conv_wrapper_s8.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn import sizes_transpose_conv as sizes
from tflopt.target.cmsis_nn.common import per_channel_arrays, reference_use, simd_use
from tflopt.target.cmsis_nn.layers import Num, TransposeConvLayer
from tflopt.target.cmsis_nn.use import KernelUse
from tflopt.target.cmsis_nn.versions import Version
from tflopt.target.cortex_m import Isa

OP_DATA_BYTES = 76


def dispatch_transpose_conv(layer: TransposeConvLayer, isa: Isa, version: Version) -> KernelUse:
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
        caveat=None if is_reversed else _caveat(layer, version),
    )


def _int16_requests(layer: TransposeConvLayer) -> tuple[int, ...]:
    """An int64 for every output element, and for every channel where the bias is int16."""
    if layer.activations is not Num.INT16:
        return ()
    outputs = layer.batches * layer.output_h * layer.output_w * layer.output_c
    return (8 * outputs,) + ((8 * layer.output_c,) if layer.bias is Num.INT16 else ())


def _caveat(layer: TransposeConvLayer, version: Version) -> str | None:
    if version.transpose_conv_rows_right or layer.pad_h % layer.stride_h == 0:
        return None
    return (
        f"arm_transpose_conv_s8 of CMSIS-NN {version} writes rows to the wrong place when the "
        f"top padding ({layer.pad_h}) is no multiple of the stride ({layer.stride_h})"
    )
