"""Layers with weights: which input channels they can do without, and how they are cut.

A layer does without a channel whose weights are all zero, and without one that is constant: what
it adds to each sum is then a number, which goes into the bias. Where the layer pads, that number
is added in the middle but not at the border; so a constant other than the zero point can go only
where the taps that may lie in the padding have weights of zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tflopt.arith.fixed_point import Ints, ints, wrap
from tflopt.facts import operators
from tflopt.facts.biases import bias_quantization, part_of
from tflopt.facts.convolution import Convolution, convolution
from tflopt.ir import DType, Op, Quantization, Value
from tflopt.ir.node import Array
from tflopt.ir.options import DepthwiseConv2DOptions, FullyConnectedOptions, TransposeConvOptions
from tflopt.ranges.accumulators import BLOCK
from tflopt.ranges.interval import reshaped
from tflopt.ranges.reach import padded_taps
from tflopt.ranges.types import BIASES, activations_of, has_known_bias
from tflopt.rewrite import Rewriter
from tflopt.rules.channels.links import Indices, Links, Mask
from tflopt.rules.channels.plan import Plan


@dataclass(frozen=True, eq=False)
class Absorbed:
    """What a layer adds to its sums for each input channel that is constant or multiplied by zero.

    Args:
        possible: the input channels that it can do without.
        taps: O, taps, channels.
        value: of each channel that is constant and read, without the zero point; else 0.
    """

    possible: Mask
    taps: Array
    value: Ints

    def added(self, gone: Mask) -> Ints:
        """What goes into the bias of each output channel for the input channels that go."""
        chosen = np.flatnonzero(gone & (self.value != 0))
        parts = [product.sum(axis=1) for product in _products(self.taps, chosen, self.value)]
        return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _products(taps: Array, chosen: Indices, value: Ints) -> Iterator[Ints]:
    """O, chosen channels: what these add to each sum, some output channels at a time."""
    step = max(1, BLOCK // max(1, taps.shape[1] * len(chosen)))
    for first in range(0, len(taps), step):
        yield ints(taps[first : first + step, :, chosen]).sum(axis=1) * value[chosen]


def absorb(taps: Array, outside: Mask, low: Ints, high: Ints, bias: Ints) -> Absorbed:
    """What a layer can do without.

    Args:
        taps: O, taps, channels.
        outside: the taps that may lie in the padding.
        low: of each channel, without the zero point.
        high: likewise.
        bias: of each output channel.
    """
    unread = np.asarray(~taps.any(axis=(0, 1)))
    constant = low == high
    value = np.where(constant, low, 0)
    read = np.where(unread, 0, value)
    border = taps[:, outside].any(axis=(0, 1))
    parts = [np.abs(product).sum(axis=1) for product in _products(taps, np.flatnonzero(read), read)]
    largest = np.abs(bias) + np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    if bool(np.any(wrap(largest) != largest)):
        return Absorbed(unread, taps, np.zeros_like(read))
    possible = np.asarray(unread | (constant & (~border | (value == 0))))
    return Absorbed(possible, taps, read)


def bias_of(op: Op, channels: int) -> Ints | None:
    """The bias as numbers, None where it isn't a constant of the activations' kind."""
    bias, dtype = operators.bias_of(op), op.output.dtype
    if dtype not in BIASES or not has_known_bias(bias, dtype, channels):
        return None
    if bias is None:
        return np.zeros(channels, dtype=np.int64)
    return ints(bias.array()).reshape(-1)


def _is_known(conv: Convolution) -> bool:
    """Whether activations are int8 or int16, and weights int8."""
    axis, output = conv.channel_axis, conv.op.output
    return activations_of(conv.data, conv.weights, output, axis) is not None


def convolution_absorbs(conv: Convolution, links_or_plan: Links | Plan) -> Absorbed | None:
    """Of a CONV_2D of one group."""
    bias = bias_of(conv.op, conv.output_c)
    bounds = links_or_plan.ranges.along(conv.data, 3)
    quant = conv.data.quant
    if bias is None or bounds is None or quant is None or not quant.is_set or quant.is_per_channel:
        return None
    zero = quant.scalar()[1]
    taps = conv.weights.array().reshape(conv.output_c, -1, conv.input_c)
    return absorb(taps, padded_taps(conv.op), bounds[0] - zero, bounds[1] - zero, bias)


def link_convolution(op: Op, links: Links) -> bool:
    """CONV_2D; of several groups, whole groups go."""
    conv = convolution(op)
    if conv is None or not _is_known(conv):
        return False
    if not conv.is_dense:
        return _link_groups(conv, links)
    absorbed = convolution_absorbs(conv, links)
    if absorbed is None:
        return False
    links.hold(conv.data, (0, 1, 2))
    links.hold(op.output, (0, 1, 2))
    links.hold_some(conv.data, 3, ~absorbed.possible)
    links.numbers(op.output, 3)
    return True


def _link_groups(conv: Convolution, links: Links) -> bool:
    """All groups have equally many channels: one goes with all that it reads, or stays."""
    if bias_of(conv.op, conv.output_c) is None:
        return False
    output = conv.op.output
    for value in (conv.data, output):
        links.hold(value, (0, 1, 2))
    firsts = np.arange(conv.groups) * (conv.input_c // conv.groups)
    for value, count in ((conv.data, conv.input_c), (output, conv.output_c)):
        first = np.repeat(firsts, count // conv.groups)
        links.tie((conv.data, 3), (value, 3), first)
    return True


def cut_convolution(op: Op, plan: Plan, rw: Rewriter) -> None:
    """Rows of the weights are output channels, their last axis is the input's."""
    conv = convolution(op)
    assert conv is not None
    inputs, outputs = plan.of(conv.data, 3), plan.of(op.output, 3)
    if not conv.is_dense:
        _write(op, rw, {0: outputs}, None, outputs)
        return
    added: Ints | None = None
    if inputs is not None:
        absorbed = convolution_absorbs(conv, plan)
        assert absorbed is not None
        added = absorbed.added(~inputs)
    _write(op, rw, {0: outputs, 3: inputs}, added, outputs)


