"""A transposed convolution with a wide stride asks for too little scratch."""

from tflopt.ir import OpCode
from tflopt.target.cmsis_nn.layers import TransposeConvLayer
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site

INT32_BYTES = 4


def _meets(site: Site) -> Detail:
    layer = site.layer
    if not isinstance(layer, TransposeConvLayer) or site.use.function != "arm_transpose_conv_s8":
        return None
    columns = (layer.input_w - 1) * layer.stride_w + max(layer.kernel_w, layer.stride_w)
    rows = max(layer.kernel_h, layer.stride_h)
    used = columns * rows * layer.output_c * INT32_BYTES
    asked = (site.use.scratch_bytes or (used,))[0]
    if used <= asked:
        return None
    return f"it asks for {asked:,} bytes and uses {used:,}"


HAZARD = Hazard(
    name="transpose-conv-scratch",
    operators=frozenset({OpCode.TRANSPOSE_CONV}),
    part="CMSIS-NN",
    where=(
        "arm_transpose_conv_get_buffer_sizes_s8.c compares the filter's width with the stride's "
        "height"
    ),
    affected="all cores, every known version of CMSIS-NN; strides wider than the filter",
    symptom="the layer writes behind its scratch, over other tensors",
    evidence=Evidence.EXECUTED,
    rule="widen-transpose-conv",
    advice="use a filter that is at least as wide as the stride",
    meets=_meets,
)
