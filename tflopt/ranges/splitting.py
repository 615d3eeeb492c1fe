"""Few inputs, split into boxes: what depends on nothing else is bounded box by box.

An interval for each of several numbers forgets that they come from the same few. Where a tensor has
hardly any elements, the numbers that they can take are cut into boxes, down to single numbers where
that takes little enough: then nothing is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from tflopt.arith.fixed_point import Ints, ints
from tflopt.facts.operators import DENSE
from tflopt.ir import DType, Graph, Op, Value
from tflopt.ranges.accumulators import dense_of
from tflopt.ranges.elementwise import BINARY, by_table, of_two
from tflopt.ranges.interval import Interval, open_axes
from tflopt.ranges.remembered import Remembered, contents, op_key

Source = Callable[[Value], "Interval | None"]
MOST_ELEMENTS = 8
WORK = 1 << 24
"""Products for all boxes of one layer, at most."""
MOST_BOXES = 1 << 16
BLOCK = 1 << 15
"""Numbers of boxes that are computed at a time: what fits into a cache is several times faster."""
MOST_NUMBERS = 1 << 22
"""Of all boxes of a graph together: the more operators it has, the fewer boxes each may use."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """An interval for each box of one tensor, along the first axis, which is the tensor's batch.

    As there are many, they are stored as int8, and widened where something is computed of them.
    """

    root: Value
    boxes: Interval


@dataclass
class Splitting:
    """What is known by boxes so far."""

    most_boxes: int
    pieces: dict[Value, Pieces] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph) -> Splitting:
        """Nothing is known yet."""
        sizes = [v.elements for v in graph.values if v.is_constant and v.dtype is DType.INT8]
        share = MOST_NUMBERS // (MOST_ELEMENTS * max(1, len(graph.ops)))
        return cls(min(MOST_BOXES, WORK // max(1, *sizes, 1), share))

    def tightened(self, op: Op, source: Source, known: Interval) -> Interval:
        """The interval of an operator's output, with what the boxes say of it.

        Args:
            source: the interval of what it reads.
        """
        pieces = self._of(op, source)
        if pieces is None or len(pieces.boxes.shape) != len(op.output.shape):
            return known
        boxes, tight = Remembered.by(op.graph).of(
            ("tightened",), [pieces.boxes, known], partial(_tightened, pieces.boxes, known)
        )
        self.pieces[op.output] = Pieces(pieces.root, boxes)
        return tight

    def _of(self, op: Op, source: Source) -> Pieces | None:
        read = [value for value in op.inputs if value is not None and not value.is_constant]
        if len(op.outputs) != 1 or not read or not _are_rows([*read, op.output]):
            return None
        intervals: list[Interval | None] = []
        roots = set()
        for value in op.inputs:
            whole = None if value is None else source(value)
            pieces = None if value is None else self._pieces(value, whole)
            if value in read and pieces is None:
                return None
            roots |= set() if pieces is None else {pieces.root}
            intervals.append(whole if pieces is None else pieces.boxes)
        boxes = _known_boxes(op, intervals) if len(roots) == 1 else None
        return None if boxes is None else Pieces(roots.pop(), boxes)

    def _pieces(self, value: Value, source: Interval | None) -> Pieces | None:
        if value in self.pieces or value.is_constant or source is None:
            return self.pieces.get(value)
        elements = value.elements
        count = _cuts(elements, self.most_boxes)
        if count < 2 or source.is_constant:
            return None
        boxes = Remembered.by(value.graph).of(
            ("boxes", elements, count), [source], partial(_boxes, source, elements, count)
        )
        self.pieces[value] = Pieces(value, boxes)
        return self.pieces[value]


def _tightened(boxes: Interval, known: Interval) -> tuple[Interval, Interval]:
    """The boxes within what is known, and all of them together."""
    low, high = np.maximum(boxes.low, known.low), np.minimum(boxes.high, known.high)
    return _stored(low, high), Interval(low, high).hull([0])


def _known_boxes(op: Op, sources: Sequence[Interval | None]) -> Interval | None:
    """As :func:`_computed`, which another walk may have asked for these boxes before."""
    key = op_key(op)
    if key is None:
        return _stored_boxes(op, sources)
    read = [s for s, v in zip(sources, op.inputs, strict=True) if v is None or not v.is_constant]
    make = partial(_stored_boxes, op, sources)
    return Remembered.by(op.graph).of(("computed", *key), [*read, *contents(op)], make)


def _stored_boxes(op: Op, sources: Sequence[Interval | None]) -> Interval | None:
    computed = _computed(op, [None if source is None else _widened(source) for source in sources])
    return None if computed is None else _stored(computed.low, computed.high)


def _are_rows(values: Sequence[Value]) -> bool:
    """Rows of int8, one each, or as many each as an open batch has."""
    plain = all(value.dtype is DType.INT8 and not value.is_variable for value in values)
    rows = all(len(value.shape) == 2 and value.shape[0] == 1 for value in values)
    axes = {open_axes(value) for value in values}
    return plain and rows and (axes == {frozenset()} or axes == {frozenset({0})})


def _cuts(elements: int, most: int) -> int:
    """Into how many parts each element is cut."""
    if not 0 < elements <= MOST_ELEMENTS:
        return 0
    return next((n for n in range(256, 1, -1) if n**elements <= most), 0)


def _boxes(source: Interval, elements: int, count: int) -> Interval:
    """All boxes of a row: each element's range in ``count`` parts of about the same size."""
    low, high = (np.broadcast_to(end.reshape(-1), (elements,)) for end in (source.low, source.high))
    parts = []
    for first, last in zip(low.tolist(), high.tolist(), strict=True):
        edges = np.linspace(first, last + 1, min(count, last - first + 1) + 1)
        edges = ints(np.floor(edges))
        parts.append((edges[:-1], edges[1:] - 1))
    index = np.meshgrid(*(np.arange(len(part[0])) for part in parts), indexing="ij")
    columns = [
        [part[end][places.reshape(-1)] for part, places in zip(parts, index, strict=True)]
        for end in (0, 1)
    ]
    return _stored(*(np.stack(column, axis=1) for column in columns))


def _stored(low: Ints, high: Ints) -> Interval:
    return Interval(low.astype(np.int8), high.astype(np.int8))


def _widened(boxes: Interval) -> Interval:
    return Interval(ints(boxes.low), ints(boxes.high))


def _computed(op: Op, sources: Sequence[Interval | None]) -> Interval | None:
    first = sources[0]
    if first is None:
        return None
    if op.code in DENSE:
        return _dense(op, first)
    if op.code in BINARY and len(sources) == 2:
        second = sources[1]
        return None if second is None else of_two(op, (first, second))
    return by_table(op, first) if len(sources) == 1 else None


def _dense(op: Op, boxes: Interval) -> Interval | None:
    data, weights = op.inputs[0], op.input(1)
    if data is None or weights is None or weights.shape[1:] != data.shape[1:]:
        return None
    low, high = (np.broadcast_to(v, (len(v), data.shape[1])) for v in (boxes.low, boxes.high))
    step = max(1, BLOCK // max(1, *weights.shape))
    parts = []
    for first in range(0, len(low), step):
        rows = slice(first, first + step)
        sums = dense_of(op, low[rows], high[rows])
        if sums is None:
            return None
        parts.append(sums.output())
    return Interval(*(np.concatenate(ends) for ends in zip(*parts, strict=True)))
