"""Which channels of a tensor hold the same elements as another one, whatever the input."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np

from tflopt.arith.fixed_point import Ints
from tflopt.facts.convolution import convolution
from tflopt.facts.joins import split_of
from tflopt.facts.operators import CONVOLUTIONS, DENSE, JOINS, PADS, SLICES, SPLITS, VIEWS
from tflopt.facts.pads import amounts_of
from tflopt.facts.slices import region_of
from tflopt.ir import Graph, Op, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ir.options import ConcatenationOptions
from tflopt.ranges.interval import open_axes
from tflopt.ranges.reductions import REDUCTIONS, reduced_axes
from tflopt.rules.channels.moving import BY_CHANNEL, ELEMENTWISE
from tflopt.rules.channels.plan import is_strange

Keys = list[Hashable] | Ints | None
"""Of one output: channels with equal keys are twins."""
MOST_LABELS = 1 << 19
"""Labels given in one graph: a small file may declare tensors of any width."""
MOST_LAYERS = 1 << 12
"""Of which it is remembered which columns are equal."""


@dataclass(frozen=True)
class Whole:
    """A channel of another value, moved as it is."""

    label: int


@dataclass
class Twins:
    """A label for each index of a value's last axis: equal labels, equal elements.

    ``count``: labels from here on are new; ``pairs``: the values of which two indices are equal.
    """

    labels: dict[Value, Ints] = field(default_factory=dict)
    count: int = 0
    pairs: set[Value] = field(default_factory=set)

    def of(self, value: Value) -> Ints:
        """The labels, all different where nothing is known."""
        if value not in self.labels:
            self.enter(value, np.arange(value.shape[-1], dtype=np.int64))
        return self.labels[value]

    def enter(self, value: Value, keys: list[Hashable] | Ints) -> None:
        """Channels with equal keys are twins."""
        if not isinstance(keys, list):
            labels = self.count + keys
            self.count += len(keys)
        else:
            new: dict[Hashable, int] = {}
            told = [
                key.label if isinstance(key, Whole) else new.setdefault(key, self.count + len(new))
                for key in keys
            ]
            labels = np.asarray(told, dtype=np.int64)
            self.count += len(new)
        self.labels[value] = labels
        if len(set(labels.tolist())) < len(labels):
            self.pairs.add(value)


class _Columns:
    """For all clones of one model, which columns of a layer are equal: what a search asks again.

    Layers are told apart by the arrays that hold them, which are kept so that none takes the place
    of another.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, tuple[Ints, tuple[object, ...]]] = {}

    @classmethod
    def by(cls, op: Op) -> _Columns:
        """That of the operator's model."""
        known = op.graph.model.remembered.setdefault(cls, cls())
        assert isinstance(known, _Columns)
        return known

    def of(self, key: Hashable, arrays: tuple[object, ...], make: Callable[[], Ints]) -> Ints:
        """What ``make`` gives, or gave for the same key and arrays."""
        whole = key, *map(id, arrays)
        if whole not in self._answers:
            if len(self._answers) >= MOST_LAYERS:
                self._answers.clear()
            self._answers[whole] = make(), arrays
        return self._answers[whole][0]


def twins_of(graph: Graph) -> Twins:
    """Follow equal channels from layers with equal weights through what handles channels alike."""
    twins, left = Twins(), MOST_LABELS
    for op in graph.ops:
        count = _labels(op)
        if count > left or is_strange(op) or not all(value.shape for value in op.outputs):
            continue
        key_lists = _keys(op, twins)
        left -= count if key_lists else 0
        for value, keys in zip(op.outputs, key_lists, strict=False):
            if keys is not None and len(keys) == value.shape[-1]:
                twins.enter(value, keys)
    return twins


def _keys(op: Op, twins: Twins) -> list[Keys]:
    """For each output, nothing where nothing is known of any."""
    if op.code in SPLITS:
        return _split(op, twins)
    rule = _RULES.get(op.code)
    return [rule(op, twins)] if rule is not None and len(op.outputs) == 1 else []


def _labels(op: Op) -> int:
    """The most that an operator's values may need."""
    values = (*op.inputs, *op.outputs)
    return sum(value.shape[-1] for value in values if value is not None and value.shape)


def _layer(op: Op, twins: Twins) -> Keys:
    """Equal rows of weights, with equal bias and scale."""
    weights = op.input(1)
    if weights is None or not weights.has_array:
        return None
    if op.code in DENSE:
        return _columns(op, weights.array(), 0) if len(weights.shape) == 2 else None
    conv = convolution(op)
    if conv is None or not conv.is_int8:
        return None
    if not conv.is_depthwise:
        return _columns(op, conv.weights.array(), 0) if conv.is_dense else None
    columns = _columns(op, conv.weights.array(), 3)
    if columns is None or len(columns) == columns.max(initial=-1) + 1:
        return columns  # all differ, whatever they read
    read = np.repeat(twins.of(conv.data), conv.multiplier).tolist()
    return list(zip(read, columns.tolist(), strict=True))


