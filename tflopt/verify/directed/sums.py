"""Layers with weights as what inputs are chosen for: rows of taps, biases, multipliers, limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflopt.arith.accumulator import convolution_multiplier
from tflopt.arith.affine import LIMITS, Affine, activation_range, affine_of
from tflopt.arith.fixed_point import Ints, ints
from tflopt.facts.convolution import convolution
from tflopt.facts.operators import DENSE, TRANSPOSES, VIEWS
from tflopt.facts.pads import amounts_of, pads_zero
from tflopt.facts.transposes import permutation_of
from tflopt.facts.windows import Axis, Window, window_of
from tflopt.ir import Activation, DType, Op, OpCode, Value
from tflopt.ir.options import FullyConnectedOptions
from tflopt.ranges.types import activations_of, has_known_bias

PADDING = -1
Index = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sums:
    """One CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED of int8.

    Attributes:
        taps: for each output channel its weights, in the order of the elements they meet.
        channels: for each output channel the input channels that it reads, one block of taps each.
        window: None for a matrix.
    """

    op: Op
    data: Value
    taps: Ints
    bias: Ints
    multiplier: Ints
    shift: Ints
    source: Affine
    target: Affine
    low: int
    high: int
    channels: Index
    window: Window | None

    @property
    def keys(self) -> list[bytes]:
        """What each channel computes: equal keys, equal integers in the kernel."""
        numbers = np.stack([self.bias, self.multiplier, self.shift], axis=1)
        ends = (self.source.zero_point, self.target.zero_point, self.low, self.high)
        common = np.array([int(end) for end in ends]).tobytes()
        narrow = self.taps.astype(np.int8)
        rows = zip(narrow, numbers, strict=True)
        return [taps.tobytes() + constants.tobytes() + common for taps, constants in rows]

    @property
    def groups(self) -> int:
        """Into how many parts of the input channels the output channels are divided."""
        return self.data.shape[-1] // self.channels.shape[1] if self.window is not None else 1

    def slots(self) -> Index:
        """Places that read no element in common: for each the first element of each tap's block.

        Taps outside of the input are ``PADDING``.
        """
        width = self.data.shape[-1] if self.window is not None else self.taps.shape[1]
        if self.window is None:
            return np.arange(self.data.elements // width)[:, None] * width
        height, across = self.window
        rows, columns = (_apart(axis) for axis in (height, across))
        r, c = rows[:, None, :, None], columns[None, :, None, :]
        places = np.where((r < 0) | (c < 0), PADDING, (r * across.size + c) * width)
        return ints(places).reshape(len(rows) * len(columns), -1)

    def elements(self, slot: Index, channels: Index) -> Index:
        """Which elements some channels read at one slot, or at one each; rows of taps."""
        blocks = np.broadcast_to(slot, (len(channels), slot.shape[-1]))
        read = blocks[:, :, None] + self.channels[channels][:, None, :]
        read = np.where(blocks[:, :, None] == PADDING, PADDING, read)
        return read.reshape(len(channels), self.taps.shape[1])


def _apart(axis: Axis) -> Index:
    """For outputs whose windows have nothing in common, the input's index of each tap."""
    step = -(-axis.span // axis.stride)
    first = min(-(-axis.before // axis.stride), axis.out - 1)
    outputs = np.arange(first, axis.out, step)
    read = outputs[:, None] * axis.stride - axis.before + np.arange(axis.kernel) * axis.dilation
    return np.where((read < 0) | (read >= axis.size), PADDING, read)


def sums_of(op: Op) -> Sums | None:
    """The layer at ``op``; None for other operators, types and quantizations."""
    if op.code in DENSE:
        return _dense(op)
    conv = convolution(op)
    if conv is None or not conv.is_int8 or window_of(op) is None:
        return None
    weights = ints(conv.weights.array())
    if conv.is_depthwise:
        taps = weights.reshape(-1, conv.output_c).T
        channels = np.arange(conv.output_c)[:, None] // conv.multiplier
    else:
        taps = weights.reshape(conv.output_c, -1)
        depth, per_group = weights.shape[3], conv.output_c // conv.groups
        channels = np.arange(conv.output_c)[:, None] // per_group * depth + np.arange(depth)
    return _made(op, conv.data, conv.weights, conv.bias, (taps, ints(channels)))


def _dense(op: Op) -> Sums | None:
    data, weights = op.input(0), op.input(1)
    if data is None or weights is None or not isinstance(op.options, FullyConnectedOptions):
        return None
    known = len(weights.shape) == 2 and activations_of(data, weights, op.output, 0) is DType.INT8
    if not known or not weights.shape[1] or data.elements % weights.shape[1]:
        return None
    taps = ints(weights.array())
    channels = np.broadcast_to(np.arange(taps.shape[1]), taps.shape)
    return _made(op, data, weights, op.input(2), (taps, ints(channels)))


def _made(
    op: Op, data: Value, weights: Value, bias: Value | None, parts: tuple[Ints, Index]
) -> Sums | None:
    source, target = affine_of(data), affine_of(op.output)
    fused = getattr(op.options, "fused_activation_function", None)
    if source is None or target is None or fused not in LIMITS or weights.quant is None:
        return None
    assert isinstance(fused, Activation)
    scale, count = weights.quant.scale, len(parts[0])
    if scale is None or not has_known_bias(bias, DType.INT8, count):
        return None
    if not all(
        np.all(np.isfinite(s)) and np.all(s > 0) for s in (scale, source.scale, target.scale)
    ):
        return None
    multiplier, shift = convolution_multiplier(source, np.broadcast_to(scale, (count,)), target)
    if np.any(shift > 20) or np.any(shift < -31):
        return None
    low, high = activation_range(fused, target)
    added = np.zeros(count, np.int64) if bias is None else ints(bias.array()).reshape(-1)
    window = None if op.code in DENSE else window_of(op)
    taps, channels = parts
    numbers = (added, multiplier, shift)
    return Sums(op, data, taps, *numbers, source, target, int(low), int(high), channels, window)


def traced(value: Value, leaves: Mapping[Value, Index]) -> tuple[Value, Index] | None:
    """The leaf that a tensor's elements come from, and which of its elements each is.

    Through views, transpositions and padding with zero, whose elements are ``PADDING``.
    """
    if value in leaves:
        return value, leaves[value].reshape(value.shape)
    op = value.producer
    source = None if op is None else op.input(0)
    if op is None or source is None:
        return None
    if op.code not in VIEWS | TRANSPOSES | {OpCode.PAD}:
        return None
    origin = traced(source, leaves)
    if origin is None or op.code in VIEWS:
        return origin and (origin[0], origin[1].reshape(value.shape))
    leaf, index = origin
    if op.code in TRANSPOSES:
        perm = permutation_of(op)
        return None if perm is None else (leaf, index.transpose(perm))
    amounts = amounts_of(op)
    if amounts is None or not pads_zero(op):
        return None
    return leaf, np.pad(index, amounts, constant_values=PADDING)
