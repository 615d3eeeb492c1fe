"""Operators that may compute the same, found by what they are and read instead of one by one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from tflopt.ir import Graph, Op, Options, Value

Key = tuple[object, ...]
SAMPLE_BYTES = 256
"""Of a constant's data: enough to tell apart what a graph has many of, such as a SLICE's begin."""


class Alike:
    """The operators of graphs by their keys, kept while operators change."""

    def __init__(self) -> None:
        self._graphs: dict[Graph, _Keys] = {}

    def forget(self) -> None:
        """The graphs may have changed anywhere."""
        self._graphs.clear()

    def alter(self, ops: Iterable[Op]) -> None:
        """These operators came, went, or are others now."""
        for op in ops:
            if op.graph in self._graphs:
                self._graphs[op.graph].altered[op] = None

    def earlier(self, op: Op) -> Iterator[Op]:
        """The operators before it in its graph that may compute the same, the first one first."""
        ranked, place = self._like(op)
        return islice(ranked, place)

    def later(self, op: Op) -> Iterator[Op]:
        """Those behind it, the next one first."""
        ranked, place = self._like(op)
        return islice(ranked, place + 1, None)

    def _like(self, op: Op) -> tuple[Sequence[Op], int]:
        known = self._graphs.get(op.graph)
        if known is None:
            known = self._graphs[op.graph] = _Keys(op.graph)
        return known.like(op)


class _Keys:
    """Of one graph; no operator overtakes another one unless all is forgotten."""

    def __init__(self, graph: Graph) -> None:
        self.altered: dict[Op, None] = dict.fromkeys(graph.ops)
        self._graph = graph
        self._order: dict[Op, int] = {}
        self._key_of: dict[Op, Key] = {}
        self._ops: dict[Key, dict[Op, None]] = {}
        self._ranked: dict[Key, list[Op]] = {}
        """In the graph's order, of the keys that were asked for and have no new operators."""

    def like(self, op: Op) -> tuple[Sequence[Op], int]:
        """The operators of its key in the graph's order, and which of them it is; none where it
        has no like."""
        for other in self.altered:
            self._enter(other)
        self.altered.clear()
        key = self._key_of.get(op)
        if key is None or len(self._ops[key]) < 2:
            return (), 0
        ranked, place = self._in_order(key), self._order.__getitem__
        return ranked, bisect_left(ranked, place(op), key=place)

    def _in_order(self, key: Key) -> list[Op]:
        like = self._ops[key]
        if key not in self._ranked:
            if not like.keys() <= self._order.keys():
                self._order = {op: place for place, op in enumerate(self._graph.ops)}
            self._ranked[key] = sorted(like, key=self._order.__getitem__)
        return self._ranked[key]

    def _enter(self, op: Op) -> None:
        old = self._key_of.pop(op, None)
        if old is not None:
            del self._ops[old][op]
            if old in self._ranked:
                ranked, place = self._ranked[old], self._order.__getitem__
                del ranked[bisect_left(ranked, place(op), key=place)]
        if op.outputs and isinstance(op.options, Options | None):
            key = self._key_of[op] = _key(op)
            self._ops.setdefault(key, {})[op] = None
            self._ranked.pop(key, None)


def _key(op: Op) -> Key:
    """Equal for all that compute the same; nearly always another one for all else."""
    outputs = ((value.shape, value.dtype) for value in op.outputs)
    return op.opcode.key, op.options, *map(_read, op.inputs), ">", *outputs


def _read(value: Value | None) -> object:
    if value is None or not value.has_data:
        return value
    assert value.buffer is not None
    assert value.buffer.data is not None
    return value.shape, value.dtype, value.buffer.data[:SAMPLE_BYTES].tobytes()
