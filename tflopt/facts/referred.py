"""Who refers to a tensor beside the operators that read and write it."""

from __future__ import annotations

from collections.abc import Iterator

from tflopt.ir import Graph, Value


def referred(graph: Graph) -> Iterator[Value]:
    """Values of a graph that operators have as intermediates or that a signature names."""
    for op in graph.ops:
        yield from op.extra.intermediates or ()
    for signature in graph.model.signatures or ():
        if signature.graph is graph:
            for _, value in (*(signature.inputs or ()), *(signature.outputs or ())):
                yield value
