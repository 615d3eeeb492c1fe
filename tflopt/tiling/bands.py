"""What every band computes: rows, form and reads of each operator. Nothing is written here."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from math import prod

from tflopt.facts.operators import Kind, kind_of
from tflopt.facts.windows import HEIGHT, WIDTH
from tflopt.ir import Op, Value
from tflopt.tiling.cut import cut_for, made_of
from tflopt.tiling.rows import (
    GROWING,
    WINDOWED,
    NotTileableError,
    Read,
    axis_of,
    grown_of,
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

    ``pads`` are the rows and columns of padding for `Form.PAD`, as PAD takes them. Where all rows
    are handed ``on``, the one layer that reads them cuts the wrong ones off with its own.
    """

    op: Op
    rows: Rows
    made: Rows
    reads: tuple[Read, ...]
    form: Form = Form.PLAIN
    pads: tuple[tuple[int, int], ...] = ()
    on: bool = False

    @property
    def held(self) -> Rows:
        """The rows that its readers find."""
        return self.made if self.on else self.rows

    @cached_property
    def whole(self) -> tuple[Value | None, ...]:
        """The inputs that are read whole, None for those that are read by rows."""
        banded = {read.index for read in self.reads}
        inputs = enumerate(self.op.inputs)
        return tuple(None if index in banded else value for index, value in inputs)

    @property
    def is_cut(self) -> bool:
        """Whether wrong rows are cut off."""
        return self.form is Form.CUT and self.made != self.rows


@dataclass(frozen=True)
class Band:
    """The work of one band in order, and the rows of each tensor that its readers read.

    ``gives`` are the rows that it adds to what is read outside.
    """

    works: tuple[Work, ...]
    needs: dict[Value, Rows]
    gives: dict[Value, Rows]


Known = tuple[Band, tuple[int, ...]]
"""A band, and up to which rows what is read outside is made then."""


@dataclass
class Memo:
    """What is known of operators in bands, by axis, edge and rows, and of the bands of runs."""

    works: dict[tuple[Op, int, Edge, Rows], Work | NotTileableError] = field(default_factory=dict)
    bands: dict[Hashable, dict[Hashable, Known]] = field(default_factory=dict)


@dataclass
class _Planner:
    ops: Sequence[Op]
    segment: Segment
    memo: Memo
    computed: dict[Value, int] = field(default_factory=dict)
    """Rows of inner tensors up to here are kept from the bands before."""
    given: dict[Value, int] = field(default_factory=dict)
    """Of tensors that are read outside: rows up to here are made."""
    known: dict[Hashable, Known] = field(init=False)

    def __post_init__(self) -> None:
        segment = self.segment
        run = (tuple(self.ops), segment.axis, segment.halo, segment.edge, segment.bounds[-1])
        self.known = self.memo.bands.setdefault(run, {})

    def band(self, rows: Rows) -> Band:
        """The last operator's ``rows``, and what they need: it follows from what is there."""
        kept = self.ops if self.segment.halo is Halo.KEPT else ()
        computed = tuple(self.computed.get(op.output, 0) for op in kept)
        state = (rows, computed, *self.given.values())
        if state not in self.known:
            band = self._band(rows)
            self.known[state] = band, tuple(self.given.values())
        band, given = self.known[state]
        self.given = dict(zip(self.given, given, strict=True))
        for work in band.works:
            self.computed[work.op.output] = work.rows[1]
        return band

    def _band(self, rows: Rows) -> Band:
        output = self.ops[-1].output
        needs, works, gives = {output: rows}, list[Work](), {output: rows}
        for op in reversed(self.ops):
            if op.output in self.given:
                self._give(op.output, rows[1], needs, gives)
            needed = needs.get(op.output)
            if needed is None:
                continue
            if self.segment.halo is Halo.KEPT and op.output is not output:
                needed = (max(needed[0], self.computed.get(op.output, 0)), needed[1])
            if needed[0] >= needed[1]:
                continue
            work = self._work(op, needed)
            works.append(work)
            for read in work.reads:
                _widen(needs, op.inputs[read.index], read.rows)
        works.reverse()
        if self.segment.halo is Halo.TWICE and self.segment.edge is Edge.LESS:
            works = _cut_late(works, self.segment.axis, gives)
        return Band(tuple(works), needs, gives)

    def _give(
        self, value: Value, done: int, needs: dict[Value, Rows], gives: dict[Value, Rows]
    ) -> None:
        """Let a band make rows of an inner output: those up to where its readers read."""
        start, size = self.given[value], value.shape[self.segment.axis]
        end = needs.get(value, (0, start))[1]
        if done == self.segment.bounds[-1]:
            end = size
        if end > start:
            self.given[value] = end
            gives[value] = (start, end)
            _widen(needs, value, gives[value])

    def _work(self, op: Op, rows: Rows) -> Work:
        segment = self.segment
        key = (op, segment.axis, segment.edge, rows)
        known = self.memo.works.get(key)
        if known is None:
            try:
                known = work_of(op, segment, rows)
            except NotTileableError as error:
                known = error
            self.memo.works[key] = known
        if isinstance(known, NotTileableError):
            raise NotTileableError(known.reason, known.op)
        return known


