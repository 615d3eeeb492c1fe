"""Which subgraphs operators call, by the numbers that their options name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from tflopt.ir.model import Graph, Model
from tflopt.ir.node import Op
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import Options

SUBGRAPH = "_subgraph_index"
"""Ends the names of the options that say so."""


def called(op: Op) -> list[int]:
    """The subgraphs that an operator calls, as its options name them."""
    calls = op.code in (OpCode.IF, OpCode.WHILE, OpCode.CALL_ONCE)
    if not calls or not isinstance(op.options, Options):
        return []
    names = (field.name for field in fields(op.options) if field.name.endswith(SUBGRAPH))
    return [getattr(op.options, name) for name in names]


def called_graphs(model: Model) -> set[int]:
    """The first subgraph, and all that it calls directly or through others, by their numbers."""
    reached, waiting = set[int](), [0]
    while waiting:
        number = waiting.pop()
        if number in reached or not 0 <= number < len(model.graphs):
            continue
        reached.add(number)
        waiting += [index for op in model.graphs[number].ops for index in called(op)]
    return reached


def may_call(op: Op) -> bool:
    """Whether an operator's options may name a subgraph that :func:`called` doesn't know."""
    return op.code in (OpCode.CALL, OpCode.UNKNOWN) or op.code.name.startswith("STABLEHLO_")


def is_called(graph: Graph) -> bool:
    """Whether something runs a subgraph: a caller, a signature, or the interpreter itself."""
    model = graph.model
    if graph is model.main or any(entry.graph is graph for entry in model.signatures or ()):
        return True
    return any(graph.index in called(op) for op in model.ops())


def renumber(model: Model, places: Mapping[int, int]) -> None:
    """Let all that call subgraphs call them by their new numbers."""
    for op in model.ops():
        if called(op) and isinstance(op.options, Options):
            op.options = replace(op.options, **_renumbered(op.options, places))


def drop_graph(graph: Graph) -> None:
    """Take a subgraph that nothing calls out of its model, with all that it holds.

    Raises:
        ValueError: something calls it.
    """
    model, number = graph.model, graph.index
    if is_called(graph):
        raise ValueError(f"subgraph {number} is called")
    graph.clear()
    del model.graphs[number]
    if number < len(model.graphs):
        renumber(model, {old: old - (old > number) for old in range(len(model.graphs) + 1)})


def _renumbered(options: Options, places: Mapping[int, int]) -> dict[str, int]:
    names = (field.name for field in fields(options) if field.name.endswith(SUBGRAPH))
    return {name: places.get(getattr(options, name), 0) for name in names}
