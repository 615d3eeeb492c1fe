"""Join a tensor instead of the slices of it that make it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tflopt.facts.joins import Join, join_of, split_of
from tflopt.facts.slices import RANKS, region_of
from tflopt.ir import Op, OpCode, Value, same_quantization
from tflopt.rewrite import BETWEEN_PORTS, Rewriter, Why, require, require_no_variable
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.islands.rounding import remove_unread
from tflopt.search.worth import FormRule


class RejoinSlices(FormRule):
    """Let a CONCATENATION read a tensor whose slices, in order, are all of it, if better.

    What YOLO's blocks leave: both halves of a tensor are joined with what is computed from one of
    them. Exact: the same elements end up in the same places. The tensor lives longer than the
    slices that nobody else reads, so the arena has its say.
    """

    name: ClassVar[str] = "rejoin-slices"
    number: ClassVar[int] = 93
    rank: ClassVar[int] = 35
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONCATENATION})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the first run of such slices."""
        join = join_of(op)
        run = None if join is None else _run(join)
        if join is None or run is None:
            return
        source, values = run.source, [*run.before, run.source, *run.behind]
        quants = (source.quant, *(part.quant for part in run.parts))
        same = all(same_quantization(source.quant, quant) for quant in quants)
        require(same, Why.QUANTIZATION("a slice changes the quantization"), at=op)
        require_no_variable(source, at=op)
        sketch, output = Sketch(), op.output
        if len(values) > 1:
            parts = [sketch.read(value) for value in values]
            made = sketch.concatenation(parts, output.shape, join.axis, output.quant)
        else:
            equal = same_quantization(source.quant, output.quant)
            require(equal, Why.QUANTIZATION("the CONCATENATION changes it"), at=op)
            require(rw.can_replace(output, source), BETWEEN_PORTS, at=op)
            made = sketch.read(source)
        sketch.results[output] = made
        choice = self.worth.compare([*_unread_then(op, run.parts), op], sketch)
        require(choice.is_worth_it, choice.why_not("joining the whole tensor"), at=op)
        sketch.graft(rw, op)
        for part in run.parts:
            remove_unread(part, rw)


@dataclass(frozen=True)
class _Run:
    """Slices that make up ``source``, between other parts of a CONCATENATION."""

    source: Value
    parts: tuple[Value, ...]
    before: tuple[Value, ...]
    behind: tuple[Value, ...]


def _run(join: Join) -> _Run | None:
    """The first run of slices along the axis that make up a tensor, in order."""
    values = join.parts
    for start in range(len(values)):
        stop = _end(values, start, join.axis)
        place = _place(values[start], join.axis)
        if stop is not None and place is not None:
            return _Run(place[0], values[start:stop], values[:start], values[stop:])
    return None


def _end(values: Sequence[Value], start: int, axis: int) -> int | None:
    """Behind the last slice of a run that begins here and is complete."""
    source, at = None, 0
    for stop in range(start, len(values)):
        place = _place(values[stop], axis)
        if place is None or place[1] != at or (source is not None and place[0] is not source):
            return None
        source, at = place[0], at + values[stop].shape[axis]
        if at == source.shape[axis]:
            return stop + 1
    return None


def _place(value: Value, axis: int) -> tuple[Value, int] | None:
    """What a slice along the axis alone is taken from, and from where on."""
    op = value.producer
    if op is None:
        return None
    split = split_of(op)
    if split is not None:
        sizes = [part.shape[axis] for part in split.parts[: split.parts.index(value)]]
        return (split.data, sum(sizes)) if split.axis == axis else None
    region, source = region_of(op) if op.code in RANKS else None, op.input(0)
    if region is None or source is None or region.cuts(source.shape) != {axis}:
        return None
    return source, region.begin[axis]


def _unread_then(op: Op, parts: Sequence[Value]) -> list[Op]:
    """The operators before ``op`` that nobody reads without it."""
    makers = dict.fromkeys(part.producer for part in parts)
    return [
        maker
        for maker in makers
        if maker is not None and all(use.op is op for out in maker.outputs for use in out.uses)
    ]
