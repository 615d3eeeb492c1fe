"""Keep the shape of a RESHAPE in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.config import Config, Runtime
from tflopt.ir import Op, OpCode
from tflopt.ir.options import ReshapeOptions
from tflopt.rewrite import Rewriter, Rule, Why, require

MOST = 8
"""``TFLITE_RESHAPE_PARAMS_MAX_DIMENSION_COUNT``; a shape in an input has no such limit."""


@dataclass(frozen=True)
class ShapeToOptions(Rule):
    """Drop the constant shape input of a RESHAPE; its options carry the shape.

    Exact: TFLM takes the shape from the output tensor and reads neither; LiteRT takes it from
    the options where there is no second input. It saves a tensor, a buffer, and their place in
    the arena. A shape with -1 stays, for readers that resize. For TFLM alone ``strip-fields`` drops
    the options, too.
    """

    name: ClassVar[str] = "shape-to-options"
    number: ClassVar[int] = 34
    rank: ClassVar[int] = 320
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.RESHAPE})
    runtime: Runtime = Runtime.BOTH

    @classmethod
    def from_config(cls, config: Config) -> ShapeToOptions:
        """The rule with what it needs of the options."""
        return cls(config.runtime)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Drop the input."""
        if op.options is not None and not isinstance(op.options, ReshapeOptions):
            return
        shape = op.input(1)
        if shape is None:
            return
        given = shape.producer is not None or shape.is_graph_input
        numbers = () if shape.elements == 0 and not given else shape.ints()  # () is a scalar's
        require(numbers is not None, Why.COMPUTED("the shape is computed at run time"), at=op)
        signature = op.output.extra.shape_signature
        dynamic = numbers != op.output.shape or signature not in (None, op.output.shape)
        keep = dynamic and self.runtime is Runtime.BOTH
        require(not keep, Why.OPEN_SHAPE("the shape leaves a dimension open for LiteRT"), at=op)
        require(0 not in op.output.shape, "a dimension is 0: the old form of a scalar", at=op)
        require(len(op.output.shape) <= MOST, "the options hold 8 dimensions at most", at=op)
        rw.set_inputs(op, [op.inputs[0]])
        rw.set_code(op, op.code, ReshapeOptions(op.output.shape), op.opcode.version)
