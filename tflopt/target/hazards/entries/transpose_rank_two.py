"""A rank-2 TRANSPOSE that changes nothing is transposed all the same."""

from tflopt.ir import DType, OpCode
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site

IDENTITY = (0, 1)


def _meets(site: Site) -> Detail:
    data, control = site.op.input(0), site.op.input(1)
    if data is None or control is None or data.dtype is not DType.INT8:
        return None
    if control.ints() != IDENTITY or 1 in data.shape:
        return None
    return f"permutation 0, 1 of {list(data.shape)}"


HAZARD = Hazard(
    name="transpose-rank-two",
    operators=frozenset({OpCode.TRANSPOSE}),
    part="CMSIS-NN",
    where="arm_transpose_s8.c never looks at the permutation of a matrix",
    affected="all cores, every known version of CMSIS-NN",
    symptom="the matrix comes out transposed where nothing should move",
    evidence=Evidence.EXECUTED,
    rule="transpose-to-reshape",
    advice="drop the operator",
    meets=_meets,
)
