"""Pooling and softmax, and the reference kernels that ask for scratch.

Sources: TFLM kernels/cmsis_nn/{pooling,softmax}.cc and kernels/{reduce_common,mirror_pad,add_n,
detection_postprocess,softmax_common}.cc.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn import sizes_dense as sizes
from tflopt.target.cmsis_nn.common import (
    FLOAT_REASON,
    plain_use,
    reference_use,
    requests,
    simd_use,
)
from tflopt.target.cmsis_nn.layers import (
    AddNLayer,
    DetectionPostprocessLayer,
    MirrorPadLayer,
    Num,
    PoolLayer,
    ReduceLayer,
    SoftmaxLayer,
)
from tflopt.target.cortex_m import Isa
from tflopt.target.setup import Setup
from tflopt.target.use import KernelUse, Persistent

POOL_OP_DATA_BYTES = 36
SOFTMAX_OP_DATA_BYTES = 64
REDUCE_OP_DATA_BYTES = 44
_LUT_BYTES = 2 * 513
_NO_FUNCTION = "CMSIS-NN has no such function"


def dispatch_pool(layer: PoolLayer, isa: Isa) -> KernelUse:
    """The use of one pooling layer; only the average on DSP asks for scratch."""
    kind = "avgpool" if layer.average else "max_pool"
    if layer.activations not in {Num.INT8, Num.INT16}:
        name = "AveragePool" if layer.average else "MaxPool"
        return reference_use(
            f"reference_ops::{name}", FLOAT_REASON, op_data_bytes=POOL_OP_DATA_BYTES
        )
    suffix = "s8" if layer.activations is Num.INT8 else "s16"
    size = 0
    if layer.average:
        size = sizes.avgpool_s8_get_buffer_size(layer.output_w, layer.channels, isa)
    return simd_use(
        f"arm_{kind}_{suffix}",
        isa,
        op_data_bytes=POOL_OP_DATA_BYTES,
        scratch_bytes=requests(size),
        mve_only=not layer.average,
    )


def dispatch_softmax(layer: SoftmaxLayer, isa: Isa) -> KernelUse:
    """The use of one softmax; int16 input keeps two lookup tables in the tail."""
    if layer.input is Num.INT16:
        return plain_use(
            "arm_softmax_s16",
            "the int16 function is plain C",
            op_data_bytes=SOFTMAX_OP_DATA_BYTES,
            persistent=(
                Persistent("exp table", _LUT_BYTES),
                Persistent("1 / (1 + x) table", _LUT_BYTES),
            ),
        )
    if layer.input is not Num.INT8:
        return reference_use(
            "reference_ops::Softmax", FLOAT_REASON, op_data_bytes=SOFTMAX_OP_DATA_BYTES
        )
    if layer.output is Num.INT16:
        return plain_use(
            "arm_softmax_s8_s16",
            "the function with int16 output is plain C",
            op_data_bytes=SOFTMAX_OP_DATA_BYTES,
        )
    return simd_use("arm_softmax_s8", isa, op_data_bytes=SOFTMAX_OP_DATA_BYTES, mve_only=True)


def dispatch_reduce(layer: ReduceLayer, setup: Setup) -> KernelUse:
    """The use of one reduction: accumulators if quantized and summing, an index, the axes."""
    quantized = layer.activations in {Num.INT8, Num.INT16}
    accumulators = (4 * layer.output_elements,) if layer.accumulates and quantized else ()
    indices: tuple[int, ...] = (4 * layer.input_rank, 4 * layer.axes)
    op_data_bytes = REDUCE_OP_DATA_BYTES
    if not setup.runtime.reductions_keep_indices:
        op_data_bytes -= 4
        indices = () if layer.accumulates else indices
    return reference_use(
        "reference_ops::QuantizedMeanOrSum" if accumulators else "reference_ops::Reduce",
        _NO_FUNCTION,
        op_data_bytes=op_data_bytes,
        scratch_bytes=(*accumulators, *indices),
    )


def dispatch_mirror_pad(layer: MirrorPadLayer) -> KernelUse:
    """The use of one MIRROR_PAD."""
    words = 4 * layer.input_rank
    return reference_use("MirrorPad", _NO_FUNCTION, op_data_bytes=20, scratch_bytes=(words, words))


def dispatch_add_n(layer: AddNLayer) -> KernelUse:
    """The use of one ADD_N: OpData is made in Prepare; float keeps its scratch index there."""
    return reference_use(
        "reference_ops::AddN",
        _NO_FUNCTION,
        op_data_bytes=0,
        scratch_bytes=(4 * layer.inputs,),
        persistent=(Persistent("OpData", 40),) if layer.activations is Num.INT8 else (),
    )


def dispatch_detection_postprocess(layer: DetectionPostprocessLayer) -> KernelUse:
    """The use of one TFLite_Detection_PostProcess: eleven requests."""
    boxes, detections = layer.boxes, layer.max_detections
    return reference_use(
        "DetectionPostProcess",
        _NO_FUNCTION,
        op_data_bytes=112,
        scratch_bytes=(
            boxes,
            16 * boxes,
            4 * boxes * layer.classes_with_background,
            4 * boxes,
            4 * boxes,
            4 * detections * boxes,
            4 * detections * boxes,
            4 * boxes,
            4 * detections * boxes,
            4 * max(layer.classes, detections) * boxes,
            4 * min(boxes, detections) * boxes,
        ),
    )
