"""TFLM's CMSIS-NN kernel refuses a TRANSPOSE of more than four dimensions."""

from tflopt.ir import DType, OpCode
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site

RANK_LIMIT = 4


def _meets(site: Site) -> Detail:
    data = site.op.input(0)
    if data is None or data.dtype is not DType.INT8 or len(data.shape) <= RANK_LIMIT:
        return None
    return f"rank {len(data.shape)}"


HAZARD = Hazard(
    name="transpose-rank-five",
    operators=frozenset({OpCode.TRANSPOSE}),
    part="TFLM",
    where="kernels/cmsis_nn/transpose.cc takes four dimensions; the reference kernel takes six",
    affected="all cores, every known version of TFLM with CMSIS-NN's kernels",
    symptom="the output is never written, and nothing says so",
    evidence=Evidence.EXECUTED,
    rule="merge-transposed-axes",
    advice="reshape axes that move together into one before the TRANSPOSE",
    meets=_meets,
)
