"""Turn a reduction over axes of size 1 into a view."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.arith.affine import Affine, affine_of
from tflopt.arith.fixed_point import INT8_MAX, INT8_MIN, Ints
from tflopt.arith.reduction import mean, sum_of
from tflopt.arith.unary import requantize
from tflopt.facts.reductions import extents_of
from tflopt.ir import DType, Op, OpCode, same_quantization
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Rule, Why, require
from tflopt.rewrite.sketch import Sketch

EVERY = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)


class ReduceToView(Rule):
    """Run MEAN, SUM, REDUCE_MAX, REDUCE_MIN over axes of size 1 as RESHAPE, after a QUANTIZE.

    The QUANTIZE is needed where input and output have different parameters. Exact: the reduction
    of one element is compared with what takes its place for all 256 values.
    """

    name: ClassVar[str] = "reduce-to-view"
    number: ClassVar[int] = 44
    rank: ClassVar[int] = 420
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    anchors: ClassVar[frozenset[OpCode]] = frozenset(
        {OpCode.MEAN, OpCode.SUM, OpCode.REDUCE_MAX, OpCode.REDUCE_MIN}
    )

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        source, extents = op.input(0), extents_of(op)
        before, after = affine_of(source), affine_of(op.output)
        if source is None or extents is None or extents.count != 1:
            return
        if before is None or after is None or source.elements != op.output.elements:
            return
        if source.dtype is not DType.INT8 or op.output.dtype is not DType.INT8:
            return
        require(bool(op.output.shape), "RESHAPE to a scalar needs a shape of no elements", at=op)
        same = same_quantization(source.quant, op.output.quant)
        expected = EVERY if same else requantize(EVERY, before, after)
        equal = bool((_one_element(op, before, after) == expected).all())
        require(equal, Why.ROUNDS("it rounds differently from QUANTIZE"), at=op)
        sketch = Sketch()
        here = sketch.read(source)
        if not same:
            here = sketch.quantize(here, op.output.quant)
        sketch.results[op.output] = sketch.reshape(here, op.output.shape)
        sketch.graft(rw, op)
        rw.prove("enumeration", EVERY.size)


def _one_element(op: Op, source: Affine, target: Affine) -> Ints:
    """The largest and the least of one number are the number; TFLM does not requantize it."""
    if op.code is OpCode.MEAN:
        return mean(EVERY, 1, source, target)
    if op.code is OpCode.SUM:
        return sum_of(EVERY, 1, source, target)
    return EVERY
