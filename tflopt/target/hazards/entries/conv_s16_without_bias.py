"""An int16 convolution without a bias is requantized as if its bias were int32."""

from tflopt.ir import OpCode
from tflopt.ir.options import Conv2DOptions
from tflopt.target.cmsis_nn.layers import ConvLayer, Num
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site

INT32_BIAS = 2
"""``quantized_bias_type`` INT32: the reference kernel takes 32-bit sums then, too."""


def _meets(site: Site) -> Detail:
    layer, options = site.layer, site.op.options
    if not isinstance(layer, ConvLayer) or layer.activations is not Num.INT16:
        return None
    if site.op.input(2) is not None or not isinstance(options, Conv2DOptions):
        return None
    if options.quantized_bias_type == INT32_BIAS:
        return None
    return "int16 activations and no bias"


HAZARD = Hazard(
    name="conv-s16-without-bias",
    operators=frozenset({OpCode.CONV_2D}),
    part="TFLM",
    where="kernels/cmsis_nn/conv.cc takes a missing bias for one of int32, the reference for int64",
    affected="all cores, every known version of TFLM with CMSIS-NN's kernels",
    symptom="outputs differ by one from the reference, and long sums overflow",
    evidence=Evidence.EXECUTED,
    rule="add-zero-bias",
    advice="give the layer a bias of zeros",
    meets=_meets,
)
