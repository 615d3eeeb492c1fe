"""Let a SLICE read what the SLICE or CONCATENATION in front of it reads."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.joins import Join, join_of
from tflopt.facts.operators import SLICES
from tflopt.facts.slices import Region, region_of, whole
from tflopt.ir import Op, OpCode, Value, same_quantization
from tflopt.rewrite import BETWEEN_PORTS, Rewriter, Rule, Why, require
from tflopt.rules.movement.write import check_movable, insert_slice


class MergeSlices(Rule):
    """Merge SLICE after SLICE, and cut the one input of a CONCATENATION that is asked for.

    Exact: it takes the same elements from where they come from.
    """

    name: ClassVar[str] = "merge-slices"
    number: ClassVar[int] = 21
    rank: ClassVar[int] = 210
    anchors: ClassVar[frozenset[OpCode]] = SLICES

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Read further up."""
        middle, region = op.input(0), region_of(op)
        first = None if middle is None else middle.producer
        if middle is None or first is None or region is None:
            return
        origin = None
        if first.code in SLICES:
            origin = _through_slice(first, region)
        elif (join := join_of(first)) is not None:
            origin = _through_concatenation(join, region, op)
        if origin is None:
            return
        source, moved = origin
        check_movable(op, source)
        same = same_quantization(source.quant, op.output.quant)
        require(same, Why.QUANTIZATION("it changes the quantization of what it hands on"), at=first)
        cuts = moved != whole(source.shape)
        require(cuts or rw.can_replace(op.output, source), BETWEEN_PORTS, at=op)
        small = insert_slice(rw, op, source, moved, op)
        if cuts:
            rw.update(small, origin=op.output.origin)
        rw.bypass(op, small)
        rw.remove(first)


def _through_slice(first: Op, region: Region) -> tuple[Value, Region] | None:
    source, outer = first.input(0), region_of(first)
    if source is None or outer is None:
        return None
    begin = tuple(a + b for a, b in zip(outer.begin, region.begin, strict=True))
    return source, Region(begin, region.size)


def _through_concatenation(join: Join, region: Region, op: Op) -> tuple[Value, Region] | None:
    axis = join.axis
    begin, size = region.begin[axis], region.size[axis]
    start = 0
    for source in join.parts:
        inside = start <= begin and begin + size <= start + source.shape[axis]
        if inside:
            return source, region.with_axis(axis, begin - start, size)
        start += source.shape[axis]
    require(False, "it takes elements of several inputs of the CONCATENATION", at=op)
    return None
