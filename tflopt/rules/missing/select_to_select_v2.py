"""Write SELECT, which TFLM lacks, as SELECT_V2."""

from __future__ import annotations

from typing import ClassVar

from tflopt.ir import Op, OpCode
from tflopt.ir.options import SelectV2Options
from tflopt.rewrite import Rewriter, Rule, require


class SelectToSelectV2(Rule):
    """Turn SELECT, which TFLM lacks, into SELECT_V2.

    Exact: for a condition of the data's shape, or of one element, both choose alike. Only a
    vector that chooses whole rows is read differently by the two. SELECT takes data of the output's
    size, SELECT_V2 asks for its shape.
    """

    name: ClassVar[str] = "select-to-select-v2"
    number: ClassVar[int] = 31
    rank: ClassVar[int] = 300
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.SELECT})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Change the operator."""
        condition, data, other = op.input(0), op.input(1), op.input(2)
        if condition is None or data is None or other is None:
            return
        alike = condition.shape == data.shape or condition.elements == 1
        require(alike, "its condition chooses whole rows", at=op)
        shapes = {data.shape, other.shape, op.output.shape}
        require(len(shapes) == 1, "what it chooses from has another shape than its output", at=op)
        rw.set_code(op, OpCode.SELECT_V2, SelectV2Options())
