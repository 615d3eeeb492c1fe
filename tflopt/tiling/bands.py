"""What every band computes: rows, form and reads of each operator. Nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from tflopt.facts.operators import Kind, kind_of
from tflopt.facts.windows import HEIGHT, WIDTH
from tflopt.ir import Op, Value
from tflopt.tiling.cut import cut_for
from tflopt.tiling.rows import (
    GROWING,
    WINDOWED,
    NotTileableError,
    Read,
    axis_of,
    made_of,
    pads_itself,
    reads_of,
)
from tflopt.tiling.segment import Edge, Halo, Rows, Segment


class Form(Enum):
    """How an operator gets its padding in a band."""

    PLAIN = "as it is"
    VALID = "VALID, where it meets no padding"
    CUT = "SAME, and wrong rows are cut off"
    PAD = "PAD, then VALID"


@dataclass(frozen=True)
class Work:
    """One operator in one band: it makes ``made`` rows, of which ``rows`` are wanted.

    ``pads`` are the rows and columns of padding for `Form.PAD`, as PAD takes them.
    """

    op: Op
    rows: Rows
    made: Rows
    reads: tuple[Read, ...]
    form: Form = Form.PLAIN
    pads: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Band:
    """The work of one band in order, and the rows of each tensor that its readers read."""

    works: tuple[Work, ...]
    needs: dict[Value, Rows]


Memo = dict[tuple[Op, int, Edge, Rows], Work | NotTileableError]
"""What is known of operators in bands: by axis, edge and rows."""


@dataclass
class _Planner:
    ops: Sequence[Op]
    segment: Segment
    memo: Memo
    computed: dict[Value, int] = field(default_factory=dict)
    """Rows of inner tensors up to here are kept from the bands before."""

    def band(self, rows: Rows) -> Band:
        """The last operator's ``rows``, and what they need."""
        output = self.ops[-1].output
        needs, works = {output: rows}, []
        for op in reversed(self.ops):
            wanted = needs.get(op.output)
            if wanted is None:
                continue
            if self.segment.halo is Halo.KEPT and op.output is not output:
                wanted = (max(wanted[0], self.computed.get(op.output, 0)), wanted[1])
            if wanted[0] >= wanted[1]:
                continue
            work = self._work(op, wanted)
            works.append(work)
            for read in work.reads:
                _widen(needs, op.inputs[read.index], read.rows)
        for work in works:
            self.computed[work.op.output] = work.rows[1]
        return Band(tuple(reversed(works)), needs)

    def _work(self, op: Op, rows: Rows) -> Work:
        segment = self.segment
        key = (op, segment.axis, segment.edge, rows)
        if key not in self.memo:
            try:
                self.memo[key] = work_of(op, segment, rows)
            except NotTileableError as error:
                self.memo[key] = error
        known = self.memo[key]
        if isinstance(known, NotTileableError):
            raise NotTileableError(known.reason, known.op)
        return known


def _widen(needs: dict[Value, Rows], value: Value | None, rows: Rows) -> None:
    assert value is not None
    known = needs.get(value, rows)
    needs[value] = (min(rows[0], known[0]), max(rows[1], known[1]))


def plan_bands(ops: Sequence[Op], segment: Segment, memo: Memo) -> tuple[Band, ...]:
    """The bands of a run of operators, of which only the last one's output is read outside.

    Raises:
        NotTileableError: some operator can't be computed in these bands.
    """
    check_run(ops)
    bounds, size = segment.bounds, ops[-1].output.shape[segment.axis : segment.axis + 1]
    if (bounds[0], *bounds[-1:]) != (0, *size) or list(bounds) != sorted(set(bounds)):
        raise NotTileableError(f"bands from {bounds} don't cover its rows", ops[-1])
    planner = _Planner(ops, segment, memo)
    return tuple(planner.band(rows) for rows in segment.bands)


def check_run(ops: Sequence[Op]) -> None:
    """Whether only the last output is read outside.

    Raises:
        NotTileableError: another one is.
    """
    inside = set(ops)
    for op in ops[:-1]:
        if not op.outputs or any(use.op not in inside for use in op.output.uses):
            raise NotTileableError("its output is read outside as well", op)


def work_of(op: Op, segment: Segment, rows: Rows) -> Work:
    """How ``rows`` of one operator are made.

    Raises:
        NotTileableError: they can't.
    """
    reads = reads_of(op, segment.axis, rows)
    if kind_of(op) in GROWING:
        return Work(op, rows, made_of(op, segment.axis, rows).made, reads)
    if kind_of(op) not in WINDOWED or not pads_itself(op):
        return Work(op, rows, rows, reads)
    along, across = axis_of(op, segment.axis), axis_of(op, _other(segment.axis))
    read = reads[0]
    if rows == (0, along.out) and read.rows == (0, along.size):
        return Work(op, rows, rows, reads)
    sides = (across.before, max(0, across.last - across.size + 1))
    if not read.before and not read.after and sides == (0, 0):
        return Work(op, rows, rows, reads, Form.VALID)
    cut, is_pool = cut_for(along, rows), kind_of(op) is Kind.POOL
    if cut is not None and (cut.made == rows or is_pool or segment.edge is Edge.CUT):
        return Work(op, rows, cut.made, (Read(0, cut.read),), Form.CUT)
    if is_pool:
        raise NotTileableError("a pooling can't be padded with anything", op)
    ends = (read.before, read.after)
    pads = (ends, sides) if segment.axis == HEIGHT else (sides, ends)
    return Work(op, rows, rows, reads, Form.PAD, ((0, 0), *pads, (0, 0)))


def _other(axis: int) -> int:
    return WIDTH if axis == HEIGHT else HEIGHT
