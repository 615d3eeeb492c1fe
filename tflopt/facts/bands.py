"""Which layer each band comes from, as far as the structure of a model tells it.

Bands of a layer are operators of one kind with the same weights, whose rows a CONCATENATION joins.
What their inputs come from, past what cuts, joins and pads rows, are the bands of the layer before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tflopt.facts.banded import banded_op
from tflopt.facts.joins import Join, join_of, split_of
from tflopt.facts.operators import Kind, facts_of, kind_of
from tflopt.facts.windows import HEIGHT, RANK, WIDTH
from tflopt.ir import Graph, Model, Op, Value

MOST_SOURCES = 512
"""What is joined of more tensors is looked at no further."""
Sources = frozenset[Value]


@dataclass(frozen=True)
class Tile:
    """What a tensor holds of a layer, or of a tensor that is there whole.

    Args:
        layer: what the layer's bands compute, in the order in which they run; a tensor alone for
            one that is whole.
        bands: which of them, from 0 on.
        is_band: whether it is one itself, and not rows of some.
        rows: of a tensor that is whole; None where the structure doesn't tell them.
    """

    layer: tuple[Value, ...]
    bands: tuple[int, ...]
    is_band: bool = False
    rows: tuple[int, int] | None = None


def tiles_of(model: Model) -> dict[Value, Tile]:
    """What tensors of the main graph hold of which layer; empty for a model without bands."""
    return {} if banded_op(model) is None else _Layers(model.main).tiles()


class _Layers:
    """The layers of a graph that are computed in bands."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.place = {op: index for index, op in enumerate(graph.ops)}
        self.sources: dict[Value, Sources] = {}
        for op in graph.ops:
            self._trace(op)
        self.layers = _Groups()
        self.known: dict[Sources, bool] = {}
        for sources in self._seeds():
            self._note(sources)

    def _trace(self, op: Op) -> None:
        """From which operators' tensors, or tensors of the interface, its outputs take rows."""
        inputs = _moved(op)
        sources = frozenset().union(*(self._of(value) for value in inputs))
        for value in op.outputs:
            opaque = not sources or len(sources) > MOST_SOURCES
            self.sources[value] = frozenset({value}) if opaque else sources

    def _of(self, value: Value) -> Sources:
        return self.sources.get(value) or frozenset({value})

    def _seeds(self) -> Iterator[Sources]:
        """What is joined of rows."""
        joins = (op for op in self.graph.ops if _row_join(op) is not None)
        yield from (self.sources[op.output] for op in joins)

    def _note(self, sources: Sources) -> None:
        """Note them where they are one layer's bands, and what they are made of."""
        pending, order = [sources], list[Sources]()
        needs: dict[Sources, list[Sources]] = {}
        while pending:
            group = pending.pop()
            if group in needs or group in self.known:
                continue
            needs[group] = self._operands(group)
            order.append(group)
            pending += [operand for operand in needs[group] if len(operand) > 1]
        for group in reversed(order):
            weighted = any(_weights(value) for value in group)
            made = all(len(e) == 1 or self.known.get(e, False) for e in needs[group])
            self.known[group] = len(group) > 1 and _alike(group) and (weighted or made)
            if self.known[group]:
                self.layers.join(group)

    def _operands(self, sources: Sources) -> list[Sources]:
        """For each input that isn't constant: where all bands together have it from."""
        if len(sources) < 2 or not _alike(sources):
            return []
        ops = [value.producer for value in sources if value.producer is not None]
        operands = []
        for column in zip(*(op.inputs for op in ops), strict=False):
            read = [value for value in column if value is not None and not value.is_constant]
            if read:
                operands.append(frozenset().union(*(self._of(value) for value in read)))
        return operands

    def tiles(self) -> dict[Value, Tile]:
        """What is known of each tensor."""
        layers = {value: self._in_order(value) for value in self.layers.members()}
        tiles = {
            value: Tile(layer, (layer.index(value),), is_band=True)
            for value, layer in layers.items()
        }
        spans = {v: span for v, span in self._spans().items() if span[0] not in layers}
        for op in self.graph.ops:
            for value in op.outputs if _moved(op) else ():
                tile = self._part(value, layers, spans)
                if tile is not None:
                    tiles[value] = tile
        return tiles

    def _part(
        self,
        value: Value,
        layers: dict[Value, tuple[Value, ...]],
        spans: dict[Value, tuple[Value, int, int]],
    ) -> Tile | None:
        """Of a tensor that holds rows of others."""
        if value in spans:
            whole, start, end = spans[value]
            return Tile((whole,), (0,), rows=(start, end))
        sources = self._of(value)
        layer = next((layers[source] for source in sources if source in layers), None)
        if layer is None or not sources.issubset(layer):
            return None
        return Tile(layer, tuple(sorted(layer.index(source) for source in sources)))

    def _spans(self) -> dict[Value, tuple[Value, int, int]]:
        """Which rows of a whole tensor pieces are, where they are cut and joined again in order."""
        spans: dict[Value, tuple[Value, int, int]] = {}
        for op in self.graph.ops:
            split, join = split_of(op), _row_join(op)
            if split is not None and _along_rows(split.data, split.axis):
                if split.data not in spans and self._of(split.data) != {split.data}:
                    continue
                whole, start, _ = spans.get(split.data, (split.data, 0, 0))
                for part in split.parts:
                    spans[part] = whole, start, start + part.shape[split.axis]
                    start += part.shape[split.axis]
            elif join is not None:
                joined_span = _joined([spans.get(part) for part in join.parts])
                if joined_span is not None:
                    spans[op.output] = joined_span
        return spans

    def _in_order(self, value: Value) -> tuple[Value, ...]:
        def place(band: Value) -> int:
            return -1 if band.producer is None else self.place[band.producer]

        return tuple(sorted(self.layers.of(value), key=place))


