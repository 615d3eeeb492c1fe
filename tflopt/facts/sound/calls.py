"""Calls of subgraphs: a circle never ends, and the runtime copies tensors unchecked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflopt.ir.calls import called
from tflopt.ir.model import Model
from tflopt.ir.node import Op, Value
from tflopt.ir.options import IfOptions, WhileOptions
from tflopt.ir.verify import Flaw, place

MOST_LEVELS = 32
"""TFLM's interpreter and tflopt recurse for each level of calls."""
MOST_STEPS = 1 << 22
"""Operators of one inference if every call is made."""


def call_flaws(model: Model) -> Iterator[Flaw]:
    """A call that leads back to the graph that it stands in, or with tensors of other sizes; calls
    that go too deep, or that a runtime would be busy with for ever.
    """
    below = [[index for op in graph.ops for index in called(op)] for graph in model.graphs]
    order = _callees_first(below)
    reached: dict[int, set[int]] = {}
    for op in model.ops():
        for index in () if order is not None else called(op):
            if index not in reached:
                reached[index] = _reached(below, index)
            if op.graph.index in reached[index]:
                yield Flaw(place(op), f"calls subgraph {index}, which calls its caller again")
        reason = _copy_flaw(op, model)
        if reason:
            yield Flaw(place(op), reason)
    yield from _extent_flaws(model, below, order or [])


def _extent_flaws(model: Model, below: list[list[int]], order: Sequence[int]) -> Iterator[Flaw]:
    """TFLM recurses and enters each call anew, as it allocates and as it runs."""
    depths, steps = [0] * len(below), [len(graph.ops) for graph in model.graphs]
    for index in order:
        depths[index] = max((1 + depths[callee] for callee in below[index]), default=0)
        steps[index] += sum(1 + steps[callee] for callee in below[index])
        if depths[index] > MOST_LEVELS:
            reason = f"calls subgraphs {depths[index]} levels deep; {MOST_LEVELS} are supported"
            yield Flaw(f"subgraph {index}", reason)
            return
        if steps[index] > MOST_STEPS:
            reason = f"its calls run {steps[index]} operators; {MOST_STEPS} are supported"
            yield Flaw(f"subgraph {index}", reason)
            return


def _callees_first(below: list[list[int]]) -> list[int] | None:
    """Subgraphs in an order in which each follows all that it calls; None where a circle is."""
    waiting = [sum(0 <= callee < len(below) for callee in calls) for calls in below]
    callers: list[list[int]] = [[] for _ in below]
    for index, calls in enumerate(below):
        for callee in calls:
            if 0 <= callee < len(below):
                callers[callee].append(index)
    order = [index for index, count in enumerate(waiting) if not count]
    for index in order:
        for caller in callers[index]:
            waiting[caller] -= 1
            if not waiting[caller]:
                order.append(caller)
    return order if len(order) == len(below) else None


def _copy_flaw(op: Op, model: Model) -> str:
    graphs, options = model.graphs, op.options if called(op) else None
    pairs: list[tuple[str, Sequence[Value | None], Sequence[Value | None]]] = []
    if isinstance(options, IfOptions):
        for index in (options.then_subgraph_index, options.else_subgraph_index):
            pairs += [("input", op.inputs[1:], graphs[index].inputs)]
            pairs += [("output", op.outputs, graphs[index].outputs)]
    elif isinstance(options, WhileOptions):
        condition = graphs[options.cond_subgraph_index]
        body = graphs[options.body_subgraph_index]
        if not condition.outputs:
            return "its condition has no output"
        pairs += [("input", op.inputs, condition.inputs), ("input", op.inputs, body.inputs)]
        pairs += [("output", op.outputs, body.outputs), ("output", op.inputs, op.outputs)]
    for kind, outside, inside in pairs:
        if [_size(value) for value in outside] != [_size(value) for value in inside]:
            return f"the {kind}s of a subgraph that it calls have other sizes than its own"
    return ""


def _size(value: Value | None) -> int | None:
    return -1 if value is None else value.size_bytes


def _reached(below: list[list[int]], start: int) -> set[int]:
    """``start`` and all that it calls, directly or not."""
    reached, waiting = {start}, [start]
    while waiting:
        for index in below[waiting.pop()]:
            if 0 <= index < len(below) and index not in reached:
                reached.add(index)
                waiting.append(index)
    return reached
