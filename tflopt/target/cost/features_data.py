"""Features that depend on the data, and how far: a prediction is for values spread evenly.

Sources: TFLM reference/integer_ops/logistic.h and tanh.h, quantization_util.cc
(CalculateInputRadius); CMSIS-NN arm_softmax_s8.c.
"""

from __future__ import annotations

from math import ceil, log2

from tflopt.arith.affine import Affine
from tflopt.arith.unary import sigmoid_radius
from tflopt.facts.tables import ARITHMETIC
from tflopt.ir import DType
from tflopt.target.cortex_m import Isa
from tflopt.target.cost.copies import Features
from tflopt.target.cost.features_other import elementwise
from tflopt.target.cost.spec import LayerSpec, TensorSpec

CODES = 256
COMPUTED, EXPONENTIALS = "computed", "exponentials"
NEGATIVE = ("first negative", "second negative")
UNLIKE = "unlike signs"


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
    found = elementwise(spec, isa)
    data = spec.input(0)
    if data is None or data.dtype is not DType.INT8:
        return found
    return {"elements": data.elements, COMPUTED: data.elements * _near_codes(data) / CODES}


def rounds_by_sign(spec: LayerSpec) -> bool:
    """Whether TFLM's own loop of int8 takes branches on the sign of what it rounds."""
    signed = spec.code in ARITHMETIC
    return signed and spec.output.dtype is DType.INT8


def signs(spec: LayerSpec) -> Features:
    """ADD, MUL and SUB of int8 with broadcasting: rounding takes longer below zero."""
    operands = (spec.input(0), spec.input(1))
    first, second = (_below_zero(each) for each in operands)
    count = spec.output.elements
    return {
        NEGATIVE[0]: count * first,
        NEGATIVE[1]: count * second,
        UNLIKE: count * (first * (1 - second) + second * (1 - first)),
    }


def _signs(spec: LayerSpec, features: Features) -> tuple[Features, Features]:
    """All signs as they cost least and most; a zero point of -128 leaves nothing below zero."""
    count = float(spec.output.elements)
    most = {name: count if features[name] else 0.0 for name in (*NEGATIVE, UNLIKE)}
    fixed = {name: count if features[name] == count else 0.0 for name in NEGATIVE}
    return {**fixed, UNLIKE: 0.0}, most


def _below_zero(data: TensorSpec | None) -> float:
    """The share of the int8 values that stand for negative numbers, a half where that is open."""
    if data is None or data.zero_point is None:
        return 0.5
    return min(CODES, max(0, data.zero_point + 128)) / CODES


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
