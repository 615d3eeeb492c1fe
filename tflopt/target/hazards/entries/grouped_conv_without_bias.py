"""A grouped convolution steps through a bias that is not there."""

from tflopt.ir import OpCode
from tflopt.target.cmsis_nn.layers import ConvLayer
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    layer = site.layer
    if not isinstance(layer, ConvLayer) or site.use.function != "arm_convolve_s8":
        return None
    groups = layer.input_c // max(layer.filter_c, 1)
    if site.op.input(2) is not None or groups < 2:
        return None
    return f"{groups} groups and no bias"


HAZARD = Hazard(
    name="grouped-conv-without-bias",
    operators=frozenset({OpCode.CONV_2D}),
    part="CMSIS-NN",
    where="arm_convolve_s8.c moves the null pointer on by a group's channels, and then reads it",
    affected="all cores, every known version of CMSIS-NN",
    symptom="from the second group on, what lies near address 0 is added as if it were a bias",
    evidence=Evidence.EXECUTED,
    rule="add-zero-bias",
    advice="give the layer a bias of zeros",
    meets=_meets,
)
