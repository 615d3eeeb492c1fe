"""Take a block out of a tensor by the operator that does it best."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tflopt.facts.operators import SLICES
from tflopt.facts.slices import RANKS, Region, region_of, whole
from tflopt.ir import DType, Op, OpCode, Value, same_quantization
from tflopt.ir.options import GatherOptions, StridedSliceOptions
from tflopt.rewrite import Exactness, Rewriter, Why, require
from tflopt.rewrite.rule import BIT_EXACT
from tflopt.rewrite.sketch import Sketch
from tflopt.search.worth import FormRule

GATHER_VERSION = 2
"""The first version of GATHER that takes int8."""
STRIDED_SLICE_VERSION = 2
"""The first version of STRIDED_SLICE that takes int8."""
GATHERED = frozenset({DType.INT8, DType.FLOAT32})
"""What TFLM's GATHER takes."""
MOST_INDICES = 256
"""GATHER keeps an index of 4 bytes for each row that it copies."""


class RewriteSlice(FormRule):
    """Run SLICE as STRIDED_SLICE, and both as GATHER, where that is better.

    TFLM's SLICE copies element by element, its STRIDED_SLICE and its GATHER by rows: GATHER with
    a constant index for each row, and with much less around each. Exact: the same elements are
    copied.
    """

    name: ClassVar[str] = "rewrite-slice"
    number: ClassVar[int] = 84
    rank: ClassVar[int] = 160
    exactness: ClassVar[Exactness] = BIT_EXACT
    anchors: ClassVar[frozenset[OpCode]] = SLICES

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator by the best form."""
        source, region = op.input(0), region_of(op)
        if source is None or region is None or region == whole(source.shape):
            return
        same = same_quantization(source.quant, op.output.quant)
        require(same, Why.QUANTIZATION("it changes the quantization of what it hands on"), at=op)
        sketches = list(_forms(op, source, region))
        if not sketches:
            return
        sketch, choice = self.worth.best([op], sketches)
        require(choice.is_worth_it, choice.why_not(_last(sketch).opcode.label), at=op)
        sketch.graft(rw, op)


def _last(sketch: Sketch) -> Op:
    return sketch.graph.ops[-1]


def _forms(op: Op, source: Value, region: Region) -> Iterator[Sketch]:
    cuts = region.cuts(source.shape)
    if len(cuts) == 1 and source.dtype in GATHERED:
        axis = next(iter(cuts))
        if region.size[axis] <= MOST_INDICES:
            yield _as_gather(op, source, region, axis)
    if op.code is OpCode.SLICE and len(source.shape) <= RANKS[OpCode.STRIDED_SLICE]:
        yield _as_strided_slice(op, source, region)


def _as_gather(op: Op, source: Value, region: Region, axis: int) -> Sketch:
    sketch = Sketch()
    first = region.begin[axis]
    picks = sketch.constant(range(first, first + region.size[axis]))
    inputs, options = [sketch.read(source), picks], GatherOptions(axis)
    return _drawn(sketch, op, OpCode.GATHER, inputs, options, GATHER_VERSION)


def _as_strided_slice(op: Op, source: Value, region: Region) -> Sketch:
    sketch = Sketch()
    ends = [first + count for first, count in zip(region.begin, region.size, strict=True)]
    numbers = [sketch.constant(control) for control in (region.begin, ends, [1] * len(ends))]
    inputs, options = [sketch.read(source), *numbers], StridedSliceOptions()
    return _drawn(sketch, op, OpCode.STRIDED_SLICE, inputs, options, STRIDED_SLICE_VERSION)


def _drawn(
    sketch: Sketch,
    op: Op,
    code: OpCode,
    inputs: list[Value],
    options: GatherOptions | StridedSliceOptions,
    version: int,
) -> Sketch:
    output = op.output
    sketch.results[output] = sketch.op(
        code, inputs, output.shape, options=options, quant=output.quant, version=version
    )
    return sketch
