"""Maps of 256 values behind an operator, as another fused activation and quantization of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from tflopt.arith.affine import LIMITS, Affine, activation_range, affine_of
from tflopt.arith.fixed_point import INT8_MAX, INT8_MIN, Ints, clamp, ints
from tflopt.facts.clamps import fused_activation, reachable
from tflopt.facts.operators import CONVOLUTIONS, DENSE
from tflopt.facts.tables import ARITHMETIC, EVERY_INT8, at, distinct, pair_table
from tflopt.ir import Activation, DType, Op, OpCode, Value
from tflopt.rewrite import Reason, Why
from tflopt.rules.islands.island_forms import Distance

SUMMING = CONVOLUTIONS | DENSE
LARGEST_MULTIPLIER = 0.5
"""Below it no int32 accumulator is requantized to more than 2^30, whatever is added to it."""
TWICE = Why.REQUANTIZES("it requantizes as well; rounding twice is not rounding once")
SAMPLE = 8
"""Values of each input by which most maps are told from a clamp."""
Pair = tuple[float, int]
Input = tuple[Pair, bytes]


@dataclass(frozen=True)
class FusedMap:
    """The nearest fused form, and how far it is from the targets."""

    activation: Activation
    distance: Distance


def fused_map(op: Op, results: Ints, output: Value, *, is_asked: bool = True) -> FusedMap | Reason:
    """``op`` with the quantization of ``output`` and a fused activation, for what a table makes.

    ADD, SUB and MUL: every pair of inputs that can occur. CONV_2D, DEPTHWISE_CONV_2D and
    FULLY_CONNECTED between equal scales, where the multipliers stay as they are: every number
    that an int8 value plus or minus the zero points can be. A text where there is no such form.

    Args:
        op: an operator with a fused activation.
        results: what becomes of each of its 256 values, shaped (2, 256).
        output: the tensor to which ``results`` leads.
        is_asked: how far it is matters where it isn't equal; else that is told of a few values.
    """
    before, after = affine_of(op.output), affine_of(output)
    fused = fused_activation(op)
    if before is None or after is None or fused is None:
        return Why.OTHER("it has no quantization of one scale")
    if op.code in ARITHMETIC:
        return _of_pairs(op, results, before, after, fused, is_asked=is_asked)
    if op.code not in SUMMING:
        return Why.OTHER("a pool has the same quantization on both sides")
    if before.scale != after.scale:
        return TWICE
    if not _is_small(op, after):
        return Why.OTHER("its accumulators may be requantized beyond 2^30")
    return _of_sums(results, before, after, fused)


def _of_sums(results: Ints, before: Affine, after: Affine, fused: Activation) -> FusedMap:
    """Requantized accumulators; whatever lies beyond is clamped as the ends are."""
    zeros = int(before.zero_point), int(after.zero_point)
    raw = np.arange(INT8_MIN - 1 - max(zeros), INT8_MAX + 2 - min(zeros), dtype=np.int64)
    low, high = activation_range(fused, before)
    values = np.clip(raw + before.zero_point, low, high)
    return _nearest(
        at(results, values),
        [
            (activation, _clamped(raw + after.zero_point, activation, after))
            for activation in LIMITS
        ],
    )


def _clamped(values: Ints, activation: Activation, target: Affine) -> Ints | None:
    low, high = activation_range(activation, target)
    return np.clip(values, low, high) if low <= high else None


def _of_pairs(
    op: Op, results: Ints, before: Affine, after: Affine, fused: Activation, *, is_asked: bool
) -> FusedMap | Reason:
    inputs = [_input(value) for value in op.inputs]
    if len(inputs) != 2 or inputs[0] is None or inputs[1] is None:
        return Why.NOT_QUANTIZED("it reads a tensor that is not int8 with one scale")
    scales = _numbers(before), _numbers(after)
    return _fused(op.code, ints(results).tobytes(), *inputs, *scales, fused, is_asked)


@lru_cache(maxsize=1024)
def _fused(
    code: OpCode,
    results: bytes,
    first: Input,
    second: Input,
    before: Pair,
    after: Pair,
    fused: Activation,
    is_asked: bool,
) -> FusedMap | Reason:
    """A search asks the same of every result that it makes."""
    scales = [Affine.make(*params) for params in (first[0], second[0], before, after)]
    values = [np.frombuffer(numbers, np.int64) for _, numbers in (first, second)]
    after_it = np.frombuffer(results, np.int64).reshape(-1, EVERY_INT8.size)
    compare = partial(_compared, code, after_it, scales, fused)
    if not is_asked:
        some = compare([_thinned(numbers) for numbers in values])
        if isinstance(some, Reason) or some.distance.differing:
            return some
    return compare(values)


def _thinned(values: Ints) -> Ints:
    return values[:: max(1, len(values) // SAMPLE)]


def _compared(
    code: OpCode,
    after_it: Ints,
    scales: Sequence[Affine],
    fused: Activation,
    values: Sequence[Ints],
) -> FusedMap | Reason:
    """What becomes of every pair of these values, and what each activation makes of it. Kernels
    clamp last, so that what they clamp is computed once.
    """
    one, two, before, after = scales
    between = pair_table(code, one, two, before, fused, values)
    if between is None:
        return Why.OTHER("its arithmetic is not defined for these scales")
    unclamped = pair_table(code, one, two, after, Activation.NONE, values)
    if unclamped is None:
        return Why.OTHER("TFLM does not take these scales in one operator")
    targets = np.take_along_axis(after_it[:, None], between - INT8_MIN, axis=2)
    forms = [(form, clamp(unclamped, *activation_range(form, after))) for form in LIMITS]
    return _nearest(targets, [*forms])


def _numbers(params: Affine) -> Pair:
    return float(params.scale), int(params.zero_point)


def _input(value: Value | None) -> Input | None:
    """The parameters of an input, and the values that it can have, as the bytes of int64."""
    params = affine_of(value)
    if value is None or params is None or value.dtype is not DType.INT8:
        return None
    if not value.is_constant:
        return _numbers(params), ints(reachable(value)).tobytes()
    if not value.has_data or value.extra.sparsity is not None or not value.elements:
        return None
    return _numbers(params), distinct(ints(value.array())).tobytes()


def _is_small(op: Op, target: Affine) -> bool:
    source, weights = affine_of(op.input(0)), op.input(1)
    if source is None or weights is None or weights.quant is None or weights.quant.scale is None:
        return False
    scales = np.asarray(weights.quant.scale, dtype=np.float64)
    return bool(np.all(source.double * scales / target.double < LARGEST_MULTIPLIER))


def _nearest(targets: Ints, forms: list[tuple[Activation, Ints | None]]) -> FusedMap:
    maps = []
    for activation, table in forms:
        if table is not None:
            apart = np.abs(targets - table).max(axis=0)
            distance = Distance(int(apart.max()), int(np.count_nonzero(apart)), apart.size)
            maps.append(FusedMap(activation, distance))
    return min(
        maps, key=lambda candidate: (candidate.distance.differing, candidate.distance.largest)
    )
