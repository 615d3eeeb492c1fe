"""Turn PACK and UNPACK of a single tensor into RESHAPE."""

from __future__ import annotations

from typing import ClassVar

from tflopt.ir import Op, OpCode, same_quantization
from tflopt.rewrite import Rewriter, Rule, Why, require, require_no_variable
from tflopt.rewrite.sketch import Sketch


class PackToReshape(Rule):
    """Run PACK and UNPACK of one tensor as RESHAPE.

    Exact: with one tensor both copy the elements in their order.
    """

    name: ClassVar[str] = "pack-to-reshape"
    number: ClassVar[int] = 45
    rank: ClassVar[int] = 430
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.PACK, OpCode.UNPACK})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        source = op.input(0)
        if len(op.inputs) != 1 or len(op.outputs) != 1 or source is None:
            return
        if source.elements != op.output.elements or source.dtype is not op.output.dtype:
            return
        same = same_quantization(source.quant, op.output.quant)
        require(same, Why.QUANTIZATION("it changes the quantization of what it hands on"), at=op)
        require(bool(op.output.shape), "RESHAPE to a scalar needs a shape of no elements", at=op)
        require_no_variable(source, at=op)
        sketch = Sketch()
        sketch.results[op.output] = sketch.reshape(sketch.read(source), op.output.shape)
        sketch.graft(rw, op)
