"""An int16 transposed convolution reads the type of a bias that is not there."""

from tflopt.ir import OpCode
from tflopt.target.cmsis_nn.layers import Num, TransposeConvLayer
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    layer = site.layer
    if not isinstance(layer, TransposeConvLayer) or layer.activations is not Num.INT16:
        return None
    return "int16 activations and no bias" if layer.bias is None else None


HAZARD = Hazard(
    name="transpose-conv-s16-without-bias",
    operators=frozenset({OpCode.TRANSPOSE_CONV}),
    part="TFLM",
    where="kernels/cmsis_nn/transpose_conv.cc looks at the bias's type without looking for a bias",
    affected="all cores, every known version of TFLM",
    symptom="a null pointer is read while the arena is set up: a fault where memory is protected",
    evidence=Evidence.EXECUTED,
    rule="add-zero-bias",
    advice="give the layer a bias of zeros",
    meets=_meets,
)
