"""Merge chains of PAD."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.facts.operators import PADS
from tflopt.facts.pads import pad_above, pad_of
from tflopt.ir import Op, OpCode, same_quantization
from tflopt.rewrite import Rewriter, Rule, Why, require, require_no_variable


class MergePads(Rule):
    """Merge PAD after PAD into one with the sum of their amounts.

    Exact: both add the same value, so the order in which they add it doesn't matter.
    """

    name: ClassVar[str] = "merge-pads"
    number: ClassVar[int] = 18
    rank: ClassVar[int] = 180
    anchors: ClassVar[frozenset[OpCode]] = PADS

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Read what the PAD before this one reads."""
        first, second = pad_above(op), pad_of(op)
        if first is None or second is None:
            return
        source, middle = first.source, first.output
        shared = middle.is_graph_output or len(middle.uses) > 1
        require(not shared, Why.SHARED("another operator reads the tensor in between"), at=first.op)
        same = same_quantization(source.quant, middle.quant)
        same = same and same_quantization(middle.quant, op.output.quant)
        changes = Why.QUANTIZATION("it changes the quantization of what it hands on")
        require(same, changes, at=first.op)
        require_no_variable(source, at=first.op)
        require(
            second.value is not None,
            Why.NOT_QUANTIZED("the padding is not an int8 or int16 constant"),
            at=op,
        )
        require(second.value == first.value, "the two pad with different values", at=first.op)
        rows = zip(first.amounts, second.amounts, strict=True)
        sums = [(a + c, b + d) for (a, b), (c, d) in rows]
        control = rw.constant(np.asarray(sums, dtype=np.int32), op.output)
        rw.set_inputs(op, [source, control, *op.inputs[2:]])
        rw.remove(first.op)
