"""Let MEAN walk over as few dimensions and axes as it needs."""

from __future__ import annotations

from typing import ClassVar

from tflopt.arith.affine import affine_of
from tflopt.facts.exact_sums import FLOAT_RATIOS
from tflopt.facts.reductions import Extents, extents_of
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import ReducerOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rewrite.sketch import Sketch
from tflopt.search.worth import FormRule


class FlattenMean(FormRule):
    """Run MEAN over one axis of at most three dimensions, between views, if that is better.

    TFLM's loop finds the place of each element by going through all dimensions and all axes. Exact:
    the same elements are summed up, as integers, and their number and the multiplier stay. XNNPACK,
    LiteRT's default path, drops axes of one element and joins neighbours before it does anything;
    a MEAN with scales that it doesn't take is left.
    """

    name: ClassVar[str] = "flatten-mean"
    number: ClassVar[int] = 91
    rank: ClassVar[int] = 105
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.MEAN})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        extents, data = extents_of(op), op.input(0)
        if extents is None or data is None or extents.count == 1 or not op.output.shape:
            return
        if data.dtype is not DType.INT8 or op.output.dtype is not DType.INT8:
            return
        source, target = affine_of(data), affine_of(op.output)
        if source is None or target is None or min(source.scale, target.scale) <= 0:
            return
        flat = tuple(n for n in (extents.outer, extents.count, extents.inner) if n > 1)
        if len(flat) == len(data.shape):
            return
        ratio = float(source.scale / target.scale)
        taken = FLOAT_RATIOS[0] <= ratio < FLOAT_RATIOS[1]
        require(taken, Why.LITERT("XNNPACK doesn't take its scales"), at=op)
        sketch = _drawn(op, data, extents, flat)
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("MEAN of fewer dimensions"), at=op)
        sketch.graft(rw, op)


def _drawn(op: Op, data: Value, extents: Extents, flat: tuple[int, ...]) -> Sketch:
    sketch = Sketch()
    axis = int(extents.outer > 1)
    inputs = [sketch.view(sketch.read(data), flat), sketch.constant([axis])]
    result = [1 if place == axis else n for place, n in enumerate(flat)]
    options, version = ReducerOptions(keep_dims=True), op.opcode.version
    quant = op.output.quant
    mean = sketch.op(op.code, inputs, result, options=options, quant=quant, version=version)
    sketch.results[op.output] = sketch.view(mean, op.output.shape)
    return sketch
