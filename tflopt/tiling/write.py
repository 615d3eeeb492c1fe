"""Writes bands as a program: SPLIT_V and CONCATENATION, which work in place, and PAD."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tflopt.facts.operators import Kind, kind_of
from tflopt.ir import Op, OpCode, Value
from tflopt.tiling.bands import Band, Form, Memo, Work, plan_bands
from tflopt.tiling.program import Control, Input, Part, Program, Shape, Step
from tflopt.tiling.rows import NotTileableError
from tflopt.tiling.segment import Halo, Rows, Segment

MOST_INPUTS = 10
"""CONCATENATION's in TFLM (kMaxInputNum, concatenation.cc)."""
REST = -1
"""What is left, among the sizes that SPLIT_V cuts to."""


def write_program(ops: Sequence[Op], segment: Segment, memo: Memo | None = None) -> Program:
    """The steps that make what of ``ops`` is read outside, band by band.

    Args:
        memo: what is known of the operators' bands, for whoever asks often.

    Raises:
        NotTileableError: they can't be computed in these bands.
    """
    bands = plan_bands(ops, segment, Memo() if memo is None else memo)
    writer = _Writer(ops, segment)
    writer.read_outside(bands)
    for number in range(len(bands)):
        writer.band(number, bands)
    for value, parts in writer.given.items():
        order = parts[::-1] if segment.backwards else parts
        writer.program.results[value] = writer.joined(order)
    return writer.program


@dataclass
class _Strip:
    """What is at hand of a tensor: runs of rows in order, each in a value of its own."""

    writer: _Writer
    runs: list[tuple[Rows, Part]] = field(default_factory=list)
    views: dict[Rows, Part] = field(default_factory=dict)
    """Joined runs, for whoever reads them again."""
    edges: set[int] = field(default_factory=set)
    """Where runs begin and end."""

    def __post_init__(self) -> None:
        self.edges.update(row for rows, _ in self.runs for row in rows)

    def add(self, rows: Rows, value: Part) -> None:
        self.runs.append((rows, value))
        self.runs.sort(key=lambda run: run[0])
        self.edges.update(rows)

    def hold(self, rows: Rows, value: Part) -> None:
        """One run in place of all."""
        self.runs, self.edges = [(rows, value)], set(rows)

    def cut(self, points: Collection[int]) -> None:
        """Cut the runs at these rows, by one SPLIT_V for each."""
        if self.edges.issuperset(points):
            return
        runs = list[tuple[Rows, Part]]()
        for run in self.runs:
            (start, end), value = run
            inner = [point for point in points if start < point < end]
            if not inner:
                runs.append(run)
                continue
            rows = list(pairwise([start, *sorted(set(inner)), end]))
            values = self.writer.split(value, [b - a for a, b in rows])
            runs += list(zip(rows, values, strict=True))
            self.edges.update(inner)
        self.runs = runs

    def view(self, rows: Rows) -> Part:
        """One part that holds exactly these rows.

        Raises:
            NotTileableError: they aren't all at hand.
        """
        if rows not in self.views:
            self.cut(rows)
            chain = [value for held, value in self.runs if rows[0] <= held[0] < rows[1]]
            if sum(part.shape[self.writer.segment.axis] for part in chain) != rows[1] - rows[0]:
                raise NotTileableError("rows that it reads are gone", self.writer.ops[-1])
            self.views[rows] = self.writer.joined(chain)
        return self.views[rows]

    @property
    def span(self) -> Rows:
        """From the first row at hand to the last."""
        return self.runs[0][0][0], self.runs[-1][0][1]


