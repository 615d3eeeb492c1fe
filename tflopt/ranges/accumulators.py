"""Bounds of weighted sums: CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED.

Every product lies between its weight times the input's lowest and times its highest number, and
is zero where the kernel pads: each kind of place, by the taps that read the input there, has its
own sums. They are exact, and requantization never falls while its accumulator rises, so that the
two ends bound all between them. Both precisions in which versions of TFLM compute multipliers are
taken together, and for FULLY_CONNECTED one rounding, as LiteRT does it, as well as TFLM's two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from tflopt.arith.accumulator import convolution_multiplier, dense_multiplier
from tflopt.arith.affine import LIMITS, Affine, Precision, activation_range, affine_of
from tflopt.arith.fixed_point import (
    INT8_MAX,
    INT8_MIN,
    Ints,
    Reals,
    Singles,
    clamp,
    ints,
    multiply,
    multiply_once,
    multiply_wide,
    overflows,
    overflows_wide,
    wrap,
)
from tflopt.facts.convolution import Convolution, convolution
from tflopt.facts.operators import DENSE, channel_axis_of
from tflopt.ir import Activation, DType, Op, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ir.options import FullyConnectedOptions, TransposeConvOptions
from tflopt.ranges.interval import Interval, reshaped
from tflopt.ranges.reach import OUTSIDE, Reach, columns_of_places, reach_of
from tflopt.ranges.types import activations_of, has_known_bias

LARGEST_SHIFT = 30
INT16_MIN, INT16_MAX = -(1 << 15), (1 << 15) - 1
BLOCK = 1 << 18
"""Weights that are summed up at a time: in double precision they take eight times their bytes."""
Rounding = Callable[[Ints, Ints, Ints], Ints]


@dataclass(frozen=True, eq=False)
class Accumulator:
    """Bounds of the int32 sums of each output channel, bias included, and how they go on.

    ``low`` and ``high`` have the channels as last axis; in front of it there may be rows.

    ``multipliers`` has a pair of multiplier and shift for each precision, ``roundings`` the ways in
    which runtimes apply it. ``wide``: activations are int16, and sums int64.
    """

    low: Ints
    high: Ints
    multipliers: tuple[tuple[Ints, Ints], ...]
    target: Affine
    fused: Activation
    roundings: tuple[Rounding, ...] = (multiply,)
    wide: bool = False

    def output(self) -> tuple[Ints, Ints]:
        """Bounds of the stored output, for each channel."""
        limits = (INT16_MIN, INT16_MAX) if self.wide else (INT8_MIN, INT8_MAX)
        bottom, top = activation_range(self.fused, self.target, *limits)
        bottom = np.minimum(bottom, top)  # the kernels clamp to the lower limit first
        sums, lows, highs = np.stack([self.low, self.high]), list[Ints](), list[Ints]()
        extremes = _extremes(sums)
        for multiplier, shift in self.multipliers:
            if not _is_sane(multiplier, shift) or self._overflows(extremes, multiplier, shift):
                return self._anything(bottom, top)
            for function in self.roundings:
                low, high = function(sums, multiplier, shift)
                lows.append(low)
                highs.append(high)
        ends = reduce(np.minimum, lows), reduce(np.maximum, highs)
        low, high = (clamp(end + self.target.zero_point, bottom, top) for end in ends)
        return low, high

    def _overflows(self, sums: Ints, multiplier: Ints, shift: Ints) -> bool:
        if self.wide:
            return overflows_wide(sums, multiplier, shift)
        return bool(np.any(wrap(sums) != sums)) or overflows(sums, shift)

    def _anything(self, bottom: Ints, top: Ints) -> tuple[Ints, Ints]:
        shape = self.low.shape
        return np.broadcast_to(bottom, shape), np.broadcast_to(top, shape)


def _extremes(sums: Ints) -> Ints:
    """The lowest and the highest of each channel, between which all others lie."""
    rows = sums.reshape(-1, sums.shape[-1])
    return np.stack([rows.min(axis=0), rows.max(axis=0)]) if sums.size else rows


def _is_sane(multiplier: Ints, shift: Ints) -> bool:
    return bool(np.all(multiplier >= 0) and np.all(shift >= -31) and np.all(shift <= LARGEST_SHIFT))


def accumulator_of(op: Op, source: Interval | None) -> Accumulator | None:
    """The sums of a layer of int8 or int16 with constant weights of int8, None for others."""
    if source is None:
        return None
    if op.code in DENSE:
        return _dense(op, source)
    if op.code is OpCode.TRANSPOSE_CONV:
        return _transposed(op, source)
    conv = convolution(op)
    return None if conv is None else _convolution(conv, source)


def _convolution(conv: Convolution, source: Interval) -> Accumulator | None:
    params = affine_of(conv.data)
    dtype = activations_of(conv.data, conv.weights, conv.op.output, conv.channel_axis)
    if params is None or dtype is None or len(source.shape) != 4:
        return None
    weights, reach = conv.weights.array(), reach_of(conv.op, conv.data, source)
    if conv.is_depthwise:
        low, high = (np.repeat(end, conv.multiplier, axis=0) for end in (reach.low, reach.high))
        reach = Reach(low, high, reach.places)
        taps = weights.reshape(-1, conv.output_c).T[:, :, None]  # O, taps, 1
        groups = conv.output_c
    else:
        taps = weights.reshape(conv.output_c, -1, weights.shape[3])
        groups = conv.groups
    sums = _windowed(taps, groups, reach, int(params.zero_point))
    return _accumulator(conv.op, conv.weights, conv.bias, sums, conv.options)


def _windowed(taps: Array, groups: int, reach: Reach, zero: int) -> tuple[Ints, Ints]:
    """Bounds over all places: taps that read alike everywhere are summed up together.

    Args:
        taps: O, taps, channels of a group.
        groups: output channels are in as many groups.
        reach: what they read.
        zero: the input's zero point, which the padding has.
    """
    low, high = reach.low - zero, reach.high - zero
    if reach.places is None:
        bottom, top = weighted(taps, groups, np.minimum(low, 0), np.maximum(high, 0))
        return ints(bottom), ints(top)
    together, kind = columns_of_places(reach.places)
    lows, highs = (np.zeros((len(together), len(taps))) for _ in range(2))
    for column, read in enumerate(together.T):
        parts = weighted(taps[:, kind == column], groups, low, high)
        inside = read != OUTSIDE
        lows[inside] += parts[0].T[read[inside]]
        highs[inside] += parts[1].T[read[inside]]
    return ints(lows.min(axis=0)), ints(highs.max(axis=0))


def weighted(taps: Array, groups: int, low: Ints, high: Ints) -> tuple[Reals, Reals]:
    """Bounds of ``sum(taps * x)`` for each output channel.

    In double precision, in which sums of integers up to 2^53 are exact.

    Args:
        taps: O, taps, channels of a group.
        groups: output channels are in as many groups.
        low: of each input channel, without the zero point; or a column for each of several boxes.
        high: likewise.
    """
    outputs, count, depth = taps.shape
    rows = outputs // groups
    step = max(1, BLOCK // max(1, (1 if groups == 1 else rows) * count * depth))
    if groups == 1:
        cuts = [(slice(i, i + step), slice(None), 1) for i in range(0, max(outputs, 1), step)]
    else:
        cuts = [
            (slice(i * rows, end * rows), slice(i * depth, end * depth), end - i)
            for i in range(0, groups, step)
            for end in [min(i + step, groups)]
        ]
    parts = [_block(taps[out], many, low[read], high[read]) for out, read, many in cuts]
    bottom, top = (np.concatenate(part) for part in zip(*parts, strict=True))
    return bottom, top


def _block(taps: Array, groups: int, low: Ints, high: Ints) -> tuple[Reals, Reals]:
    taps = taps.astype(np.float64)
    both, size = taps.sum(axis=1), np.abs(taps).sum(axis=1)
    outputs, depth = both.shape
    shape = (groups, outputs // groups, depth)
    lows, highs = (end.astype(np.float64).reshape(groups, depth, -1) for end in (low, high))
    middle, reach = both.reshape(shape) @ (lows + highs), size.reshape(shape) @ (highs - lows)
    ends = (middle - reach) / 2, (middle + reach) / 2  # of even numbers
    bottom, top = (end.reshape(outputs, *low.shape[1:]) for end in ends)
    return bottom, top


def _transposed(op: Op, source: Interval) -> Accumulator | None:
    """Each place sums up some of the taps: which, depends on where it lies between the inputs."""
    weights, data = op.input(1), op.input(2)
    if weights is None or data is None or not isinstance(op.options, TransposeConvOptions):
        return None
    params = affine_of(data)
    is_known = activations_of(data, weights, op.output, channel_axis_of(op)) is not None
    if params is None or not is_known or len(source.shape) != 4:
        return None
    if (
        min(data.shape, default=0) <= 0
        or len(weights.shape) != 4
        or weights.shape[3] != data.shape[3]
    ):
        return None
    taps = weights.array().reshape(weights.shape[0], -1, data.shape[3])
    sums = _windowed(taps, 1, reach_of(op, data, source), int(params.zero_point))
    return _accumulator(op, weights, op.input(3), sums, op.options, data)


def _dense(op: Op, source: Interval) -> Accumulator | None:
    data, weights = op.input(0), op.input(1)
    if data is None or weights is None or len(weights.shape) != 2:
        return None
    columns = weights.shape[1]
    if not columns or not data.elements or data.elements % columns:
        return None
    return dense_of(op, *columns_of(data, source, columns))


def dense_of(op: Op, low: Ints, high: Ints) -> Accumulator | None:
    """The sums of a FULLY_CONNECTED for bounds of each column, or for rows of such bounds."""
    data, weights = op.input(0), op.input(1)
    if data is None or weights is None or not isinstance(op.options, FullyConnectedOptions):
        return None
    params = affine_of(data)
    if len(weights.shape) != 2 or activations_of(data, weights, op.output, 0) is None:
        return None
    if params is None:
        return None
    taps = weights.array()[:, None, :]
    bounds = weighted(taps, 1, (low - params.zero_point).T, (high - params.zero_point).T)
    sums = (ints(bounds[0]).T, ints(bounds[1]).T)
    return _accumulator(op, weights, op.input(2), sums, op.options)


def columns_of(data: Value, source: Interval, columns: int) -> tuple[Ints, Ints]:
    """Low and high of what each column of a FULLY_CONNECTED reads."""
    rows = reshaped(source, data.shape, (data.elements // columns, columns))
    return rows.along(1, columns)


def _accumulator(
    op: Op,
    weights: Value,
    bias: Value | None,
    sums: tuple[Ints, Ints],
    options: object,
    data: Value | None = None,
) -> Accumulator | None:
    data = data or op.inputs[0]
    assert data is not None
    dtype = activations_of(data, weights, op.output, channel_axis_of(op))
    source, target = affine_of(data), affine_of(op.output)
    fused = getattr(options, "fused_activation_function", None)
    if dtype is None or source is None or target is None or fused not in LIMITS:
        return None
    assert isinstance(fused, Activation)
    scale = None if weights.quant is None else weights.quant.scale
    if scale is None or not all(map(_is_positive, (source.scale, target.scale, scale))):
        return None
    if not all(INT8_MIN <= int(side.zero_point) <= INT8_MAX for side in (source, target)):
        return None
    if not has_known_bias(bias, dtype, sums[0].shape[-1]):
        return None
    added = 0 if bias is None else ints(bias.array()).reshape(-1)
    multipliers = [convolution_multiplier(source, scale, target)]
    lows, highs = sums[0] + added, sums[1] + added
    if op.code in DENSE and scale.size == 1:
        single = dense_multiplier(source, scale, target, Precision.SINGLE)
        if not all(map(np.array_equal, single, multipliers[0])):
            multipliers.append(single)
    roundings: tuple[Rounding, ...] = (multiply,)
    if op.code in DENSE:
        roundings = (multiply, multiply_once)
    wide = dtype is DType.INT16
    return Accumulator(
        lows,
        highs,
        tuple(multipliers),
        target,
        fused,
        (multiply_wide,) if wide else roundings,
        wide,
    )


def _is_positive(scale: Singles) -> bool:
    return bool(np.all(np.isfinite(scale)) and np.all(scale > 0))