def _cut_late(works: Sequence[Work], axis: int, gives: Collection[Value]) -> list[Work]:
    """The same with wrong rows handed on from layer to layer as long as each would cut some off.

    Args:
        gives: what is read outside, of which no row may be wrong.
    """
    by_output = {work.op.output: work for work in works}
    for work in works:
        reads = [
            other
            for other in by_output.values()
            if any(other.op.operand(read.index) is work.op.output for read in other.reads)
        ]
        if work.op.output in gives or len(reads) != 1 or not (work.is_cut and reads[0].is_cut):
            continue
        here, then = by_output[work.op.output], reads[0]
        made = made_of(axis_of(then.op, axis), then.rows, here.made, here.rows)
        if made is not None and made != then.rows:
            by_output[work.op.output] = replace(here, on=True)
            by_output[then.op.output] = replace(then, reads=(Read(0, here.made),), made=made)
    return list(by_output.values())


def _widen(needs: dict[Value, Rows], value: Value | None, rows: Rows) -> None:
    assert value is not None
    known = needs.get(value, rows)
    needs[value] = (min(rows[0], known[0]), max(rows[1], known[1]))


def plan_bands(ops: Sequence[Op], segment: Segment, memo: Memo) -> tuple[Band, ...]:
    """The bands of a run of operators.

    Raises:
        NotTileableError: some operator can't be computed in these bands.
    """
    outputs, inside = outputs_of(ops), set(ops)
    for value in outputs[:-1]:
        if not any(use.op in inside for use in value.uses):
            raise NotTileableError("its output is read outside alone", ops[-1])
    bounds, size = segment.bounds, ops[-1].output.shape[segment.axis : segment.axis + 1]
    if (bounds[0], *bounds[-1:]) != (0, *size) or list(bounds) != sorted(set(bounds)):
        raise NotTileableError(f"bands from {bounds} don't cover its rows", ops[-1])
    if segment.backwards and (segment.halo is Halo.KEPT or len(outputs) > 1):
        raise NotTileableError(
            "rows are kept, or given outside, from the first to the last", ops[-1]
        )
    planner = _Planner(ops, segment, memo, given=dict.fromkeys(outputs[:-1], 0))
    return tuple(planner.band(rows) for rows in segment.bands)


def outputs_of(ops: Sequence[Op]) -> list[Value]:
    """What of a run is read outside, and the last output.

    Raises:
        NotTileableError: an operator has no output, or several.
    """
    inside = set(ops)
    for op in ops:
        if len(op.outputs) != 1:
            raise NotTileableError("it has no output, or several", op)
    inner = [op.output for op in ops[:-1]]
    outside = [v for v in inner if any(use.op not in inside for use in v.uses)]
    return [*outside, ops[-1].output]


def work_of(op: Op, segment: Segment, rows: Rows) -> Work:
    """How ``rows`` of one operator are made.

    Raises:
        NotTileableError: they can't.
    """
    reads = reads_of(op, segment.axis, rows)
    if kind_of(op) in GROWING:
        return Work(op, rows, grown_of(op, segment.axis, rows).made, reads)
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
    ends = (read.before, read.after)
    pads = (ends, sides) if segment.axis == HEIGHT else (sides, ends)
    padded = Work(op, rows, rows, reads, Form.PAD, ((0, 0), *pads, (0, 0)))
    if cut is not None:
        work = Work(op, rows, cut.made, (Read(0, cut.read),), Form.CUT)
        if cut.made == rows or is_pool or segment.edge is Edge.CUT:
            return work
        if segment.edge is Edge.LESS and _elements(work, segment) < _elements(padded, segment):
            return work
    if is_pool:
        raise NotTileableError("a pooling can't be padded with anything", op)
    return padded


def _elements(work: Work, segment: Segment) -> int:
    """How many a window and its output have, with all of its padding."""
    read, data, made = work.reads[0].rows, work.op.operand(0).shape, work.op.output.shape
    shape = [*data[: segment.axis], read[1] - read[0], *data[segment.axis + 1 :]]
    padded = work.pads or ((0, 0),) * len(shape)
    rows = work.made[1] - work.made[0]
    return (
        prod(size + sum(pads) for size, pads in zip(shape, padded, strict=True))
        + prod(made) // made[segment.axis] * rows
    )


def _other(axis: int) -> int:
    return WIDTH if axis == HEIGHT else HEIGHT
