"""Pooling of several images computes the first one only."""

from __future__ import annotations

from tflopt.ir import DType, OpCode
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    data = site.op.input(0)
    if site.device.runtime.pools_all_batches or data is None or not data.shape:
        return None
    if data.dtype not in (DType.INT8, DType.INT16) or data.shape[0] <= 1:
        return None
    return f"{data.shape[0]} images"


HAZARD = Hazard(
    name="pool-batches",
    operators=frozenset({OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D}),
    part="CMSIS-NN",
    where="TFLM's kernels/cmsis_nn/pooling.cc calls CMSIS-NN with a batch of 1",
    affected="all cores, TFLM of 2025-08 and before",
    symptom="the first image is pooled; the others are what was in memory",
    evidence=Evidence.EXECUTED,
    rule=None,
    advice="run the images one by one, or take a newer TFLM",
    meets=_meets,
)
