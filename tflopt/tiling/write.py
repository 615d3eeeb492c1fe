"""Bands as operators, in a sketch: SPLIT_V and CONCATENATION, which work in place, and PAD."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from tflopt.facts.operators import Kind, kind_of
from tflopt.ir import Op, OpCode, Options, Padding, Value
from tflopt.ir.options import (
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    PadOptions,
    Pool2DOptions,
    SplitVOptions,
)
from tflopt.rewrite.sketch import Sketch
from tflopt.tiling.bands import Band, Form, Work, plan_bands
from tflopt.tiling.segment import Halo, Rows, Segment

WINDOW_OPTIONS = Conv2DOptions | DepthwiseConv2DOptions | Pool2DOptions
MOST_INPUTS = 10
"""CONCATENATION's in TFLM (kMaxInputNum, concatenation.cc)."""
VERSION = 2
"""Of SPLIT_V, CONCATENATION and PAD, the first that take int8."""


def write_segment(ops: Sequence[Op], segment: Segment) -> Sketch:
    """The operators that make the output of ``ops[-1]`` band by band.

    Raises:
        NotTileableError: they can't be computed in these bands.
    """
    bands = plan_bands(ops, segment)
    writer = _Writer(ops, segment)
    writer.read_outside(bands)
    parts = [writer.band(number, bands) for number in range(len(bands))]
    output = ops[-1].output
    writer.sketch.results[output] = writer.joined(parts, output)
    return writer.sketch


@dataclass
class _Strip:
    """What is at hand of a tensor: runs of rows in order, each in a value of its own."""

    writer: _Writer
    runs: list[tuple[Rows, Value]] = field(default_factory=list)
    views: dict[Rows, Value] = field(default_factory=dict)
    """Joined runs, for whoever reads them again."""

    def add(self, rows: Rows, value: Value) -> None:
        self.runs.append((rows, value))
        self.runs.sort(key=lambda run: run[0])

    def cut(self, points: Iterable[int]) -> None:
        """Cut the runs at these rows, by one SPLIT_V for each."""
        points, runs = set(points), list[tuple[Rows, Value]]()
        for (start, end), value in self.runs:
            inner = sorted(point for point in points if start < point < end)
            edges = [start, *inner, end]
            rows = list(pairwise(edges))
            values = self.writer.split(value, [b - a for a, b in rows]) if inner else [value]
            runs += list(zip(rows, values, strict=True))
        self.runs = runs

    def view(self, rows: Rows) -> Value:
        """One value that holds exactly these rows."""
        if rows not in self.views:
            self.cut(rows)
            chain = [value for held, value in self.runs if rows[0] <= held[0] < rows[1]]
            self.views[rows] = self.writer.joined(chain, chain[0])
        return self.views[rows]

    @property
    def span(self) -> Rows:
        """From the first row at hand to the last."""
        return self.runs[0][0][0], self.runs[-1][0][1]


