"""A wide depthwise convolution on MVE steps through a bias that is not there."""

from tflopt.ir import OpCode
from tflopt.target.cmsis_nn.layers import DepthwiseLayer
from tflopt.target.cortex_m import Isa
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site

BLOCK_CHANNELS = 124
"""Channels that ``arm_depthwise_conv_s8_opt`` takes at once on MVE."""


def _meets(site: Site) -> Detail:
    layer = site.layer
    if not isinstance(layer, DepthwiseLayer) or site.use.function != "arm_depthwise_conv_s8_opt":
        return None
    if site.device.target.isa is not Isa.MVE or site.op.input(2) is not None:
        return None
    if layer.output_c <= BLOCK_CHANNELS:
        return None
    return f"{layer.output_c} channels and no bias"


HAZARD = Hazard(
    name="wide-depthwise-without-bias",
    operators=frozenset({OpCode.DEPTHWISE_CONV_2D}),
    part="CMSIS-NN",
    where="arm_depthwise_conv_s8_opt.c adds the block's first channel to the null pointer",
    affected="MVE cores, every known version of CMSIS-NN",
    symptom="after 124 channels, what lies near address 0 is added as if it were a bias",
    evidence=Evidence.EXECUTED,
    rule="add-zero-bias",
    advice="give the layer a bias of zeros",
    meets=_meets,
)
