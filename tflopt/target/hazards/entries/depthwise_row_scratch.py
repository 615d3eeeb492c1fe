"""TFLM sizes the scratch of a one-row depthwise convolution with an uninitialized stride."""

from tflopt.ir import OpCode
from tflopt.target.cmsis_nn.dispatch_depthwise import size_is_unknown
from tflopt.target.cmsis_nn.layers import DepthwiseLayer
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    layer = site.layer
    if not isinstance(layer, DepthwiseLayer):
        return None
    if not size_is_unknown(layer, site.device.setup):
        return None
    return f"one row of one channel, kernel 1x{layer.kernel_w}"


HAZARD = Hazard(
    name="depthwise-row-scratch",
    operators=frozenset({OpCode.DEPTHWISE_CONV_2D}),
    part="TFLM",
    where="kernels/cmsis_nn/depthwise_conv.cc never sets the stride that it hands over in Prepare",
    affected="MVE cores, every known version of TFLM",
    symptom="the scratch may be too small, and then the layer writes over other tensors",
    evidence=Evidence.EXECUTED,
    needs="local variables that start as zeros (-ftrivial-auto-var-init=zero)",
    rule="depthwise-to-conv",
    advice="write the layer as CONV_2D",
    meets=_meets,
)
