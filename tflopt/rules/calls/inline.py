"""The operators of a subgraph, put in front of the operator that calls it.

Exact where the same integers meet the same kernels: what is copied has no state of its own, and a
tensor is the same outside as inside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from tflopt.facts.open_shapes import is_open
from tflopt.facts.operators import EFFECTS, VARIABLES
from tflopt.ir import Graph, Op, Value, same_quantization
from tflopt.ir.calls import called, is_called, may_call
from tflopt.ir.options import CallOnceOptions
from tflopt.rewrite import BETWEEN_PORTS, Rewriter, Why, require, require_no_variable

Known = dict[Value, Value]


def require_copyable(graph: Graph, keep: Collection[str], at: Op) -> None:
    """Decline where copies of a subgraph's operators would do something else, or lose a name."""
    names = {graph.name, *(value.name for value in graph.values)}
    require(names.isdisjoint(keep), "--keep names what it calls", at=at)
    ports, open_shape = set(graph.inputs), "it calls what leaves dimensions open"
    for op in graph.ops:
        require(not has_state(op), Why.VARIABLE("what it calls has a state"), at=op)
        require(not op.extra.intermediates, "what it calls has tensors between operators", at=op)
        for value in (*op.inputs, *op.outputs):
            if value is not None:
                require(not is_open(value), Why.OPEN_SHAPE(open_shape), at=op)
        for value in op.inputs:
            filled = value is None or value.is_constant or value.producer or value in ports
            require(bool(filled), "what it calls reads a tensor that nothing fills", at=op)


def has_state(op: Op) -> bool:
    """Whether a second one of it wouldn't do what this one does a second time.

    Calls of subgraphs that are there once have no state of their own, CALL_ONCE has.
    """
    values = [value for value in (*op.inputs, *op.outputs) if value is not None]
    if any(value.is_variable for value in values) or op.code in VARIABLES:
        return True
    calls = bool(called(op)) and not isinstance(op.options, CallOnceOptions)
    return op.code in EFFECTS and not calls


def require_same(values: Iterable[Value | None], at: Op) -> None:
    """Decline where what is handed on as bytes isn't one kind of tensor on all sides."""
    first, *others = values
    for value in others:
        same = first is not None and value is not None
        if first is not None and value is not None:
            same = (first.dtype, first.shape) == (value.dtype, value.shape)
            quant = same_quantization(first.quant, value.quant)
            said = Why.QUANTIZATION("what it hands on has other quantization inside")
            require(quant, said, at=at)
        require(same, "what it hands on has another shape or type inside", at=at)
    if first is not None:
        require_no_variable(first, at=at)


def require_no_other_caller_of_numbers(op: Op) -> None:
    """Decline where subgraphs can't get other numbers."""
    others = any(may_call(other) for other in op.graph.model.ops())
    require(not others, "an operator may call subgraphs in a way that isn't known", at=op)


def require_replaceable(rw: Rewriter, pairs: Iterable[tuple[Value, Value | None]], at: Op) -> None:
    """Decline where an output of the model can't be what takes its place.

    Args:
        pairs: outputs of ``at``, and the value outside that they become, None for a new one.
    """
    taken = set[Value]()
    for old, new in pairs:
        if new is None or not old.uses:
            continue
        require(rw.can_replace(old, new), BETWEEN_PORTS, at=at)
        if old.is_graph_output:
            require(new not in taken, BETWEEN_PORTS, at=at)
            taken.add(new)


def copy_in(
    rw: Rewriter, at: Op, graph: Graph, inputs: Mapping[Value, Value], same: Known
) -> Known:
    """Put copies of a subgraph's operators in front of ``at``.

    Args:
        inputs: what stands outside for the subgraph's inputs.
        same: the constants of the subgraph that are outside already; new ones are added.

    Returns:
        What stands for each value that is an input, or that an operator reads or gives.
    """
    known: Known = dict(inputs)
    for op in graph.ops:
        read = [None if v is None else outside(rw, at, v, known, same) for v in op.inputs]
        made = []
        for value in op.outputs:
            known[value] = rw.value(at.output, shape=value.shape, dtype=value.dtype)
            rw.update(known[value], quant=value.quant, name=value.name, extra=replace(value.extra))
            made.append(known[value])
        copy = rw.insert(at, op.code, read, made, None, op.opcode.version)
        rw.update(copy, opcode=op.opcode, options=op.options, extra=replace(op.extra))
    return known


def outside(rw: Rewriter, at: Op, value: Value, known: Known, same: Known) -> Value:
    """What stands for a value of the subgraph beside ``at``; constants share their data."""
    if value in known:
        return known[value]
    if value not in same:
        constant = rw.value(at.output, shape=value.shape, dtype=value.dtype)
        same[value] = constant
        rw.update(constant, buffer=value.buffer, quant=value.quant, name=value.name)
        rw.update(constant, extra=replace(value.extra))
    return same[value]


def drop_uncalled(rw: Rewriter, graphs: Iterable[Graph]) -> None:
    """Drop subgraphs that nothing calls any more, and what only they have called."""
    waiting = list(dict.fromkeys(graphs))
    while waiting:
        graph = waiting.pop()
        if graph not in rw.model.graphs or is_called(graph):
            continue
        waiting += [rw.model.graphs[index] for op in graph.ops for index in called(op)]
        rw.remove_graph(graph)
