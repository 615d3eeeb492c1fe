"""A subgraph as a model of its own: runtimes run the first one, with what it calls."""

from __future__ import annotations

from collections.abc import Iterable

from tflopt.ir import Model
from tflopt.ir.calls import called, renumber
from tflopt.plan.describe import write_plan


def lead(model: Model, number: int) -> None:
    """Put a subgraph in the place of the first; the others stay."""
    order = list(range(len(model.graphs)))
    order[0], order[number] = order[number], order[0]
    _keep(model, order)


def isolate(model: Model, number: int) -> None:
    """Keep one subgraph, as the first, and those that it reaches by calls."""
    order = [number]
    for index in order:
        callees = (callee for op in model.graphs[index].ops for callee in called(op))
        order += [callee for callee in dict.fromkeys(callees) if callee not in order]
    _keep(model, order)


def callers(model: Model, numbers: Iterable[int]) -> set[int]:
    """These subgraphs and all that call one of them, at any depth."""
    members = set(numbers)
    while True:
        more = {
            graph.index
            for graph in model.graphs
            if any(index in members for op in graph.ops for index in called(op))
        }
        if more <= members:
            return members
        members |= more


def _keep(model: Model, order: list[int]) -> None:
    model.graphs[:] = [model.graphs[index] for index in order]
    places = {index: place for place, index in enumerate(order)}
    renumber(model, places)
    used = {op.opcode for op in model.ops()}
    model.opcodes = [entry for entry in model.opcodes if entry in used]
    model.signatures = None
    write_plan(model, None)
