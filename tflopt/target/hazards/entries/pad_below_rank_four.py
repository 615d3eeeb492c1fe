"""PAD of int8 tensors of fewer than four dimensions reads dimensions that are not there."""

from __future__ import annotations

from tflopt.ir import DType, OpCode
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site
from tflopt.texts import counted

RANK = 4


def _meets(site: Site) -> Detail:
    data = site.op.input(0)
    if site.device.runtime.extends_ranks or data is None or data.dtype is not DType.INT8:
        return None
    return None if len(data.shape) >= RANK else counted(len(data.shape), "dimension")


HAZARD = Hazard(
    name="pad-below-rank-four",
    operators=frozenset({OpCode.PAD, OpCode.PADV2}),
    part="CMSIS-NN",
    where="TFLM's kernels/cmsis_nn/pad.cc asks for four dimensions, whatever the tensor has",
    affected="all cores, TFLM of 2025-08 and before",
    symptom="sizes that were never set decide how much is copied",
    evidence=Evidence.EXECUTED,
    rule=None,
    advice="reshape the tensor to four dimensions, or take a newer TFLM",
    meets=_meets,
)
