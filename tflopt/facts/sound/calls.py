"""Calls of subgraphs: a circle never ends, and the runtime copies tensors unchecked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflopt.ir.model import Model
from tflopt.ir.node import Op, Value
from tflopt.ir.options import IfOptions, WhileOptions
from tflopt.ir.verify import CALLS, Flaw, place


def called(op: Op) -> list[int]:
    """The subgraphs that an operator calls."""
    names = CALLS.get(op.code, ())
    return [index for name in names if isinstance(index := getattr(op.options, name, None), int)]


def call_flaws(model: Model) -> Iterator[Flaw]:
    """A call that leads back to the graph that it stands in, or with tensors of other sizes."""
    below = [{index for op in graph.ops for index in called(op)} for graph in model.graphs]
    for op in model.ops():
        for index in called(op):
            if op.graph.index in _reached(below, index):
                yield Flaw(place(op), f"calls subgraph {index}, which calls its caller again")
        reason = _copy_flaw(op, model)
        if reason:
            yield Flaw(place(op), reason)


def _copy_flaw(op: Op, model: Model) -> str:
    graphs, options = model.graphs, op.options
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


def _reached(below: list[set[int]], start: int) -> set[int]:
    """``start`` and all that it calls, directly or not."""
    found, waiting = {start}, [start]
    while waiting:
        for index in below[waiting.pop()]:
            if 0 <= index < len(below) and index not in found:
                found.add(index)
                waiting.append(index)
    return found
