"""The graph before and after as rows side by side, with the edges between them as lanes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tflopt.report.graph import increasing
from tflopt.report.plain import Plain, number, optional, rows, text

MOST_LANES = 5
MOST_ROWS = 240
CONTEXT = 1
"""Operators shown on either side of a change where a long run without one is left out."""
LANE_WIDTH = 9
KEPT = "kept"


@dataclass(frozen=True)
class Node:
    """One operator of one side: its data, and the edges beside it as lines of an SVG."""

    op: Plain
    lines: tuple[str, ...] = ()
    also_reads: tuple[int, ...] = ()


@dataclass(frozen=True)
class Row:
    """What stands side by side; None where the other side has no counterpart.

    ``left`` and ``right`` lines pass by where a side is empty. ``skipped`` counts the unchanged
    rows that are left out here.
    """

    before: Node | None = None
    after: Node | None = None
    skipped: int = 0
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


@dataclass(frozen=True)
class Side:
    """The rows of one subgraph, its lanes on both sides, and how many rows were cut off."""

    subgraph: int
    rows: Sequence[Row] = field(default_factory=list)
    lanes: tuple[int, int] = (0, 0)
    cut: int = 0


Pair = tuple[int | None, int | None]


def graphs(report: Plain) -> list[Side]:
    """Every subgraph, aligned."""
    both = [rows(_side(report, key), "graph") for key in ("input", "output")]
    numbers = sorted({number(op, "subgraph") for ops in both for op in ops})
    return [
        _graph(index, *([op for op in ops if number(op, "subgraph") == index] for ops in both))
        for index in numbers
    ]


def _side(report: Plain, key: str) -> Plain:
    side = report.get(key)
    return side if isinstance(side, dict) else {}


def _graph(index: int, old: Sequence[Plain], new: Sequence[Plain]) -> Side:
    pairs = _align(old, new)
    shown = _shown(pairs, old, new)
    kept, cut = shown[:MOST_ROWS], max(0, len(shown) - MOST_ROWS)
    left = _lanes(old, {b: row for row, (b, _) in enumerate(kept) if b is not None})
    right = _lanes(new, {a: row for row, (_, a) in enumerate(kept) if a is not None})
    skipped = _skipped(kept, pairs)
    lines = []
    for row, (before, after) in enumerate(kept):
        if skipped[row]:
            lines.append(Row(skipped=skipped[row], left=left.gap(row), right=right.gap(row)))
        lines.append(
            Row(
                None if before is None else left.node(row, old[before]),
                None if after is None else right.node(row, new[after]),
                left=left.past(row),
                right=right.past(row),
            )
        )
    return Side(index, lines, (left.count, right.count), cut)


def _align(old: Sequence[Plain], new: Sequence[Plain]) -> list[Pair]:
    """Counterparts in one row where the order allows it; the others in rows of their own."""
    known = [
        (i, twin) for i, op in enumerate(old) if (twin := optional(op, "counterpart")) is not None
    ]
    chain = increasing((a, b) for a, b in known if b < len(new))
    pairs: list[Pair] = []
    a = b = 0
    for first, second in [*chain, (len(old), len(new))]:
        pairs += [(i, None) for i in range(a, first)]
        pairs += [(None, i) for i in range(b, second)]
        if first < len(old):
            pairs.append((first, second))
        a, b = first + 1, second + 1
    return pairs


def _shown(pairs: Sequence[Pair], old: Sequence[Plain], new: Sequence[Plain]) -> list[Pair]:
    """All rows of a small graph; of a large one those near a change."""
    if len(pairs) <= MOST_ROWS:
        return list(pairs)
    still = [_is_still(pair, old, new) for pair in pairs]
    return [
        pair
        for row, pair in enumerate(pairs)
        if not all(still[max(0, row - CONTEXT) : row + CONTEXT + 1])
        or row < CONTEXT
        or row >= len(pairs) - CONTEXT
    ]


def _is_still(pair: Pair, old: Sequence[Plain], new: Sequence[Plain]) -> bool:
    before, after = pair
    if before is None or after is None:
        return False
    return text(old[before], "fate") == KEPT and text(new[after], "fate") == KEPT


def _skipped(shown: Sequence[Pair], pairs: Sequence[Pair]) -> list[int]:
    """For each row how many were left out in front of it."""
    place = {pair: row for row, pair in enumerate(pairs)}
    places = [place[pair] for pair in shown]
    return [at - last - 1 for last, at in zip([-1, *places], places, strict=False)]


@dataclass(frozen=True)
class Lanes:
    """Edges of one side. Lane 0 joins neighbours, the others pass by what lies between."""

    count: int
    edges: Sequence[tuple[int, int, int]]
    missed: Mapping[int, Sequence[int]]

    def node(self, row: int, op: Plain) -> Node:
        """An operator's row: edges end in its dot, begin there, or pass by."""
        lines: list[str] = []
        for first, last, lane in self.edges:
            if first == row:
                lines.append(_line((0, 50), (lane, 100)))
            elif last == row:
                lines.append(_line((lane, 0), (0, 50)))
            elif first < row < last:
                lines.append(_line((lane, 0), (lane, 100)))
        return Node(op, tuple(dict.fromkeys(lines)), tuple(self.missed.get(row, ())))

    def past(self, row: int) -> tuple[str, ...]:
        """A row without an operator on this side."""
        lanes = {lane for first, last, lane in self.edges if first < row < last}
        return tuple(_line((lane, 0), (lane, 100)) for lane in sorted(lanes))

    def gap(self, row: int) -> tuple[str, ...]:
        """The place of rows that are left out in front of ``row``."""
        lanes = {lane for first, last, lane in self.edges if first < row <= last}
        return tuple(_line((lane, 0), (lane, 100)) for lane in sorted(lanes))


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    x = [LANE_WIDTH * (lane + 0.5) for lane in (start[0], end[0])]
    return f"M{x[0]:g} {start[1]}L{x[1]:g} {end[1]}"


def _lanes(ops: Sequence[Plain], row_of: Mapping[int, int]) -> Lanes:
    """Edges by rows; each that passes an operator takes the first free lane."""
    used = set(row_of.values())
    edges: list[tuple[int, int, int]] = []
    missed: dict[int, list[int]] = {}
    free: list[int] = [0] * (MOST_LANES + 1)
    drawn = sorted(_edges(ops, row_of))
    for first, last, producer in drawn:
        if not any(row in used for row in range(first + 1, last)):
            edges.append((first, last, 0))
            continue
        lane = next((i for i in range(1, MOST_LANES + 1) if free[i] <= first), None)
        if lane is None:
            missed.setdefault(last, []).append(producer)
            continue
        free[lane] = last
        edges.append((first, last, lane))
    return Lanes(1 + max((lane for _, _, lane in edges), default=0), edges, missed)


def _edges(ops: Sequence[Plain], row_of: Mapping[int, int]) -> Iterable[tuple[int, int, int]]:
    for index, op in enumerate(ops):
        reads = op.get("reads")
        for producer in reads if isinstance(reads, list) else ():
            if producer in row_of and index in row_of:
                yield row_of[producer], row_of[index], producer
