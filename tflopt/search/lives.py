"""From which to which operator values live, with either form of some operators."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.facts.operators import VIEWS
from tflopt.ir import Graph, Op, Value

ALIGNMENT = 16


class Lives:
    """From which to which operator every value lives."""

    def __init__(
        self, graph: Graph, ops: Sequence[Op], same: dict[Value, Value], in_place: bool
    ) -> None:
        self.same = same
        self.roots: dict[Value, Value] = {}
        self.first: dict[Value, int] = {}
        self.last: dict[Value, int] = {}
        for value in graph.inputs:
            self._see(value, 0)
        for index, op in enumerate(ops):
            self._visit(op, index, in_place)
        for value in graph.outputs:
            self._see(value, max(0, len(ops) - 1))

    def _visit(self, op: Op, index: int, in_place: bool) -> None:
        source = op.input(0)
        if in_place and op.code in VIEWS and source is not None and not source.is_constant:
            self.roots[self._real(op.output)] = self._root(source)
        for value in (*op.inputs, *op.outputs):
            if value is not None:
                self._see(value, index)

    def _real(self, value: Value) -> Value:
        return self.same.get(value, value)

    def _root(self, value: Value) -> Value:
        value = self._real(value)
        return self.roots.get(value, value)

    def _see(self, value: Value, index: int) -> None:
        root = self._root(value)
        if not (root.is_constant or root.is_variable):
            self.first.setdefault(root, index)
            self.last[root] = max(index, self.last.get(root, 0))

    def peak(self, scratch: Sequence[int]) -> int:
        """The most bytes that are alive at one operator, with its ``scratch``."""
        live = [*scratch]
        for value, first in self.first.items():
            size = aligned(value.size_bytes or 0)
            for index in range(first, min(self.last[value], len(live) - 1) + 1):
                live[index] += size
        return max(live, default=0)


def aligned(size: int) -> int:
    """As much as TFLM's allocator takes for it."""
    return -(-size // ALIGNMENT) * ALIGNMENT
