"""Whether any input can show a fault of one step: by enumeration of what the kernels are fed.

A fault can't be shown where both give the same number for every sum (pair, row) within the bounds
of the range analysis. What isn't enumerated counts as something that an input can show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.support.steps import LAYERS, Stepped
from tflopt.arith.affine import affine_of
from tflopt.arith.fixed_point import (
    Ints,
    clamp,
    divide_by_power_of_two,
    ints,
    multiply,
    quantize_multiplier,
)
from tflopt.arith.reduction import every_sum, mean
from tflopt.arith.softmax import SUM_BITS, exponentials, shares
from tflopt.facts.tables import combined, fused_of, pair_table
from tflopt.ir import Model, Op, OpCode
from tflopt.ir.options import SoftmaxOptions
from tflopt.ranges import Interval, Ranges, ranges_of
from tflopt.ranges.accumulators import Accumulator, accumulator_of

Mask = npt.NDArray[np.bool_]
WIDEST = 4
EVERY = np.arange(-128, 128, dtype=np.int64)


def can_be_shown(clean: Model, faulty: Model, stepped: Stepped) -> bool:
    """False where it is certain that no input of the operators shows the difference."""
    old, new = (model.main.ops[stepped.number] for model in (clean, faulty))
    ranges = ranges_of(clean.main)
    touched = [(old, new)]
    if stepped.kind in ("output-scale", "zero-point"):
        numbers = [clean.main.ops.index(user) for user in old.output.users]
        touched += [(clean.main.ops[number], faulty.main.ops[number]) for number in numbers]
    return not all(_alike(one, two, ranges) for one, two in touched)


def _alike(one: Op, two: Op, ranges: Ranges) -> bool:
    """Whether both give the same for whatever they are fed."""
    if one.code in LAYERS:
        return _layers_alike(one, two, ranges)
    if one.code is OpCode.SOFTMAX:
        return _softmax_alike(one, two)
    if one.code is OpCode.MEAN:
        return _means_alike(one, two)
    if any(value is not None and value.is_constant for value in one.inputs[:2]):
        return _operands_alike(one, two, ranges)
    if one.code in (OpCode.ADD, OpCode.MUL):
        return _pairs_alike(one, two)
    return False


@dataclass(frozen=True)
class _Channels:
    low: Ints
    high: Ints
    accumulator: Accumulator

    def output(self, totals: Ints) -> Ints:
        """What TFLM gives for sums: the first multiplier, with two roundings."""
        part = self.accumulator
        multiplier, shift = part.multipliers[0]
        held = Accumulator(totals, totals, ((multiplier, shift),), part.target, part.fused)
        return held.output()[0]


def _channels(op: Op, source: Interval | None) -> _Channels | None:
    found = accumulator_of(op, source)
    if found is None or found.wide:
        return None
    return _Channels(found.low, found.high, found)


def _layers_alike(one: Op, two: Op, ranges: Ranges) -> bool:
    """The steps of both lie at the same sums, or no sum reaches any.

    Sums differ where weights or a bias differ: then all that a channel gives must be one number.
    """
    data = one.input(2 if one.code is OpCode.TRANSPOSE_CONV else 0)
    source = None if data is None else ranges.of(data)
    sides = [_channels(op, source) for op in (one, two)]
    if sides[0] is None or sides[1] is None:
        return False
    old, new = sides[0], sides[1]
    if source is not None and _single_tap(one):
        return np.array_equal(_every_output(one, old, source), _every_output(two, new, source))
    apart = _changed(one, two)
    ends = [side.output(end)[apart] for side in (old, new) for end in (side.low, side.high)]
    if any(not np.array_equal(end, ends[0]) for end in ends):
        return False
    if int(old.accumulator.target.zero_point) != int(new.accumulator.target.zero_point):
        return False
    return all(
        np.array_equal(_step(old, level)[~apart], _step(new, level)[~apart])
        for level in range(-127, 128)
    )


def _single_tap(op: Op) -> bool:
    weights = op.inputs[1]
    return weights is not None and weights.elements == max(weights.shape)


def _every_output(op: Op, side: _Channels, source: Interval) -> Ints:
    """What a layer whose outputs read one element gives for each number of it."""
    weights, place = op.inputs[1], 3 if op.code is OpCode.TRANSPOSE_CONV else 2
    params, bias = affine_of(op.input(0)), op.input(place)
    assert weights is not None
    assert params is not None
    numbers = np.arange(int(source.low.min()), int(source.high.max()) + 1)
    sums = (numbers - params.zero_point)[:, None] * ints(weights.array()).reshape(-1)
    return side.output(sums + (0 if bias is None else ints(bias.array()).reshape(-1)))


def _changed(one: Op, two: Op) -> Mask:
    """Which channels have other weights or another bias."""
    axis = 3 if one.code is OpCode.DEPTHWISE_CONV_2D else 0
    weights = [np.moveaxis(op.inputs[1].array(), axis, 0) for op in (one, two) if op.inputs[1]]
    apart = (weights[0] != weights[1]).reshape(len(weights[0]), -1).any(axis=1)
    place = 3 if one.code is OpCode.TRANSPOSE_CONV else 2
    biases = [op.input(place) for op in (one, two)]
    if biases[0] is not None and biases[1] is not None:
        apart |= biases[0].array().reshape(-1) != biases[1].array().reshape(-1)
    return np.asarray(apart)


def _step(side: _Channels, level: int) -> Ints:
    """The least sum of each channel, within its bounds, whose output is at least ``level``."""
    low, high = side.low.copy(), side.high + 1
    while (low < high).any():
        middle = (low + high) >> 1
        reached = side.output(np.minimum(middle, side.high)) >= level
        high = np.where(reached & (low < high), middle, high)
        low = np.where(~reached & (low < high), middle + 1, low)
    return np.asarray(low)


def _softmax_alike(one: Op, two: Op) -> bool:
    """The same exponentials for all 256 differences; of rows of up to four, all of them."""
    data = one.input(0)
    source = affine_of(data)
    if source is None or data is None:
        return False
    assert isinstance(one.options, SoftmaxOptions)
    assert isinstance(two.options, SoftmaxOptions)
    tables = [exponentials(source, each) for each in (one.options.beta, two.options.beta)]
    if np.array_equal(tables[0], tables[1]):
        return True
    width = data.shape[-1]
    return width <= WIDEST and all(
        np.array_equal(_of_rows(tables[0], below, width), _of_rows(tables[1], below, width))
        for below in range(256 if width == WIDEST else 1)
    )


def _of_rows(table: Ints, below: int, width: int) -> Ints:
    """What the highest and the next give in all rows, up to their order, whose last is ``below``
    the highest.
    """
    others = [table[:, None], table[None, :], table[below : below + 1, None]][: width - 1]
    parts = [divide_by_power_of_two(each, SUM_BITS) for each in (table[:1, None], *others)]
    total = np.asarray(sum(parts[1:], parts[0]))
    terms = [np.broadcast_to(each, total.shape) for each in (table[:1, None], table[:, None])]
    return np.stack([shares(ints(each), total) for each in terms])


def _means_alike(one: Op, two: Op) -> bool:
    data = one.input(0)
    assert data is not None
    count, results = data.elements // one.output.elements, []
    for op in (one, two):
        source, target = affine_of(op.input(0)), affine_of(op.output)
        if source is None or target is None:
            return False
        results.append(mean(every_sum(count), count, source, target))
    return np.array_equal(results[0], results[1])


def _operands_alike(one: Op, two: Op, ranges: Ranges) -> bool:
    """For every element of the constants, and every number that the other tensor can have."""
    place = 0 if one.inputs[0] is not None and one.inputs[0].is_constant else 1
    constants = [op.inputs[place] for op in (one, two)]
    data = one.inputs[1 - place]
    if data is None or constants[0] is None or constants[1] is None:
        return False
    interval = ranges.of(data)
    low, high = (-128, 127) if interval is None else (interval.low.min(), interval.high.max())
    values = [ints(value.array().reshape(-1)) for value in constants if value is not None]
    pairs = {(int(a), int(b)) for a, b in zip(*values, strict=True)}
    return all(_one_alike(one, two, place, pair, (int(low), int(high))) for pair in pairs)


def _one_alike(one: Op, two: Op, place: int, pair: tuple[int, int], ends: tuple[int, int]) -> bool:
    results = []
    for op, number in zip((one, two), pair, strict=True):
        sides = [ints([number]), EVERY] if place == 0 else [EVERY, ints([number])]
        found = _prelu(op, number) if op.code is OpCode.PRELU else combined(op, sides)
        if found is None:
            return False
        results.append(found[:, ends[0] + 128 : ends[1] + 129])
    return np.array_equal(results[0], results[1])


def _prelu(op: Op, slope: int) -> Ints | None:
    """What PRELU gives for each number and one slope (``prelu.h``)."""
    x, alpha, out = (affine_of(value) for value in (*op.inputs[:2], op.output))
    if x is None or alpha is None or out is None:
        return None
    plain = quantize_multiplier(x.double / out.double)
    sloped = quantize_multiplier(x.double * alpha.double / out.double)
    q = EVERY - x.zero_point
    found = np.where(q >= 0, multiply(q, *plain), multiply(q * (slope - alpha.zero_point), *sloped))
    return clamp(found + out.zero_point)[None]


def _pairs_alike(one: Op, two: Op) -> bool:
    results = []
    for op in (one, two):
        params, fused = [affine_of(v) for v in (*op.inputs[:2], op.output)], fused_of(op)
        if fused is None or any(each is None for each in params):
            return False
        found = pair_table(op.code, params[0], params[1], params[2], fused)  # type: ignore[arg-type]
        if found is None:
            return False
        results.append(found)
    return np.array_equal(results[0], results[1])
