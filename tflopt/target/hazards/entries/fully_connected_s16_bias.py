"""A dense layer of int16 activations with an int32 bias, which CMSIS-NN's kernel reads as int64."""

from tflopt.ir import DType, OpCode
from tflopt.target.cmsis_nn.layers import FullyConnectedLayer, Num
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site

BIAS = 2


def _meets(site: Site) -> Detail:
    layer, bias = site.layer, site.op.input(BIAS)
    if not isinstance(layer, FullyConnectedLayer) or layer.activations is not Num.INT16:
        return None
    if bias is None or bias.dtype is not DType.INT32:
        return None
    return f"int16 activations and a bias of {bias.elements} int32"


HAZARD = Hazard(
    name="fully-connected-s16-bias",
    operators=frozenset({OpCode.FULLY_CONNECTED}),
    part="TFLM",
    where="kernels/cmsis_nn/fully_connected.cc reads any bias of an int16 layer as int64; the "
    "reference takes int32, too",
    affected="all cores, every known version of TFLM with CMSIS-NN's kernels",
    symptom="two biases are taken for one, and what lies behind them is added to the last outputs",
    evidence=Evidence.EXECUTED,
    rule=None,
    advice="convert the model with biases of int64",
    meets=_meets,
)
