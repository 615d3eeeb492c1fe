"""An int16 SOFTMAX over one element wraps around."""

from tflopt.ir import DType, OpCode
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    data = site.op.input(0)
    if data is None or data.dtype is not DType.INT16 or data.shape[-1:] != (1,):
        return None
    return f"shape {list(data.shape)}"


HAZARD = Hazard(
    name="softmax-s16-single",
    operators=frozenset({OpCode.SOFTMAX}),
    part="CMSIS-NN",
    where="arm_softmax_s16.c stores 32,768, the result for 1.0, in an int16 without a clamp",
    affected="all cores, every known version of CMSIS-NN",
    symptom="the output is -32768 instead of 32767",
    evidence=Evidence.EXECUTED,
    rule="softmax-to-maximum",
    advice="drop the operator: its output is always 1",
    meets=_meets,
)
