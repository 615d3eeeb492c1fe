"""Finds what can go of a graph, and edits it for that."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tflopt.facts.operators import WEIGHTED, data_of
from tflopt.ir import Graph, Op
from tflopt.ranges import Ranges
from tflopt.rewrite import Rewriter
from tflopt.rules.channels.links import Links, TooLarge
from tflopt.rules.channels.plan import Plan, held_by_others, is_strange
from tflopt.rules.channels.roles import role_of


def plan_of(graph: Graph, ranges: Ranges, spared: Collection[Op] = ()) -> Plan | None:
    """All that can go; None where nothing can.

    Args:
        spared: operators that keep all channels.
    """
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


def carry_out(plan: Plan, graph: Graph, rw: Rewriter) -> None:
    """Edit the operators, then the values, and drop the constants that were replaced."""
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