@dataclass
class _Writer:
    ops: Sequence[Op]
    segment: Segment
    sketch: Sketch = field(default_factory=Sketch)
    strips: dict[Value, _Strip] = field(default_factory=dict)
    """Of tensors from outside."""
    kept: dict[Value, _Strip] = field(default_factory=dict)
    """Rows of inner tensors that the next band reads again."""
    constants: dict[tuple[tuple[int, ...], bytes], Value] = field(default_factory=dict)

    def read_outside(self, bands: Sequence[Band]) -> None:
        """Cut tensors from outside wherever a band begins or ends to read, all at once."""
        inside = {op.output for op in self.ops}
        points: dict[Value, set[int]] = {}
        for work in (work for band in bands for work in band.works):
            for read in work.reads:
                value = work.op.inputs[read.index]
                assert value is not None
                if value not in inside:
                    points.setdefault(value, set()).update(read.rows)
        for value, cuts in points.items():
            strip = self.strips[value] = _Strip(self)
            strip.add((0, value.shape[self.segment.axis]), self.sketch.read(value))
            strip.cut(cuts)

    def band(self, number: int, bands: Sequence[Band]) -> Value:
        """Write one band; its rows of the segment's output."""
        here: dict[Value, _Strip] = dict(self.strips)
        works = {work.op: work for work in bands[number].works}
        for op in self.ops:
            output = op.output
            strip = here[output] = _Strip(self, list(self._kept(output)))
            if op in works:
                strip.add(works[op].rows, self._work(works[op], here))
            if self.segment.halo is Halo.KEPT and number + 1 < len(bands):
                self._keep(output, strip, bands[number + 1])
        return here[self.ops[-1].output].view(self.segment.bands[number])

    def _kept(self, value: Value) -> list[tuple[Rows, Value]]:
        return self.kept[value].runs if value in self.kept else []

    def _keep(self, value: Value, strip: _Strip, coming: Band) -> None:
        """Keep the rows that the next band reads of those that are there now."""
        self.kept[value] = _Strip(self)
        need = coming.needs.get(value)
        if value is self.ops[-1].output or need is None or not strip.runs:
            return
        start, end = strip.span
        if need[0] >= end:
            return
        first, whole = max(start, need[0]), strip.view((start, end))
        strip.runs = [((start, end), whole)]
        tail = whole if first == start else self.split(whole, [first - start, end - first])[1]
        self.kept[value].add((first, end), tail)

    def _work(self, work: Work, here: dict[Value, _Strip]) -> Value:
        """One operator in one band; its wanted rows."""
        op, axis = work.op, self.segment.axis
        inputs: list[Value | None] = [
            None if value is None else self.sketch.read(value) for value in _whole(work)
        ]
        for read in work.reads:
            value = op.inputs[read.index]
            assert value is not None
            inputs[read.index] = here[value].view(read.rows)
        options = op.options
        assert isinstance(options, Options | None)
        if work.form is Form.PAD:
            assert inputs[0] is not None
            inputs[0] = self.padded(inputs[0], work.pads)
        if work.form in (Form.PAD, Form.VALID):
            assert isinstance(options, WINDOW_OPTIONS)
            options = replace(options, padding=Padding.VALID)
        if kind_of(op) is Kind.PAD:
            inputs[1] = self.amounts(op, work.reads[0].before, work.reads[0].after)
        count = work.made[1] - work.made[0]
        shape = _resized(op.output.shape, axis, count)
        made = self.sketch.op(
            op.code,
            inputs,
            shape,
            options=options,
            quant=op.output.quant,
            dtype=op.output.dtype,
            version=op.opcode.version,
        )
        wanted = self._wanted(made, work)
        self.sketch.parts[wanted] = (op.output, axis, range(*work.rows))
        return wanted

    def _wanted(self, made: Value, work: Work) -> Value:
        """The wanted rows of those that were made."""
        edges = sorted({*work.made, *work.rows})
        if work.made == work.rows:
            return made
        parts = self.split(made, [b - a for a, b in pairwise(edges)])
        return parts[edges.index(work.rows[0])]

    def amounts(self, op: Op, before: int, after: int) -> Value:
        """What a PAD inside the segment adds in this band."""
        control = op.inputs[1]
        assert control is not None
        amounts = np.array(control.array(), dtype=np.int32).reshape(-1, 2)
        amounts[self.segment.axis] = (before, after)
        return self.constant(amounts)

    def padded(self, value: Value, pads: Sequence[tuple[int, int]]) -> Value:
        """``value`` with its zero point around it."""
        shape = [n + a + b for n, (a, b) in zip(value.shape, pads, strict=True)]
        inputs = [value, self.constant(np.asarray(pads, dtype=np.int32))]
        options = PadOptions()
        return self.sketch.op(OpCode.PAD, inputs, shape, options=options, version=VERSION)

    def constant(self, data: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> Value:
        """A constant, the same value for the same elements: each costs 12 bytes of the tail."""
        key = (data.shape, data.tobytes())
        if key not in self.constants:
            self.constants[key] = self.sketch.constant(data)
        return self.constants[key]

    def split(self, value: Value, sizes: Sequence[int]) -> list[Value]:
        """Parts of so many rows each."""
        axis = self.segment.axis
        inputs = [value, *(self.constant(np.asarray(n, dtype=np.int32)) for n in (sizes, axis))]
        shapes = [_resized(value.shape, axis, size) for size in sizes]
        options = SplitVOptions(num_splits=len(sizes))
        return self.sketch.ops(OpCode.SPLIT_V, inputs, shapes, options, version=VERSION)

    def joined(self, values: Sequence[Value], like: Value) -> Value:
        """The values one after the other, in as many steps as TFLM's kernel needs."""
        axis = self.segment.axis
        while len(values) > 1:
            groups = [values[i : i + MOST_INPUTS] for i in range(0, len(values), MOST_INPUTS)]
            values = [self._join(group, like, axis) for group in groups]
        return values[0]

    def _join(self, values: Sequence[Value], like: Value, axis: int) -> Value:
        if len(values) == 1:
            return values[0]
        shape = _resized(like.shape, axis, sum(value.shape[axis] for value in values))
        options = ConcatenationOptions(axis=axis)
        code = OpCode.CONCATENATION
        return self.sketch.op(code, values, shape, options=options, version=VERSION)


def _whole(work: Work) -> list[Value | None]:
    """The inputs that are read whole, None for those that are read by rows."""
    banded = {read.index for read in work.reads}
    return [None if index in banded else value for index, value in enumerate(work.op.inputs)]


def _resized(shape: Sequence[int], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])