@dataclass
class _Writer:
    ops: Sequence[Op]
    segment: Segment
    program: Program = field(default_factory=Program)
    strips: dict[Value, _Strip] = field(default_factory=dict)
    """Of tensors from outside."""
    kept: dict[Value, _Strip] = field(default_factory=dict)
    """Rows of inner tensors that the next band reads again."""
    given: dict[Value, list[Part]] = field(default_factory=dict)
    """Of what is read outside: the parts that bands made."""

    def read_outside(self, bands: Sequence[Band]) -> None:
        """Cut tensors from outside wherever a band begins or ends to read, all at once."""
        inside = {op.output for op in self.ops}
        points: dict[Value, set[int]] = {}
        for work in (work for band in bands for work in band.works):
            if not inside.isdisjoint(work.whole):
                raise NotTileableError("it reads all of what a layer of its segment makes", work.op)
            for read in work.reads:
                value = work.op.operand(read.index)
                if value not in inside:
                    points.setdefault(value, set()).update(read.rows)
        for value, cuts in points.items():
            strip = self.strips[value] = _Strip(self)
            strip.add((0, value.shape[self.segment.axis]), self.program.read(value))
            strip.cut(cuts)

    def band(self, number: int, bands: Sequence[Band]) -> None:
        """Write one band."""
        here: dict[Value, _Strip] = dict(self.strips)
        works = {work.op: work for work in bands[number].works}
        for op in self.ops:
            output = op.output
            strip = here[output] = _Strip(self, list(self._kept(output)))
            if op in works:
                strip.add(works[op].held, self._work(works[op], here))
            if self.segment.halo is Halo.KEPT and number + 1 < len(bands):
                self._keep(output, strip, bands[number + 1 :])
        for value, rows in bands[number].gives.items():
            self.given.setdefault(value, []).append(here[value].view(rows))
        self.program.ends.append(len(self.program.steps))

    def _kept(self, value: Value) -> list[tuple[Rows, Part]]:
        return self.kept[value].runs if value in self.kept else []

    def _keep(self, value: Value, strip: _Strip, coming: Sequence[Band]) -> None:
        """Keep the rows that the next band to read it reads, of those that are there now."""
        self.kept[value] = _Strip(self)
        need = next((band.needs[value] for band in coming if value in band.needs), None)
        if value is self.ops[-1].output or need is None or not strip.runs:
            return
        start, end = strip.span
        if need[0] >= end:
            return
        first, whole = max(start, need[0]), strip.view((start, end))
        strip.hold((start, end), whole)
        tail = whole
        if first != start:
            strip.views[start, first], tail = self.split(whole, [first - start, end - first])
        self.kept[value].add((first, end), tail)

    def _work(self, work: Work, here: dict[Value, _Strip]) -> Part:
        """One operator in one band; the rows of it that its readers find."""
        op, axis, kind = work.op, self.segment.axis, kind_of(work.op)
        inputs: list[Input] = [
            None if value is None else self.program.read(value) for value in work.whole
        ]
        for read in work.reads:
            value = op.operand(read.index)
            inputs[read.index] = here[value].view(read.rows)
        if work.form is Form.PAD:
            assert isinstance(inputs[0], Part)
            inputs[0] = self.padded(inputs[0], work.pads)
        if kind is Kind.PAD:
            inputs[1] = self.amounts(op, work.reads[0].before, work.reads[0].after)
        made = Part(_resized(op.output.shape, axis, work.made[1] - work.made[0]), op.output)
        if kind is Kind.RESIZE:
            inputs[1] = Control((2,), made.shape[1:3])
        elif kind is Kind.TRANSPOSE_CONV:
            inputs[0] = Control((len(made.shape),), made.shape)
        valid = work.form in (Form.PAD, Form.VALID)
        self.add(Step(op.code, tuple(inputs), (made,), axis, op, valid))
        if work.on:
            return made
        part = self._kept_rows(made, work)
        self.program.origins[part] = (op.output, axis, range(*work.rows))
        return part

    def add(self, step: Step) -> None:
        """One more step."""
        self.program.steps.append(step)

    def _kept_rows(self, made: Part, work: Work) -> Part:
        """The wanted rows of those that were made."""
        if work.made == work.rows:
            return made
        edges = sorted({*work.made, *work.rows})
        parts = self.split(made, [b - a for a, b in pairwise(edges)])
        return parts[edges.index(work.rows[0])]

    def amounts(self, op: Op, before: int, after: int) -> Control:
        """What a PAD inside the segment adds in this band."""
        control = op.operand(1)
        amounts = np.array(control.array(), dtype=np.int32).reshape(-1, 2)
        amounts[self.segment.axis] = (before, after)
        return Control(amounts.shape, tuple(amounts.ravel().tolist()))

    def padded(self, part: Part, pads: Sequence[tuple[int, int]]) -> Part:
        """``part`` with its zero point around it."""
        shape = tuple(n + a + b for n, (a, b) in zip(part.shape, pads, strict=True))
        amounts = Control((len(pads), 2), tuple(n for pair in pads for n in pair))
        made = Part(shape, part.like)
        self.add(Step(OpCode.PAD, (part, amounts), (made,), self.segment.axis))
        return made

    def split(self, part: Part, sizes: Sequence[int]) -> list[Part]:
        """Parts of so many rows each."""
        axis = self.segment.axis
        made = [Part(_resized(part.shape, axis, size), part.like) for size in sizes]
        inputs = (part, Control((len(sizes),), _with_rest(sizes)), Control((), (axis,)))
        self.add(Step(OpCode.SPLIT_V, inputs, tuple(made), axis))
        return made

    def joined(self, parts: Sequence[Part]) -> Part:
        """The parts one after the other, in as many steps as TFLM's kernel needs."""
        while len(parts) > 1:
            groups = [parts[i : i + MOST_INPUTS] for i in range(0, len(parts), MOST_INPUTS)]
            parts = [self._join(group) for group in groups]
        return parts[0]

    def _join(self, parts: Sequence[Part]) -> Part:
        if len(parts) == 1:
            return parts[0]
        axis = self.segment.axis
        shape = _resized(parts[0].shape, axis, sum(part.shape[axis] for part in parts))
        made = Part(shape, parts[0].like)
        self.add(Step(OpCode.CONCATENATION, tuple(parts), (made,), axis))
        return made


def _with_rest(sizes: Sequence[int]) -> tuple[int, ...]:
    """The largest is whatever is left, so that more of such constants are equal.

    TFLM's kernel reads none of them but the shapes (split_v.cc), LiteRT's takes one -1.
    """
    largest = sizes.index(max(sizes))
    return (*sizes[:largest], REST, *sizes[largest + 1 :])


def _resized(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])
