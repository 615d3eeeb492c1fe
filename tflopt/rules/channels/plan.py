"""Which channels of a graph go."""

from __future__ import annotations

from dataclasses import dataclass, field

from tflopt.facts.operators import has_effect
from tflopt.facts.referred import referred
from tflopt.ir import Graph, Op, Value
from tflopt.ranges import Ranges
from tflopt.rules.channels.links import Mask


@dataclass(frozen=True)
class Plan:
    """What stays of each axis that loses indices.

    ``parts`` are the operators that take part. Others keep all that they read, also a constant that
    they share with one that takes part.
    """

    ranges: Ranges
    kept: dict[tuple[Value, int], Mask]
    axes: dict[Op, int] = field(default_factory=dict)
    parts: frozenset[Op] = frozenset()

    def of(self, value: Value | None, axis: int) -> Mask | None:
        """The indices that stay, None for all."""
        return None if value is None else self.kept.get((value, axis % max(len(value.shape), 1)))

    def of_axes(self, value: Value) -> dict[int, Mask]:
        """The axes that lose indices."""
        axes = range(len(value.shape))
        return {axis: self.kept[value, axis] for axis in axes if (value, axis) in self.kept}

    def on(self, copy: Graph) -> Plan:
        """The same plan for a copy of the graph."""
        values = dict(zip(self.ranges.graph.values, copy.values, strict=True))
        ops = dict(zip(self.ranges.graph.ops, copy.ops, strict=True))
        intervals = {values[value]: interval for value, interval in self.ranges.intervals.items()}
        kept = {(values[value], axis): mask for (value, axis), mask in self.kept.items()}
        axes = {ops[op]: axis for op, axis in self.axes.items()}
        return Plan(Ranges(copy, intervals), kept, axes, frozenset(ops[op] for op in self.parts))


def held_by_others(graph: Graph) -> list[Value]:
    """Values that somebody other than the graph's operators refers to."""
    held = [*graph.inputs, *graph.outputs]
    held += [value for value in graph.values if value.is_variable]
    return [*held, *referred(graph)]


def is_strange(op: Op) -> bool:
    """An effect, options that are not modelled, or activations that are quantized per channel."""
    if has_effect(op) or op.extra.options2 is not None or op.extra.custom_options is not None:
        return True
    moving = [value for value in (*op.inputs, *op.outputs) if value is not None]
    moving = [value for value in moving if not value.is_constant]
    return any(value.quant is not None and value.quant.is_per_channel for value in moving)
