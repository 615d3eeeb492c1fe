"""MVE's TRANSPOSE that changes nothing exchanges the last two axes."""

from tflopt.ir import DType, OpCode
from tflopt.target.cortex_m import Isa
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site

RANK = 4


def _meets(site: Site) -> Detail:
    data, control = site.op.input(0), site.op.input(1)
    if data is None or control is None or data.dtype is not DType.INT8:
        return None
    if site.device.target.isa is not Isa.MVE or control.ints() != tuple(range(RANK)):
        return None
    if 1 in data.shape[2:]:
        return None
    return f"permutation 0, 1, 2, 3 of {list(data.shape)}"


HAZARD = Hazard(
    name="transpose-identity",
    operators=frozenset({OpCode.TRANSPOSE}),
    part="CMSIS-NN",
    where="arm_transpose_s8.c takes every permutation that starts with 0, 1 for 0, 1, 3, 2",
    affected="MVE cores, every known version of CMSIS-NN",
    symptom="the last two axes are exchanged where nothing should move",
    evidence=Evidence.EXECUTED,
    rule="transpose-to-reshape",
    advice="drop the operator",
    meets=_meets,
)