class _Groups:
    """Sets of tensors; sets that share one become one."""

    def __init__(self) -> None:
        self._of: dict[Value, set[Value]] = {}

    def join(self, values: Sources) -> None:
        """They belong together, with all that belongs to one of them."""
        largest = max((self._of.get(value, set()) for value in values), key=len)
        for value in values:
            own = self._of.get(value, {value})
            if own is largest:
                continue
            largest |= own
            for member in own:
                self._of[member] = largest

    def members(self) -> list[Value]:
        """All tensors that belong to a set."""
        return list(self._of)

    def of(self, value: Value) -> set[Value]:
        """The set of one."""
        return self._of[value]


def _moved(op: Op) -> tuple[Value, ...]:
    """What an operator only cuts, joins or pads along the rows; nothing for others."""
    split, join = split_of(op), _row_join(op)
    if split is not None and _along_rows(split.data, split.axis):
        return (split.data,)
    if join is not None:
        return join.parts
    data = op.input(0)
    return (data,) if kind_of(op) is Kind.PAD and data is not None else ()


def _row_join(op: Op) -> Join | None:
    join = join_of(op)
    return join if join is not None and _along_rows(op.output, join.axis) else None


def _along_rows(value: Value, axis: int) -> bool:
    return len(value.shape) == RANK and value.shape[0] == 1 and axis in (HEIGHT, WIDTH)


def _weights(value: Value) -> tuple[int, ...]:
    op = value.producer
    if op is None:
        return ()
    facts = facts_of(op)
    inputs = [op.input(index) for index in (facts.weights, facts.bias) if index is not None]
    return tuple(id(value.buffer) for value in inputs if value is not None and value.is_constant)


def _alike(values: Sources) -> bool:
    """Whether operators of one kind with the same weights make them."""
    ops = [value.producer for value in values]
    kinds = {(op.code, len(op.inputs)) if op is not None else None for op in ops}
    return len(kinds) == 1 and None not in kinds and len({_weights(v) for v in values}) == 1


def _joined(
    parts: Sequence[tuple[Value, int, int] | None],
) -> tuple[Value, int, int] | None:
    known = [part for part in parts if part is not None]
    follow = all(a[0] is b[0] and a[2] == b[1] for a, b in pairwise(known))
    return (known[0][0], known[0][1], known[-1][2]) if len(known) == len(parts) and follow else None
