"""Which channels of a tensor hold the same elements as another one, whatever the input."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np

from tflopt.arith.fixed_point import Ints
from tflopt.facts.convolution import convolution
from tflopt.facts.pads import amounts_of
from tflopt.ir import Graph, Op, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ranges.reductions import reduced_axes
from tflopt.rules.channels.moving import BY_CHANNEL, ELEMENTWISE
from tflopt.rules.channels.plan import is_strange

VIEWS = frozenset({OpCode.RESHAPE, OpCode.EXPAND_DIMS, OpCode.SQUEEZE})
MOST_LABELS = 1 << 19
"""Labels given in one graph: a small file may declare tensors of any width."""


@dataclass
class Twins:
    """A label for each index of a value's last axis: equal labels, equal elements."""

    labels: dict[Value, Ints] = field(default_factory=dict)
    known: dict[Hashable, int] = field(default_factory=dict)

    def of(self, value: Value) -> Ints:
        """The labels, all different where nothing is known."""
        if value not in self.labels:
            self.enter(value, [(value, index) for index in range(value.shape[-1])])
        return self.labels[value]

    def enter(self, value: Value, keys: list[Hashable]) -> None:
        """Channels with equal keys are twins."""
        found = [self.known.setdefault((value, key), len(self.known)) for key in keys]
        self.labels[value] = np.asarray(found, dtype=np.int64)


def twins_of(graph: Graph) -> Twins:
    """Follow equal channels from layers with equal weights through what handles channels alike."""
    twins, left = Twins(), MOST_LABELS
    for op in graph.ops:
        rule = _RULES.get(op.code)
        if rule is None or len(op.outputs) != 1 or is_strange(op) or not op.output.shape:
            continue
        count = _labels(op)
        if count > left:
            continue
        left -= count
        keys = rule(op, twins)
        if keys is not None and len(keys) == op.output.shape[-1]:
            twins.enter(op.output, keys)
    return twins


def _labels(op: Op) -> int:
    """The most that an operator's values may need."""
    values = (*op.inputs, *op.outputs)
    return sum(value.shape[-1] for value in values if value is not None and value.shape)


def _layer(op: Op, twins: Twins) -> list[Hashable] | None:
    """Equal rows of weights, with equal bias and scale."""
    weights = op.input(1)
    if weights is None or not weights.has_data or weights.extra.sparsity is not None:
        return None
    if op.code is OpCode.FULLY_CONNECTED:
        return _columns(op, weights.array(), 0) if len(weights.shape) == 2 else None
    found = convolution(op)
    if found is None or not found.is_int8:
        return None
    if op.code is OpCode.CONV_2D:
        return _columns(op, found.weights.array(), 0) if found.is_dense else None
    columns = _columns(op, found.weights.array(), 3)
    if columns is None:
        return None
    read = np.repeat(twins.of(found.data), found.multiplier).tolist()
    return list(zip(read, columns, strict=True))


def _columns(op: Op, data: Array, axis: int) -> list[Hashable] | None:
    weights, bias = op.inputs[1], op.input(2)
    assert weights is not None
    rows = np.moveaxis(data, axis, 0)
    count, quant = len(rows), weights.quant
    if quant is None or quant.scale is None or quant.count not in (1, count):
        return None
    if bias is not None and (not bias.has_data or bias.elements != count):
        return None
    numbers = np.zeros(count, np.int64) if bias is None else bias.array().reshape(-1)
    scales = np.broadcast_to(quant.scale, (count,))
    parts = zip(rows, numbers.tolist(), scales.tolist(), strict=True)
    return [(row.tobytes(), number, scale) for row, number, scale in parts]


def _alike(op: Op, twins: Twins) -> list[Hashable] | None:
    """Every channel is handled alike."""
    data = op.input(0)
    return None if data is None or not data.shape else list(twins.of(data).tolist())


def _elementwise(op: Op, twins: Twins) -> list[Hashable] | None:
    channels = op.output.shape[-1]
    parts: list[list[Hashable]] = []
    for value in op.inputs:
        if value is None or (value.shape and value.shape[-1] not in (1, channels)):
            return None
        if not value.shape or value.shape[-1] == 1:
            continue
        if not value.is_constant:
            parts.append(list(twins.of(value).tolist()))
        elif value.has_data and value.extra.sparsity is None:
            columns = np.moveaxis(value.array(), -1, 0)
            parts.append([column.tobytes() for column in columns])
        else:
            return None
    return list(zip(*parts, strict=True)) if parts else None


def _padded(op: Op, twins: Twins) -> list[Hashable] | None:
    amounts = amounts_of(op)
    return None if amounts is None or not amounts or any(amounts[-1]) else _alike(op, twins)


def _reduced(op: Op, twins: Twins) -> list[Hashable] | None:
    data, axes = op.input(0), reduced_axes(op)
    if data is None or axes is None or len(data.shape) - 1 in axes:
        return None
    return _alike(op, twins)


def _view(op: Op, twins: Twins) -> list[Hashable] | None:
    """The last axis as it was, or joined with the axes in front of it."""
    data, length = op.input(0), op.output.shape[-1]
    if data is None or not data.shape or not data.shape[-1] or length % data.shape[-1]:
        return None
    if data.elements != op.output.elements:
        return None
    inner = twins.of(data).tolist()
    return [(place, label) for place in range(length // len(inner)) for label in inner]


_RULES: dict[OpCode, Callable[[Op, Twins], list[Hashable] | None]] = {
    OpCode.CONV_2D: _layer,
    OpCode.DEPTHWISE_CONV_2D: _layer,
    OpCode.FULLY_CONNECTED: _layer,
    OpCode.PAD: _padded,
    OpCode.PADV2: _padded,
    OpCode.MEAN: _reduced,
    OpCode.SUM: _reduced,
    OpCode.REDUCE_MAX: _reduced,
    OpCode.REDUCE_MIN: _reduced,
    **dict.fromkeys(BY_CHANNEL, _alike),
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(VIEWS, _view),
}
