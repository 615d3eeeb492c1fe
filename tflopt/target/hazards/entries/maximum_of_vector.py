"""MAXIMUM and MINIMUM of int8 vectors compute one element, before TFLM knew of such ranks."""

from __future__ import annotations

from tflopt.ir import DType, OpCode
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site
from tflopt.texts import counted

KNOWN_RANKS = (2, 3, 4)


def _meets(site: Site) -> Detail:
    if site.device.runtime.extends_ranks or not site.op.outputs:
        return None
    output = site.op.output
    if output.dtype is not DType.INT8 or len(output.shape) in KNOWN_RANKS or output.elements == 1:
        return None
    return f"{counted(len(output.shape), 'dimension')}, {counted(output.elements, 'element')}"


HAZARD = Hazard(
    name="maximum-of-vector",
    operators=frozenset({OpCode.MAXIMUM, OpCode.MINIMUM}),
    part="CMSIS-NN",
    where="TFLM's kernels/cmsis_nn/maximum_minimum.cc takes tensors of 2 to 4 dimensions only, "
    "and others for a single element",
    affected="all cores, TFLM of 2025-08 and before",
    symptom="one element is computed; the others are what was in memory",
    evidence=Evidence.EXECUTED,
    rule=None,
    advice="reshape the tensors to two dimensions, or take a newer TFLM",
    meets=_meets,
)
