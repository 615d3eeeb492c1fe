"""Which channels of a graph can go, and what is edited for that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from tflopt.facts.operators import WEIGHTED, data_of, has_effect
from tflopt.ir import Graph, Op, Value
from tflopt.ranges import Ranges
from tflopt.rewrite import Rewriter
from tflopt.rules.channels.links import Links, Mask, TooLarge


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
        found = {values[value]: interval for value, interval in self.ranges.found.items()}
        kept = {(values[value], axis): mask for (value, axis), mask in self.kept.items()}
        axes = {ops[op]: axis for op, axis in self.axes.items()}
        return Plan(Ranges(copy, found), kept, axes, frozenset(ops[op] for op in self.parts))


def plan_of(graph: Graph, ranges: Ranges, spared: Collection[Op] = ()) -> Plan | None:
    """All that can go; None where nothing can.

    Args:
        spared: operators that keep all channels.
    """
    from tflopt.rules.channels.roles import role_of

    links, parts = Links(ranges), set[Op]()
    try:
        for value in held_by_others(graph):
            links.hold(value)
        for op in graph.ops:
            role = None if op in spared or is_strange(op) else role_of(op)
            if role is not None and role.link(op, links):
                parts.add(op)
            else:
                hold_all(op, links)
            data = data_of(op)
            if op.code in WEIGHTED and data is not None and data.is_constant:
                links.hold(data)  # layers cut their weights only
        removable = links.removable()
    except TooLarge:
        return None
    kept = {}
    for value, axis in links.start:
        goes = removable[links.numbers(value, axis)]
        if goes.any():
            kept[value, axis] = ~goes
    return Plan(links.ranges, kept, links.axes, frozenset(parts)) if kept else None


def hold_all(op: Op, links: Links) -> None:
    """Nothing that the operator reads or produces may lose anything.

    Constants aside: who takes part gets one of its own.
    """
    for value in (*op.inputs, *op.outputs):
        if value is not None and not value.is_constant:
            links.hold(value)


def held_by_others(graph: Graph) -> list[Value]:
    """Values that somebody other than the graph's operators refers to."""
    held = [*graph.inputs, *graph.outputs]
    held += [value for value in graph.values if value.is_variable]
    for op in graph.ops:
        held += op.extra.intermediates or ()
    for signature in graph.model.signatures or ():
        if signature.graph is graph:
            held += [value for _, value in (*(signature.inputs or ()), *(signature.outputs or ()))]
    return held


def is_strange(op: Op) -> bool:
    """An effect, options that are not modelled, or activations that are quantized per channel."""
    if has_effect(op) or op.extra.options2 is not None or op.extra.custom_options is not None:
        return True
    moving = [value for value in (*op.inputs, *op.outputs) if value is not None]
    moving = [value for value in moving if not value.is_constant]
    return any(value.quant is not None and value.quant.is_per_channel for value in moving)


def carry_out(plan: Plan, graph: Graph, rw: Rewriter) -> None:
    """Edit the operators, then the values, and drop the constants that were replaced."""
    from tflopt.rules.channels.roles import role_of

    read = dict.fromkeys(v for op in graph.ops for v in op.inputs if v is not None)
    held = set(held_by_others(graph))
    for op in list(graph.ops):
        role = role_of(op) if op in plan.parts else None
        if role is not None and any(plan.of_axes(v) for v in (*op.inputs, *op.outputs) if v):
            role.cut(op, plan, rw)
    for (value, axis), kept in plan.kept.items():
        if not value.is_constant:
            rw.take(value, axis, [int(index) for index in np.flatnonzero(kept)])
    for value in read:
        if value.is_constant and not value.uses and value not in held:
            rw.remove_value(value)
