"""Move SLICE and STRIDED_SLICE up, so that less is computed and moved."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.operators import (
    CONVOLUTIONS,
    JOINS,
    PADS,
    POOLS,
    SLICES,
    TRANSPOSES,
    UNARY,
    VIEWS,
)
from tflopt.facts.slices import Region, region_of
from tflopt.facts.tables import OF_TWO
from tflopt.facts.transposes import permutation_of
from tflopt.ir import Op, OpCode, Options, Value
from tflopt.rewrite import Rewriter, Rule, Why, require, required
from tflopt.rewrite.makers import insert_again
from tflopt.rules.movement.write import check_movable, insert_slice

MOVABLE = UNARY | OF_TWO | VIEWS | TRANSPOSES
"""Each output element depends on those at its place, of which one may be broadcast."""
ELSEWHERE = CONVOLUTIONS | POOLS | PADS | SLICES | JOINS
"""Other rules move a SLICE past these, and say why not."""


class HoistSlice(Rule):
    """Move SLICE up through elementwise operators, views that add or drop axes of 1, TRANSPOSE.

    Exact: each element that is left is computed from the same elements in the same way; those
    that nobody reads are no longer computed. It never moves more bytes, and the operator that it
    passes handles fewer.
    """

    name: ClassVar[str] = "hoist-slice"
    number: ClassVar[int] = 22
    rank: ClassVar[int] = 220
    anchors: ClassVar[frozenset[OpCode]] = SLICES

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Exchange the SLICE and the operator in front of it."""
        middle = op.input(0)
        if middle is None or middle.is_constant:
            return
        region, above = region_of(op), middle.producer
        region = required(
            region, Why.COMPUTED("it takes steps, drops an axis or is computed"), at=op
        )
        above = required(
            above, Why.INTERFACE("it cuts what the caller feeds, or a variable"), at=op
        )
        if above.code in ELSEWHERE:
            return
        known = isinstance(above.options, Options) or above.options is None
        passes = above.code in MOVABLE and known
        require(
            passes, Why.OTHER("it can't be moved up through {code}", code=above.opcode.label), at=op
        )
        index = _data_index(above)
        index = required(index, "two tensors would have to be cut in its place", at=op)
        source = above.operand(index)
        check_movable(op, source)
        wider = (source.dtype.bits or 0) > (middle.dtype.bits or 0)
        require(not wider, "the elements in front are wider", at=op)
        moved = region_in_front(above, source, region)
        moved = required(moved, _NOT_CUT.get(above.code, BROADCAST), at=op)
        _exchange(op, above, index, moved, rw)


BROADCAST = Why.OTHER("the other operand differs along the axis that it cuts")
_NOT_CUT = dict.fromkeys(VIEWS, Why.AXES("the view in front splits or joins axes")) | dict.fromkeys(
    TRANSPOSES, Why.COMPUTED("the permutation is computed at run time")
)


def _exchange(op: Op, above: Op, index: int, region: Region, rw: Rewriter) -> None:
    source = above.operand(index)
    small = insert_slice(rw, above, source, region, op)
    output = rw.value(op.output, same_elements=True)
    options = above.options if isinstance(above.options, Options) else None
    inputs = list(above.inputs)
    inputs[index] = small
    insert_again(rw, above, inputs, output, options)
    rw.bypass(op, output)
    rw.remove(above)


def _data_index(op: Op) -> int | None:
    """The input that is cut; None where two that are computed would have to be."""
    if op.code not in OF_TWO:
        return 0
    computed = [i for i, value in enumerate(op.inputs) if value is None or not value.is_constant]
    return computed[0] if len(computed) == 1 else None


def region_in_front(op: Op, source: Value, region: Region) -> Region | None:
    """The block of ``source`` that ``op`` makes the block ``region`` of its output from."""
    if op.code in VIEWS:
        return _through_view(source.shape, op.output.shape, region)
    if op.code in TRANSPOSES:
        perm = permutation_of(op)
        return None if perm is None else _through_transpose(perm, region)
    if source.shape != op.output.shape:
        return None
    cuts = region.cuts(op.output.shape)
    others = [value for value in op.inputs if value is not None and value is not source]
    return region if all(_is_constant_along(other, source, cuts) for other in others) else None


def _is_constant_along(other: Value, source: Value, axes: frozenset[int]) -> bool:
    """Whether ``other``, broadcast to ``source``, has one element along each of ``axes``."""
    missing = len(source.shape) - len(other.shape)
    return all(axis < missing or other.shape[axis - missing] == 1 for axis in axes)


def _through_view(
    source: tuple[int, ...], target: tuple[int, ...], region: Region
) -> Region | None:
    large = [axis for axis, extent in enumerate(target) if extent != 1]
    places = [axis for axis, extent in enumerate(source) if extent != 1]
    if [source[axis] for axis in places] != [target[axis] for axis in large]:
        return None
    source_region = Region((0,) * len(source), (1,) * len(source))
    for place, axis in zip(places, large, strict=True):
        source_region = source_region.with_axis(place, region.begin[axis], region.size[axis])
    return source_region


def _through_transpose(perm: tuple[int, ...], region: Region) -> Region:
    source_region = region
    for place, axis in enumerate(perm):
        source_region = source_region.with_axis(axis, region.begin[place], region.size[place])
    return source_region
