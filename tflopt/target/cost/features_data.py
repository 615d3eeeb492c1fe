"""Features that depend on the data, and how far: a prediction is for values spread evenly.

Sources: TFLM reference/integer_ops/logistic.h and tanh.h, quantization_util.cc
(CalculateInputRadius); CMSIS-NN arm_softmax_s8.c.
"""

from __future__ import annotations

from math import ceil, log2

import numpy as np
import numpy.typing as npt

from tflopt.arith.affine import Affine
from tflopt.arith.unary import sigmoid_radius
from tflopt.facts.tables import ARITHMETIC, SUMS
from tflopt.ir import DType, OpCode
from tflopt.target.cortex_m import Isa
from tflopt.target.cost.copies import Features
from tflopt.target.cost.features_other import elementwise
from tflopt.target.cost.spec import LayerSpec, TensorSpec

CODES = 256
COMPUTED, EXPONENTIALS = "computed", "exponentials"
NEGATIVE = ("first negative", "second negative")
UNLIKE = "unlike signs"
RESULT = "negative result"
Numbers = npt.NDArray[np.float64]
EVERY_CODE = np.arange(-128, 128, dtype=np.float64)


def extremes(spec: LayerSpec, features: Features) -> tuple[Features, Features]:
    """What the features become with the data for which the kernel does least, and does most."""
    data = spec.input(0)
    if data is None:
        return {}, {}
    if NEGATIVE[0] in features:
        return _signs(spec, features)
    if COMPUTED in features:
        near = _near_codes(data)
        least = 0 if near < CODES else data.elements
        return {COMPUTED: least}, {COMPUTED: data.elements if near else 0}
    if EXPONENTIALS in features and data.scale is not None:
        return {EXPONENTIALS: features["rows"]}, {EXPONENTIALS: features["elements"]}
    return {}, {}


def saturating(spec: LayerSpec, isa: Isa) -> Features:
    """LOGISTIC and TANH: of int8, a value far from the zero point needs no arithmetic."""
    features = elementwise(spec, isa)
    data = spec.input(0)
    if data is None or data.dtype is not DType.INT8:
        return features
    return {"elements": data.elements, COMPUTED: data.elements * _near_codes(data) / CODES}


def rounds_by_sign(spec: LayerSpec) -> bool:
    """Whether TFLM's own loop of int8 takes branches on the sign of what it rounds."""
    signed = spec.code in ARITHMETIC
    return signed and spec.output.dtype is DType.INT8


def signs(spec: LayerSpec) -> Features:
    """ADD, MUL and SUB of int8 with broadcasting: rounding takes longer below zero.

    ADD and SUB round each operand and the result, MUL the result alone.
    """
    first, second = (_numbers(spec.input(index)) for index in (0, 1))
    count = spec.output.elements
    shares = (_below_zero(first), _below_zero(second))
    features = {name: count * share for name, share in zip(NEGATIVE, shares, strict=True)}
    unlike = shares[0] * (1 - shares[1]) + shares[1] * (1 - shares[0])
    if spec.code not in SUMS:
        return {**features, UNLIKE: count * unlike}
    if first is None or second is None:
        return {**features, RESULT: count / 2}
    return {**features, RESULT: count * _sums_below_zero(first, _sign(spec) * second)}


def _signs(spec: LayerSpec, features: Features) -> tuple[Features, Features]:
    """All signs as they cost least and most, of those that the operands can have."""
    count = float(spec.output.elements)
    names = [name for name in (*NEGATIVE, UNLIKE, RESULT) if name in features]
    least = {name: count if features[name] == count else 0.0 for name in names}
    most = {name: count if features[name] else 0.0 for name in names}
    return least, most


def _numbers(data: TensorSpec | None) -> Numbers | None:
    """What an operand may hold, times a scale: all int8 values, or a short constant's own."""
    if data is None or data.zero_point is None or data.scale is None:
        return None
    if not 0 < data.scale < float("inf"):
        return None
    codes = EVERY_CODE if data.ints is None else np.asarray(data.ints, dtype=np.float64)
    return np.asarray((codes - data.zero_point) * data.scale, dtype=np.float64)


def _below_zero(numbers: Numbers | None) -> float:
    """Which share is negative, a half where that is open."""
    if numbers is None or not numbers.size:
        return 0.5
    return float(np.count_nonzero(numbers < 0)) / numbers.size


def _sign(spec: LayerSpec) -> int:
    return -1 if spec.code is OpCode.SUB else 1


def _sums_below_zero(first: Numbers, second: Numbers) -> float:
    """The share of all pairs whose sum is negative."""
    below = np.searchsorted(np.sort(second), -first, side="left")
    return float(below.sum()) / max(1, first.size * second.size)


def _near_codes(data: TensorSpec) -> int:
    """How many of the int8 values are computed; all where the quantization is not known."""
    if data.scale is None or data.zero_point is None or not 0 < data.scale < float("inf"):
        return CODES
    radius = sigmoid_radius(Affine.make(data.scale, data.zero_point))
    low, high = data.zero_point - radius + 1, data.zero_point + radius - 1
    return max(0, min(127, high) - max(-128, low) + 1)


def softmax(spec: LayerSpec, isa: Isa) -> Features:
    """Rows along the last axis: largest value, sum of exponentials, division."""
    data = spec.input(0)
    depth = spec.output.shape[-1] if spec.output.shape else 1
    rows = spec.output.elements // max(1, depth)
    vectors = -(-depth // 16) if isa is Isa.MVE else 0
    scale = None if data is None else data.scale
    return {
        "rows": rows,
        "elements": spec.output.elements,
        EXPONENTIALS: spec.output.elements * _computed_share(scale),
        "vectors": rows * vectors,
    }


def _computed_share(scale: float | None) -> float:
    """The share of values near enough to the largest one for their exponential to be computed.

    Of values spread evenly over the int8 range. Fixed point with 5 integer bits reaches as far
    as 31 / scale, with the scale rounded up to a power of two.
    """
    if scale is None or scale <= 0:
        return 1.0
    reach = 31 / 2.0 ** ceil(log2(scale))
    return min(1.0, (reach + 1) / 256)
