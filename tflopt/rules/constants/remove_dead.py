"""Remove what nobody reads."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.operators import has_effect
from tflopt.facts.referred import referred
from tflopt.ir import Buffer, Graph, Model, Value
from tflopt.ir.calls import called
from tflopt.rewrite import ModelRule, Rewriter, Stage


class RemoveDead(ModelRule):
    """Remove operators, tensors, buffers and operator codes that nothing reads.

    Exact: what is removed can't reach an output. Operators with effects stay, and so do the
    inputs of the model, used or not. In TFLM an unused tensor still takes room in the arena.
    Subgraphs at the end go where they are empty and nothing calls them.
    """

    name: ClassVar[str] = "remove-dead"
    number: ClassVar[int] = 0
    stages: ClassVar[tuple[Stage, ...]] = (Stage.CLEAN,)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Sweep once, consumers first."""
        for graph in model.graphs:
            for op in reversed(list(graph.ops)):
                if not any(value.uses for value in op.outputs) and not has_effect(op):
                    rw.remove(op)
            held = _held(graph)
            for value in list(graph.values):
                if value.producer is None and not value.uses and value not in held:
                    rw.remove_value(value)
        while _is_unused(model, model.graphs[-1]):
            rw.remove_graph(model.graphs[-1])
        self._buffers(model, rw)
        used = {id(op.opcode) for op in model.ops()}
        if len(used) < len(model.opcodes):
            rw.keep_opcodes(used)

    @staticmethod
    def _buffers(model: Model, rw: Rewriter) -> None:
        read: set[Buffer] = set(model.buffers[:1])
        read.update(v.buffer for g in model.graphs for v in g.values if v.buffer is not None)
        read.update(entry.buffer for entry in model.metadata or ())
        read.update(model.metadata_buffers or ())
        kept = [buffer for buffer in model.buffers if buffer in read]
        if len(kept) < len(model.buffers):
            rw.keep_buffers(kept)


def _is_unused(model: Model, graph: Graph) -> bool:
    """Whether a subgraph holds nothing and nothing refers to it."""
    holds = any((graph.ops, graph.values, graph.inputs, graph.outputs))
    if graph is model.main or holds:
        return False
    signed = any(signature.graph is graph for signature in model.signatures or ())
    return not signed and all(graph.index not in called(op) for op in model.ops())


def _held(graph: Graph) -> set[Value]:
    """Values that something other than an operator's input or output refers to."""
    held = {*graph.inputs, *referred(graph)}
    for op in graph.ops:
        held.update(op.outputs)  # a variable has no producer
    return held
