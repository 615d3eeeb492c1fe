"""An int8 SVDF fails in a library that was optimized for size, without MVE."""

from __future__ import annotations

from tflopt.ir import DType, OpCode
from tflopt.target.cortex_m import Isa
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site
from tflopt.target.setup import NEWEST_RUNTIME

TIME_WEIGHTS = 2


def _meets(site: Site) -> Detail:
    device, data, weights = site.device, site.op.input(0), site.op.input(TIME_WEIGHTS)
    if not device.build.for_size or device.target.isa is Isa.MVE:
        return None
    if device.runtime is not NEWEST_RUNTIME:
        return None
    if data is None or data.dtype is not DType.INT8 or weights is None:
        return None
    return "its kernel sums have no buffer" if weights.dtype is DType.INT8 else None


HAZARD = Hazard(
    name="svdf-for-size",
    operators=frozenset({OpCode.SVDF}),
    part="CMSIS-NN",
    where="TFLM's kernels/cmsis_nn/svdf.cc insists on a buffer that it requests for MVE only",
    affected="cores without MVE, TFLM 90b983c built with KERNELS_OPTIMIZED_FOR_SIZE",
    symptom="Invoke fails",
    evidence=Evidence.EXECUTED,
    rule=None,
    advice="build the library with KERNELS_OPTIMIZED_FOR_SPEED, or make the time weights int16",
    meets=_meets,
)
