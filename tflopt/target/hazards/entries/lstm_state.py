"""CMSIS-NN's LSTM starts every invocation at zero, and rounds differently from the reference."""

from tflopt.ir import DType, OpCode
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    data = site.op.input(0)
    if data is None or data.dtype not in (DType.INT8, DType.INT16):
        return None
    return f"{site.op.output.shape[-1]} units"


HAZARD = Hazard(
    name="lstm-state",
    operators=frozenset({OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM}),
    part="TFLM",
    where=(
        "kernels/cmsis_nn/unidirectional_sequence_lstm.cc hands over no hidden state and a scratch "
        "buffer as cell state; arm_nn_lstm_step_s8.c requantizes in other steps than the reference"
    ),
    affected="all cores, every known version of TFLM with CMSIS-NN's kernels",
    symptom=(
        "states don't carry over from one invocation to the next, and values differ from the "
        "reference: by up to 152 steps in inner states and 40 at the output, with a batch of 4"
    ),
    evidence=Evidence.EXECUTED,
    rule=None,
    advice=(
        "hand whole sequences to one invocation (state starts at zero in each, so that Reset() "
        "changes nothing), and judge accuracy on the device's kernels; converted with unroll=True "
        "it is made of operators that compute alike everywhere, for 3 to 6 times the instructions "
        "and about 10 times the arena ('tflopt help hazards')"
    ),
    meets=_meets,
)
