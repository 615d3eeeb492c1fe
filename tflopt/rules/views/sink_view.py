"""Move a RESHAPE that merges or splits axes down through elementwise operators."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from tflopt.facts.operators import ELEMENTWISE, VIEWS
from tflopt.ir import Op, OpCode, Options, Record, Value, same_quantization
from tflopt.layout.elementwise import is_plain_constant
from tflopt.rewrite import Rewriter, Rule, Why, require, require_no_variable
from tflopt.rules.views.merge_views import become_reshape

MOST_RANK = 4


class SinkView(Rule):
    """Let elementwise operators read what stands before a RESHAPE that merges or splits axes.

    It moves down until it meets its inverse or a FULLY_CONNECTED. Exact: each element is computed
    from the same elements, and constants keep their places.
    """

    name: ClassVar[str] = "sink-view"
    number: ClassVar[int] = 2
    rank: ClassVar[int] = 20
    anchors: ClassVar[frozenset[OpCode]] = ELEMENTWISE

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Compute first, reshape then."""
        views = list(dict.fromkeys(_views(op)))
        if not views or len(op.outputs) != 1 or isinstance(op.options, Record):
            return
        sources = [view.input(0) for view in views]
        first = sources[0]
        if first is None or any(s is None or s.shape != first.shape for s in sources):
            return
        if len(first.shape) > MOST_RANK or not _merges(first.shape, op.output.shape):
            return
        inputs = [_before(value, op, first.shape, rw=None) for value in op.inputs]
        require(None not in inputs, "it broadcasts along axes that the RESHAPE changes", at=op)
        for view in views:
            _check_view(view)
        gone = sum(view.output.size_bytes or 0 for view in views)
        grows = (op.output.size_bytes or 0) > gone
        require(
            not grows,
            Why.CHEAPER_ORDER("behind the operator it would move more bytes"),
            at=views[0],
        )
        result = _computed(op, op.options, first, rw)
        become_reshape(op, result, rw)
        for view in views:
            rw.remove(view)


def _views(op: Op) -> list[Op]:
    """The RESHAPE before each input that is not a constant; none where one has no RESHAPE."""
    views = []
    for value in op.inputs:
        if value is None:
            return []
        if is_plain_constant(value):
            continue
        view = value.producer
        if view is None or view.code not in VIEWS or value.shape != op.output.shape:
            return []
        views.append(view)
    return views


def _merges(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Whether more changes than dimensions of 1: those are the layout's."""
    large = [[size for size in shape if size != 1] for shape in (before, after)]
    return large[0] != large[1] and 0 not in before


def _check_view(view: Op) -> None:
    source = view.operand(0)
    same = same_quantization(source.quant, view.output.quant) and source.dtype == view.output.dtype
    require(same, Why.QUANTIZATION("the view changes the quantization"), at=view)
    require_no_variable(source, at=view)
    shared = view.output.is_graph_output or len(view.output.uses) > 1
    require(not shared, Why.SHARED("another operator reads the view"), at=view)


def _before(
    value: Value | None, op: Op, shape: tuple[int, ...], rw: Rewriter | None
) -> Value | None:
    """What the operator reads before the view; None where a constant doesn't fit.

    Args:
        rw: makes constants; without it only whether they fit counts.
    """
    assert value is not None
    if not is_plain_constant(value):
        assert value.producer is not None
        return value.producer.input(0)
    if value.elements == 1:
        return value
    if value.shape == op.output.shape:
        kept = shape
    else:
        kept = _tail(value.shape)
        if op.output.shape[-len(kept) :] != kept or shape[-len(kept) :] != kept:
            return None
    if rw is None or kept == value.shape:
        return value
    return rw.constant(value.array().reshape(kept), value, quant=value.quant, name=value.name)


def _tail(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without leading 1s."""
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape


def _computed(op: Op, options: Options | None, source: Value, rw: Rewriter) -> Value:
    """The operator's result in the shape of ``source``."""
    inputs = [_before(value, op, source.shape, rw) for value in op.inputs]
    result = rw.value(op.output, shape=source.shape, same_elements=True)
    signature = source.extra.shape_signature
    rw.update(result, extra=replace(result.extra, shape_signature=signature))
    rw.insert(op, op.code, inputs, [result], options, op.opcode.version)
    return result