def link_depthwise(op: Op, links: Links) -> bool:
    """Each output channel goes with the input channel that it reads, or alone from a single one."""
    conv = convolution(op)
    if conv is None or not _is_known(conv) or bias_of(op, conv.output_c) is None:
        return False
    links.hold(conv.data, (0, 1, 2))
    links.hold(op.output, (0, 1, 2))
    if conv.input_c == 1:
        links.hold(conv.data, (3,))
        links.numbers(op.output, 3)
        return True
    read = np.repeat(np.arange(conv.input_c), conv.multiplier)
    links.tie((conv.data, 3), (op.output, 3), read)
    return True


def cut_depthwise(op: Op, plan: Plan, rw: Rewriter) -> None:
    """The weights' last axis is the output's channels."""
    conv = convolution(op)
    assert conv is not None
    outputs, options = plan.of(op.output, 3), op.options
    if outputs is None:
        return
    assert isinstance(options, DepthwiseConv2DOptions)
    if conv.input_c == 1:
        rw.set_options(op, replace(options, depth_multiplier=int(outputs.sum())))
    _write(op, rw, {3: outputs}, None, outputs)


def link_dense(op: Op, links: Links) -> bool:
    """FULLY_CONNECTED, whose columns may run over several axes of its input."""
    data, weights = op.input(0), op.input(1)
    if data is None or weights is None or not _is_dense(op, data, weights):
        return False
    axes = _trailing(data, weights.shape[1])
    if axes is None:
        return False
    axis = links.free_axis(data, axes)
    absorbed = _dense_absorbs(op, data, weights, links)
    if absorbed is None:
        return False
    links.axes[op] = axis
    index = column_index(data, weights.shape[1], axis)
    needed = np.bincount(index, ~absorbed.possible, minlength=data.shape[axis]) > 0
    links.hold(data, [other for other in range(len(data.shape)) if other != axis])
    links.hold(op.output, range(len(op.output.shape) - 1))
    links.hold_some(data, axis, needed)
    links.numbers(op.output, len(op.output.shape) - 1)
    return True


def _is_dense(op: Op, data: Value, weights: Value) -> bool:
    options = op.options
    if not isinstance(options, FullyConnectedOptions) or options.weights_format:
        return False
    if len(weights.shape) != 2 or not op.output.shape:
        return False
    if activations_of(data, weights, op.output, 0) is None:
        return False
    return op.output.shape[-1] == weights.shape[0] and weights.elements > 0


def _trailing(data: Value, columns: int) -> list[int] | None:
    """The last axes that hold as many elements as there are columns."""
    if not data.shape:
        return None
    first, product = len(data.shape) - 1, data.shape[-1]
    while first and product < columns:
        first -= 1
        product *= data.shape[first]
    return list(range(first, len(data.shape))) if product == columns else None


def column_index(data: Value, columns: int, axis: int) -> Indices:
    """For each column of a FULLY_CONNECTED the index of ``axis`` that it reads."""
    inner = int(np.prod(data.shape[axis + 1 :], dtype=np.int64))
    return np.arange(columns, dtype=np.int64) // inner % data.shape[axis]


