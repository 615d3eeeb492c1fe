"""Which channels an optimization took out of each layer, why, and where their constants went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from tflopt.facts.operators import Kind, kind_of
from tflopt.ir import Graph, Model, Op, Value
from tflopt.ir.node import Array
from tflopt.ir.origin import Origin
from tflopt.ranges import Ranges, ranges_of
from tflopt.report.channels import constant_channels, has_weights, layer_ops
from tflopt.rules.channels.links import Mask
from tflopt.rules.channels.plan import Plan
from tflopt.rules.channels.remove import plan_of
from tflopt.rules.channels.twins import Twins, twins_of

ABSORBS = frozenset({Kind.CONVOLUTION, Kind.DENSE, Kind.TRANSPOSE_CONV})
"""Layers that sum channels up: what constant ones add is in their biases."""
MOST_ELEMENTS = 1 << 24
"""Of a tensor whose elements are followed."""


class Why(Enum):
    """Why a channel could go."""

    CONSTANT = "its weights are zero"
    SATURATED = "its sum never leaves the clamp, or never moves the output by a step"
    UNREAD = "every reader multiplies it by zero or leaves it out"
    TWIN = "another channel is always equal"
    UNNEEDED = "all that it led to has gone"


@dataclass(frozen=True)
class Gone:
    """Channels of one layer that went for the same reason.

    Args:
        channels: their indices in the original.
        values: of constant ones the stored number that they had; else empty.
        twins: of twins the channel that is read instead; else empty.
    """

    why: Why
    channels: tuple[int, ...]
    values: tuple[int, ...] = ()
    twins: tuple[int, ...] = ()


@dataclass(frozen=True)
class RemovedChannels:
    """What went of one layer of the original.

    Args:
        into: the operators, by index, whose biases have what its constant channels added.
        stored: the layer went as a whole, and a constant is there instead, or nobody read it.
    """

    subgraph: int
    index: int
    operator: str
    name: str
    before: int
    gone: tuple[Gone, ...]
    into: tuple[int, ...] = ()
    stored: bool = False

    @property
    def after(self) -> int:
        """Channels that are left."""
        return self.before - sum(len(group.channels) for group in self.gone)

    @property
    def is_constant(self) -> bool:
        """Whether any of what went had one value."""
        return any(group.values for group in self.gone)


def removed_channels(original: Model, result: Model) -> list[RemovedChannels]:
    """Every layer with weights of the original that lost channels, in execution order.

    Layers that were replaced as a whole aren't in it, but those that are the same for every input.
    """
    left = _left(result)
    removed = []
    for number, graph in enumerate(original.graphs):
        layers = [(op, _lost(op, left.get((number, place)))) for op, place in _places(graph)]
        if not any(lost is None or lost.any() for _, lost in layers):
            continue
        facts = _Facts.of(graph)
        order = {op: index for index, op in enumerate(graph.ops)}
        for op, lost in layers:
            gone, name = facts.gone(op, lost), op.output.name or ""
            if not gone:
                continue
            row = RemovedChannels(
                number, order[op], op.opcode.label, name, op.output.shape[-1], gone
            )
            readers = () if lost is None or not row.is_constant else _absorbers(op.output)
            into = tuple(sorted(order[reader] for reader in readers))
            removed.append(replace(row, into=into, stored=lost is None))
    return removed


@dataclass(frozen=True)
class _Facts:
    """What is known of the channels of a graph of the original."""

    ranges: Ranges
    unread: Plan | None
    twins: Twins

    @classmethod
    def of(cls, graph: Graph) -> _Facts:
        return cls(ranges_of(graph), plan_of(graph, Ranges(graph)), twins_of(graph))

    def gone(self, op: Op, lost: Mask | None) -> tuple[Gone, ...]:
        """The lost channels by reason, without any where the layer was replaced as a whole."""
        value, last = op.output, len(op.output.shape) - 1
        constant = constant_channels(self.ranges, value)
        if lost is None and not constant.all():
            return ()
        lost = np.ones(value.shape[-1], dtype=np.bool_) if lost is None else lost
        kept = None if self.unread is None else self.unread.of(value, last)
        unread = np.zeros(len(lost), dtype=np.bool_) if kept is None else ~kept
        weighs = has_weights(op, len(lost))
        twins = self._twins(value, lost)
        reasons = {
            Why.CONSTANT: constant & ~weighs,
            Why.SATURATED: constant & weighs,
            Why.UNREAD: unread,
            Why.TWIN: np.asarray([channel in twins for channel in range(len(lost))]),
            Why.UNNEEDED: np.ones(len(lost), dtype=np.bool_),
        }
        groups, rest = [], lost
        for why, mask in reasons.items():
            channels = tuple(np.flatnonzero(rest & mask).tolist())
            rest = np.asarray(rest & ~mask)
            if channels:
                groups.append(self._group(value, why, channels, twins))
        return tuple(groups)

    def _group(
        self, value: Value, why: Why, channels: tuple[int, ...], twins: dict[int, int]
    ) -> Gone:
        bounds = self.ranges.along(value, len(value.shape) - 1)
        if why in (Why.CONSTANT, Why.SATURATED) and bounds is not None:
            return Gone(why, channels, values=tuple(int(bounds[0][c]) for c in channels))
        if why is Why.TWIN:
            return Gone(why, channels, twins=tuple(twins[c] for c in channels))
        return Gone(why, channels)

    def _twins(self, value: Value, lost: Mask) -> dict[int, int]:
        """For lost channels the equal one that is left."""
        labels = self.twins.labels.get(value)
        if labels is None:
            return {}
        left = {int(labels[channel]): int(channel) for channel in np.flatnonzero(~lost)[::-1]}
        pairs = ((int(channel), int(labels[channel])) for channel in np.flatnonzero(lost))
        return {channel: left[label] for channel, label in pairs if label in left}


def _places(graph: Graph) -> list[tuple[Op, int]]:
    """The layers with the number of the tensor that each produces."""
    number = {value: index for index, value in enumerate(graph.values)}
    return [(op, number[op.output]) for op in layer_ops(graph)]


def _left(result: Model) -> dict[tuple[int, int], list[Origin]]:
    """What the result's operators produce, by the tensor of the original that it comes from."""
    by_origin: dict[tuple[int, int], list[Origin]] = {}
    for graph in result.graphs:
        for op in graph.ops:
            for origin in (value.origin for value in op.outputs if value.origin is not None):
                by_origin.setdefault((origin.subgraph, origin.tensor), []).append(origin)
    return by_origin