def _columns(op: Op, data: Array, axis: int) -> Ints | None:
    """For each column a number, equal for equal ones: 0, 1, 2 and so on where all differ."""
    weights, bias = op.operand(1), op.input(2)
    count, quant = data.shape[axis], weights.quant
    if quant is None or quant.scale is None or quant.count not in (1, count):
        return None
    if bias is not None and (not bias.has_array or bias.elements != count):
        return None
    scale = quant.scale
    held = tuple(None if v is None or v.buffer is None else v.buffer.data for v in (weights, bias))
    key = data.shape, data.dtype.str, axis, scale.tobytes(), None if bias is None else bias.dtype

    def make() -> Ints:
        numbers = np.zeros(count, np.int64) if bias is None else bias.array().reshape(-1)
        scales = np.broadcast_to(scale, (count,))
        rows = (row.tobytes() for row in np.moveaxis(data, axis, 0))
        new: dict[Hashable, int] = {}
        parts = zip(rows, numbers.tolist(), scales.tolist(), strict=True)
        return np.asarray([new.setdefault(part, len(new)) for part in parts], dtype=np.int64)

    return _Columns.by(op).of(key, held, make)


def _alike(op: Op, twins: Twins) -> Keys:
    """Every channel is handled alike."""
    data = op.input(0)
    return None if data is None or not data.shape else _like(data, twins)


def _like(data: Value, twins: Twins) -> list[Hashable] | Ints:
    """Equal where those of another value are."""
    labels = twins.of(data)
    return list(labels.tolist()) if data in twins.pairs else np.arange(len(labels), dtype=np.int64)


def _elementwise(op: Op, twins: Twins) -> Keys:
    channels = op.output.shape[-1]
    parts: list[list[Hashable]] = []
    for value in op.inputs:
        if value is None or (value.shape and value.shape[-1] not in (1, channels)):
            return None
        if not value.shape or value.shape[-1] == 1:
            continue
        if not value.is_constant:
            parts.append(list(twins.of(value).tolist()))
        elif value.has_array:
            columns = np.moveaxis(value.array(), -1, 0)
            parts.append([column.tobytes() for column in columns])
        else:
            return None
    return list(zip(*parts, strict=True)) if parts else None


def _padded(op: Op, twins: Twins) -> Keys:
    """Channels of nothing but padding are twins, too."""
    data, amounts = op.input(0), amounts_of(op)
    if not amounts or data is None or not data.shape or amounts[-1][0] < 0:
        return None
    inner: list[Hashable] = list(twins.of(data).tolist())
    before, after = amounts[-1]
    if before + len(inner) + after != op.output.shape[-1]:
        return None
    return ["padding"] * before + inner + ["padding"] * after


def _sliced(op: Op, twins: Twins) -> Keys:
    data, region = op.input(0), region_of(op)
    if data is None or region is None or open_axes(data):
        return None
    first, cuts = region.begin[-1], region.cuts(data.shape) - {len(data.shape) - 1}
    labels = twins.of(data)[first : first + region.size[-1]].tolist()
    return labels if cuts else list(map(Whole, labels))


def _split(op: Op, twins: Twins) -> list[Keys]:
    split = split_of(op)
    if split is None or open_axes(split.data):
        return []
    labels, rank = twins.of(split.data).tolist(), len(split.data.shape)
    if split.axis != rank - 1:
        return [list(labels)] * len(op.outputs)
    labels = list(map(Whole, labels))
    ends = np.cumsum([value.shape[-1] for value in op.outputs]).tolist()
    return [
        labels[end - value.shape[-1] : end] for value, end in zip(op.outputs, ends, strict=True)
    ]


def _joined(op: Op, twins: Twins) -> Keys:
    """Along the channels one part after the other, along another axis a part of each."""
    options, rank = op.options, len(op.output.shape)
    parts = [twins.of(value).tolist() for value in op.inputs if value is not None and value.shape]
    if not isinstance(options, ConcatenationOptions) or len(parts) != len(op.inputs):
        return None
    if options.axis % rank == rank - 1:
        return [Whole(label) for part in parts for label in part]
    return list(zip(*parts, strict=True)) if len({len(part) for part in parts}) == 1 else None


def _reduced(op: Op, twins: Twins) -> Keys:
    data, axes = op.input(0), reduced_axes(op)
    if data is None or axes is None or len(data.shape) - 1 in axes:
        return None
    return _alike(op, twins)


def _view(op: Op, twins: Twins) -> Keys:
    """The last axis as it was, or joined with the axes in front of it."""
    data, length = op.input(0), op.output.shape[-1]
    if data is None or not data.shape or not data.shape[-1] or length % data.shape[-1]:
        return None
    if data.elements != op.output.elements:
        return None
    inner = twins.of(data).tolist()
    return [(place, label) for place in range(length // len(inner)) for label in inner]


_RULES: dict[OpCode, Callable[[Op, Twins], Keys]] = {
    **dict.fromkeys(CONVOLUTIONS | DENSE, _layer),
    **dict.fromkeys(PADS, _padded),
    **dict.fromkeys(JOINS, _joined),
    **dict.fromkeys(REDUCTIONS, _reduced),
    **dict.fromkeys(BY_CHANNEL, _alike),
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(VIEWS, _view),
    **dict.fromkeys(SLICES, _sliced),
}