def _dense_absorbs(op: Op, data: Value, weights: Value, links: Links | Plan) -> Absorbed | None:
    outputs, columns = weights.shape
    source, bias = links.ranges.of(data), bias_of(op, outputs)
    if source is None or bias is None or data.quant is None or data.quant.is_per_channel:
        return None
    rows = reshaped(source, data.shape, (data.elements // columns, columns))
    low, high = (end - data.quant.scalar()[1] for end in rows.along(1, columns))
    taps = weights.array()[:, None, :]
    return absorb(taps, np.zeros(1, dtype=np.bool_), low, high, bias)


def cut_dense(op: Op, plan: Plan, rw: Rewriter) -> None:
    """Rows of the weights are output channels, columns the input's elements."""
    data, weights = op.inputs[:2]
    assert data is not None
    assert weights is not None
    outputs = plan.of(op.output, len(op.output.shape) - 1)
    inputs = plan.of(data, plan.axes[op])
    added: Ints | None = None
    if inputs is not None:
        absorbed = _dense_absorbs(op, data, weights, plan)
        assert absorbed is not None
        inputs = inputs[column_index(data, weights.shape[1], plan.axes[op])]
        added = absorbed.added(~inputs)
    _write(op, rw, {0: outputs, 1: inputs}, added, outputs)


def link_transposed(op: Op, links: Links) -> bool:
    """TRANSPOSE_CONV: which taps meet differs from place to place, so only zeros can go."""
    weights, data = op.input(1), op.input(2)
    if weights is None or data is None or not isinstance(op.options, TransposeConvOptions):
        return False
    if len(data.shape) != 4 or len(weights.shape) != 4:
        return False
    if activations_of(data, weights, op.output, 0) is not DType.INT8:
        return False
    bias, shape = bias_of(op, weights.shape[0]), op.input(0)
    quant, bounds = data.quant, links.ranges.along(data, 3)
    if bias is None or shape is None or shape.ints() is None or quant is None or bounds is None:
        return False
    if quant.is_per_channel or shape.elements != 4 or weights.shape[3] != data.shape[3]:
        return False
    low, high = (end - quant.scalar()[1] for end in bounds)
    taps = weights.array().reshape(weights.shape[0], -1, weights.shape[3])
    absorbed = absorb(taps, np.ones(taps.shape[1], dtype=np.bool_), low, high, bias)
    links.hold(data, (0, 1, 2))
    links.hold(op.output, (0, 1, 2))
    links.hold_some(data, 3, ~absorbed.possible)
    links.numbers(op.output, 3)
    return True


def cut_transposed(op: Op, plan: Plan, rw: Rewriter) -> None:
    """As CONV_2D; the shape of the output is an input."""
    data, shape = op.operand(2), op.operand(0)
    outputs = plan.of(op.output, 3)
    _write(op, rw, {0: outputs, 3: plan.of(data, 3)}, None, outputs)
    if outputs is not None:
        numbers = shape.array().copy()
        numbers.reshape(-1)[3] = int(outputs.sum())
        rw.set_input(op, 0, rw.constant(numbers, shape, quant=shape.quant, name=shape.name))


def _write(
    op: Op, rw: Rewriter, axes: dict[int, Mask | None], added: Ints | None, outputs: Mask | None
) -> None:
    """New weights without what goes, and a new bias with what is added."""
    weights = op.operand(1)
    data = weights.array()
    for axis, kept in axes.items():
        data = data if kept is None else np.compress(kept, data, axis)
    quant = _cut_quant(weights.quant, outputs)
    rw.set_input(op, 1, rw.constant(data, weights, quant=quant, name=weights.name))
    _write_bias(op, rw, added, outputs)


def _write_bias(op: Op, rw: Rewriter, added: Ints | None, outputs: Mask | None) -> None:
    position = operators.facts_of(op).bias
    assert position is not None
    old = op.input(position)
    changes = added is not None and bool(added.any())
    if not changes and (old is None or outputs is None):
        return
    total = added if added is not None else np.zeros(1, dtype=np.int64)
    total = total if old is None else total + ints(old.array()).reshape(-1)
    if old is None:
        quant = bias_quantization(operators.data_of(op), op.inputs[1])
    else:
        quant = _cut_quant(old.quant, outputs)
    total = total if outputs is None else total[outputs]
    like = op.inputs[1] if old is None else old
    assert like is not None
    dtype = np.int32 if BIASES[op.output.dtype] is DType.INT32 else np.int64
    bias = rw.constant(total.astype(dtype), like, quant=quant, name=old.name if old else None)
    rw.set_inputs(op, [*op.inputs[:position], bias, *op.inputs[position + 1 :]])


def _cut_quant(quant: Quantization | None, outputs: Mask | None) -> Quantization | None:
    """Per-channel scales of the output channels that stay; of another number they are no one's."""
    if quant is None or outputs is None or quant.count != outputs.size:
        return quant
    return part_of(quant, outputs)
