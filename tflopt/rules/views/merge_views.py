"""Merge chains of RESHAPE, EXPAND_DIMS and SQUEEZE."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.operators import VIEWS
from tflopt.ir import Op, OpCode, Value
from tflopt.ir.options import ReshapeOptions
from tflopt.rewrite import Rewriter, Rule, Why, require, require_no_variable


class MergeViews(Rule):
    """Merge a chain of RESHAPE, EXPAND_DIMS and SQUEEZE into one RESHAPE, or into nothing.

    Exact: each only relabels the same bytes, so the quantization in between doesn't matter.
    """

    name: ClassVar[str] = "merge-views"
    number: ClassVar[int] = 1
    rank: ClassVar[int] = 10
    anchors: ClassVar[frozenset[OpCode]] = VIEWS

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Read what the view before this one reads."""
        middle = op.input(0)
        first = None if middle is None else middle.producer
        if middle is None or first is None or first.code not in VIEWS:
            return
        source = first.input(0)
        if source is None:
            return
        back = source.shape == op.output.shape
        shared = middle.is_graph_output or len(middle.uses) > 1
        require(
            back or not shared, Why.SHARED("another operator reads the view in between"), at=first
        )
        require_no_variable(source, at=first)
        become_reshape(op, source, rw)
        if not middle.uses:
            rw.remove(first)


def become_reshape(op: Op, source: Value, rw: Rewriter) -> None:
    """Turn ``op`` into a RESHAPE of ``source`` to the shape of its output.

    The shape goes into the options: TFLM takes it from the output tensor, LiteRT from there, with
    a dimension left open (-1) where the output's signature leaves one open.
    """
    options = ReshapeOptions(new_shape=_open_shape(op.output))
    if op.code is OpCode.RESHAPE:
        shape = op.input(1)
        if shape is not None and shape.ints() is not None:
            rw.set_input(op, 0, source)
            return
    rw.set_code(op, OpCode.RESHAPE, options)
    rw.set_inputs(op, [source])


def _open_shape(value: Value) -> tuple[int, ...]:
    signature = value.extra.shape_signature
    return value.shape if signature is None or signature.count(-1) != 1 else signature