def _lost(op: Op, origins: Sequence[Origin] | None) -> Mask | None:
    """The channels of which no element is left, None where nothing is."""
    if not origins:
        return None
    value = op.output
    if value.elements > MOST_ELEMENTS:
        return None
    channels: Array = np.arange(value.elements) % value.shape[-1]
    lost = np.ones(value.shape[-1], dtype=np.bool_)
    for origin in origins:
        kept = channels
        for part in origin.parts:
            kept = part.of(kept)
        lost[kept] = False
    return lost


def _absorbers(value: Value) -> set[Op]:
    """The layers that sum a value's channels up, through operators that hand channels on."""
    absorbers, seen, waiting = set[Op](), set[Value](), [value]
    while waiting:
        current = waiting.pop()
        for op in current.users:
            if kind_of(op) in ABSORBS:
                absorbers.add(op)
                continue
            new = [output for output in op.outputs if output not in seen]
            seen.update(new)
            waiting += new
    return absorbers


def as_data(row: RemovedChannels) -> dict[str, object]:
    """For the JSON report."""
    return {
        "subgraph": row.subgraph,
        "index": row.index,
        "operator": row.operator,
        "name": row.name,
        "before": row.before,
        "after": row.after,
        "constants_in": list(row.into),
        "stored": row.stored,
        "removed": [
            {
                "reason": group.why.name.lower(),
                "channels": list(group.channels),
                "values": list(group.values),
                "twins": list(group.twins),
            }
            for group in row.gone
        ],
    }
