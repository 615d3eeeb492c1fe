"""A float softmax between DEQUANTIZE and QUANTIZE, and how far the int8 one may be from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tflopt.arith import softmax
from tflopt.arith.affine import Affine, affine_of
from tflopt.arith.fixed_point import INT8_MAX, INT8_MIN, Ints, Reals, clamp, ints
from tflopt.facts.clamps import is_private
from tflopt.facts.operators import VIEWS
from tflopt.facts.reductions import extents_of
from tflopt.facts.tables import at, requantized_table
from tflopt.ir import Activation, DType, Op, OpCode, Value
from tflopt.ir.options import DivOptions, SoftmaxOptions, SubOptions
from tflopt.rules.islands.islands import dequantized

UNIT_ROUNDOFF = 2.0**-24
EXP_ERROR = 2.0**-20
"""What a C library's ``expf`` may be off by, relatively: 16 units in the last place."""
SUM_ROUNDING = 2.0**-20
"""Half a unit of an exponential once it is shifted into the sum."""
RECIPROCAL_ERROR = 2.0**-26
"""Of the reciprocal by Newton's method, which is between 1/2 and 1."""
MARGIN = 1.01
"""Covers products of rounding errors, which the first-order bound leaves out."""
LARGEST_EXPONENT = 80.0
"""Without the subtraction of the largest element: no sum overflows, no exponential underflows."""
PROBABILITIES = 256


@dataclass(frozen=True)
class Exponential:
    """``exp`` of a dequantized tensor, from which the largest of each row may be subtracted."""

    source: Value
    shifted: bool


@dataclass(frozen=True)
class FloatSoftmax:
    """A softmax over the last axis of a dequantized int8 tensor, which a QUANTIZE alone reads."""

    source: Value
    params: Affine
    target: Affine
    shifted: bool
    beta: float
    count: int


def find_softmax(op: Op) -> FloatSoftmax | None:
    """The softmax that a QUANTIZE reads: one operator, or EXP, SUM and DIV."""
    real, target = op.input(0), affine_of(op.output)
    last = None if real is None else real.producer
    if real is None or last is None or target is None or not is_private(real):
        return None
    if op.output.dtype is not DType.INT8 or real.dtype is not DType.FLOAT32 or not real.shape:
        return None
    exponential, beta = _quotient(last), 1.0
    if last.code is OpCode.SOFTMAX and isinstance(last.options, SoftmaxOptions):
        source = dequantized(last.input(0))
        exponential = None if source is None else Exponential(source, True)
        beta = float(last.options.beta)
    params = None if exponential is None else affine_of(exponential.source)
    if exponential is None or params is None or exponential.source.shape != real.shape:
        return None
    return FloatSoftmax(
        exponential.source, params, target, exponential.shifted, beta, real.shape[-1]
    )


def _quotient(op: Op) -> Exponential | None:
    """DIV of an exponential and the sum of each of its rows."""
    if op.code is not OpCode.DIV or not isinstance(op.options, DivOptions):
        return None
    if op.options.fused_activation_function is not Activation.NONE:
        return None
    above, below = _exponential(op.input(0)), _of_each_row(op.input(1), OpCode.SUM, op.output)
    return above if above is not None and above == _exponential(below) else None


def _exponential(value: Value | None) -> Exponential | None:
    """EXP of a dequantized tensor, or of its difference from REDUCE_MAX."""
    op = None if value is None else value.producer
    if op is None or op.code is not OpCode.EXP:
        return None
    source = dequantized(op.input(0))
    if source is not None:
        return Exponential(source, False)
    before = op.inputs[0].producer if op.inputs[0] is not None else None
    if before is None or before.code is not OpCode.SUB or not _is_plain(before):
        return None
    source = dequantized(before.input(0))
    largest = _of_each_row(before.input(1), OpCode.REDUCE_MAX, before.output)
    same = source is not None and source is dequantized(largest)
    return Exponential(source, True) if source is not None and same else None


