"""CMSIS-NN before c01c0a14 asks for the wrong path's scratch where a convolution has groups."""

from tflopt.ir import OpCode
from tflopt.target.cmsis_nn.layers import ConvLayer
from tflopt.target.cmsis_nn.sizes_convolve import convolve_s8_get_buffer_size
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    layer = site.layer
    if not isinstance(layer, ConvLayer) or site.use.function != "arm_convolve_s8":
        return None
    asked = sum(site.use.scratch_bytes or ())
    used = convolve_s8_get_buffer_size(layer.filter, layer.filter, site.device.target.isa)
    if used <= asked:
        return None
    return f"it asks for {asked:,} bytes and uses {used:,}"


HAZARD = Hazard(
    name="grouped-conv-scratch",
    operators=frozenset({OpCode.CONV_2D}),
    part="CMSIS-NN",
    where="arm_convolve_get_buffer_sizes_s8.c does not compare the channels of filter and input",
    affected="all cores, CMSIS-NN before commit c01c0a14, 1x1 and 1xN kernels with groups",
    symptom="the layer writes over other tensors, or is refused and its output never written",
    evidence=Evidence.EXECUTED,
    needs="CMSIS-NN a3f311a4",
    rule="split-groups",
    advice="use a newer CMSIS-NN",
    meets=_meets,
)
