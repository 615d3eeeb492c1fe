"""Join at once what is joined in steps, and leave whole what is split and joined again."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.joins import Split, join_of, split_of
from tflopt.ir import Op, OpCode, Value, same_quantization
from tflopt.rewrite import BETWEEN_PORTS, Rewriter, Rule, Why, require, require_no_variable
from tflopt.rules.movement.repeat_to_resize import MOST_INPUTS


class MergeConcatenations(Rule):
    """Join at once what is joined in steps; drop a SPLIT whose parts are joined again in order.

    Exact: the same elements end up in the same places; both operators only move bytes.
    """

    name: ClassVar[str] = "merge-concatenations"
    number: ClassVar[int] = 3
    rank: ClassVar[int] = 30
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONCATENATION})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """First the parts of a SPLIT, then a CONCATENATION before this one."""
        join = join_of(op)
        if join is None:
            return
        values, axis = list(join.parts), join.axis
        for start, value in enumerate(values):
            split = None if value.producer is None else split_of(value.producer)
            if split is not None and _is_whole(split, values[start:], axis):
                _leave_whole(op, split, values, start, rw)
                return
        for index, value in enumerate(values):
            inner = join_of(value.producer)
            if inner is not None and inner.axis == axis:
                _inline(op, inner.op, values, index, rw)
                return


def _is_whole(split: Split, values: list[Value], axis: int) -> bool:
    """Whether the values start with all parts of a SPLIT along the axis, in order."""
    return split.axis == axis and tuple(values[: len(split.parts)]) == split.parts


def _leave_whole(op: Op, split: Split, values: list[Value], start: int, rw: Rewriter) -> None:
    data = split.data
    same = all(same_quantization(data.quant, part.quant) for part in split.parts)
    require(same, Why.QUANTIZATION("the SPLIT changes the quantization"), at=split.op)
    require_no_variable(data, at=split.op)
    kept = [*values[:start], data, *values[start + len(split.parts) :]]
    if len(kept) > 1:
        rw.set_inputs(op, kept)
    else:
        same = same_quantization(data.quant, op.output.quant)
        require(same, Why.QUANTIZATION("the CONCATENATION changes the quantization"), at=op)
        require(rw.can_replace(op.output, data), BETWEEN_PORTS, at=op)
        rw.bypass(op, data)
    if not any(part.uses for part in split.parts):
        rw.remove(split.op)


def _inline(op: Op, inner: Op, values: list[Value], index: int, rw: Rewriter) -> None:
    shared = inner.output.is_graph_output or len(inner.output.uses) > 1
    require(not shared, Why.SHARED("another operator reads what is joined first"), at=inner)
    parts = [value for value in inner.inputs if value is not None]
    same = all(same_quantization(part.quant, inner.output.quant) for part in parts)
    require(same, Why.QUANTIZATION("the first CONCATENATION changes the quantization"), at=inner)
    count = len(values) - 1 + len(parts)
    require(
        count <= MOST_INPUTS,
        Why.OTHER("TFLM joins at most {most} tensors, not {count}", most=MOST_INPUTS, count=count),
        at=op,
    )
    rw.set_inputs(op, [*values[:index], *parts, *values[index + 1 :]])
    rw.remove(inner)