def _is_plain(op: Op) -> bool:
    options = op.options
    fused = isinstance(options, SubOptions) and options.fused_activation_function
    return fused is Activation.NONE


def _of_each_row(value: Value | None, code: OpCode, result: Value) -> Value | None:
    """What ``code`` reduces over the last axis, where it broadcasts over the rows of ``result``."""
    if value is None or value.shape != (*result.shape[:-1], 1):
        return None
    op = value.producer
    while op is not None and op.code in VIEWS and op.input(0) is not None:
        op = op.inputs[0].producer if op.inputs[0] is not None else None
    if op is None or op.code is not code or len(op.outputs) != 1:
        return None
    source, extents = op.input(0), extents_of(op)
    if source is None or extents is None or source.shape != result.shape:
        return None
    per_row = extents.inner == 1 and extents.count == result.shape[-1]
    return source if per_row else None


def stays_in_range(island: FloatSoftmax) -> bool:
    """Whether every exponential and sum is a normal float, so that relative errors are bounded."""
    ends = island.params.double * (np.array([INT8_MIN, INT8_MAX]) - island.params.zero_point)
    return island.shifted or bool(np.all(np.abs(ends) <= LARGEST_EXPONENT))


def error_bound(island: FloatSoftmax) -> float:
    """The most by which the two softmaxes differ before they are rounded to a number.

    With E(d) the integer exponential of a difference d: each of ``count`` terms of the sum is off
    by at most ``max |E(d) - e^(-s d)|`` and its rounding, and the sum is at least 1. The float
    exponents are off by four roundings of the largest difference, and the sum by ``count``.
    """
    scale = float(island.params.double) * island.beta
    exact = np.exp(-scale * np.arange(softmax.STEPS))
    terms = softmax.exponentials(island.params, island.beta) / 2.0**31
    term_error = float(np.abs(terms - exact).max())
    sum_error = island.count * (term_error + SUM_ROUNDING)
    integer = (term_error + sum_error) / (1 - sum_error) + 2 * RECIPROCAL_ERROR + 2.0**-31
    exponent = 4 * (softmax.STEPS - 1) * scale * UNIT_ROUNDOFF
    term = float(np.expm1(exponent)) + EXP_ERROR
    return MARGIN * (integer + 2 * term + (island.count + 4) * UNIT_ROUNDOFF)


def softmax_distance(island: FloatSoftmax) -> int | None:
    """The most steps by which the int8 form can be off, over all rows; None where it has none.

    A number v of the int8 softmax stands for probabilities around v / 256, the bound included;
    the ends of each of the 256 ranges are quantized as the float operators do.
    """
    table = form_table(island)
    if table is None or island.count * SUM_ROUNDING > 0.1:
        return None
    error = error_bound(island)
    numbers = np.arange(PROBABILITIES)
    low = (numbers - 0.5) / PROBABILITIES - error
    high = np.where(numbers == PROBABILITIES - 1, 1.0, (numbers + 0.5) / PROBABILITIES) + error
    ends = [_quantize(end, island.target) for end in (np.maximum(low, 0.0), high)]
    return int(max(np.abs(table - end).max() for end in ends))


def _quantize(probabilities: Reals, target: Affine) -> Ints:
    """Probabilities are not negative, so that halves away from zero go up."""
    return clamp(ints(np.floor(probabilities / target.double + 0.5)) + target.zero_point)


def form_table(island: FloatSoftmax) -> Ints | None:
    """What the output is for each number of the int8 softmax, shaped (2, 256)."""
    values = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)
    if has_softmax_scale(island.target):
        return np.stack([values, values])
    between = Affine.make(*softmax.OUTPUT)
    results = requantized_table(between, island.target)
    return None if results is None else at(results, values)


def has_softmax_scale(target: Affine) -> bool:
    """Whether SOFTMAX can give this output itself."""
    scale, zero_point = softmax.OUTPUT
    return bool(target.scale == np.float32(scale) and target.zero_point == zero_point)
