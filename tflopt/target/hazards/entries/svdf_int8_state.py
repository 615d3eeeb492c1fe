"""An SVDF whose state is int8 wraps around where the reference saturates."""

import numpy as np

from tflopt.facts.litert import SVDF_STATE
from tflopt.ir import DType, OpCode, Value
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site

FEATURE_WEIGHTS = 1
INPUT_LOW, INPUT_HIGH = -128, 127
STATE_LOW, STATE_HIGH = -128, 127


def _meets(site: Site) -> Detail:
    op = site.op
    data, weights, state = op.input(0), op.input(FEATURE_WEIGHTS), op.input(SVDF_STATE)
    if data is None or weights is None or state is None or state.dtype is not DType.INT8:
        return None
    reach = _reach(data, weights, state)
    if reach is not None and reach[0] >= STATE_LOW and reach[1] <= STATE_HIGH:
        return None
    how = "can't be bounded" if reach is None else f"reaches from {reach[0]} to {reach[1]}"
    return f"the state {how}"


def _reach(data: Value, weights: Value, state: Value) -> tuple[int, int] | None:
    """The least and the largest value before saturation, over all inputs; one more for rounding."""
    scales = [_scale(value) for value in (data, weights, state)]
    if None in scales or not weights.has_data or weights.dtype is not DType.INT8:
        return None
    quant = data.quant
    assert quant is not None
    zero_point = int(quant.zero_point[0]) if quant.is_set and quant.zero_point is not None else 0
    low, high = INPUT_LOW - zero_point, INPUT_HIGH - zero_point
    matrix = weights.array().astype(np.int64)
    ends = np.stack([matrix * low, matrix * high])
    least, most = ends.min(axis=0).sum(axis=1).min(), ends.max(axis=0).sum(axis=1).max()
    inputs, features, states = (float(scale) for scale in scales if scale is not None)
    factor = inputs * features / states
    return int(np.floor(least * factor)) - 1, int(np.ceil(most * factor)) + 1


def _scale(value: Value) -> float | None:
    quant = value.quant
    if quant is None or quant.scale is None or not quant.count:
        return None
    return float(quant.scale[0])


HAZARD = Hazard(
    name="svdf-int8-state",
    operators=frozenset({OpCode.SVDF}),
    part="TFLM",
    where="kernels/cmsis_nn/svdf.cc clamps the state to the range of int16 whatever its type",
    affected="all cores, every known version of TFLM with CMSIS-NN's kernels",
    symptom="where the state saturates, it wraps around instead",
    evidence=Evidence.EXECUTED,
    rule=None,
    advice="quantize the state to int16, or with a larger scale",
    meets=_meets,
)
