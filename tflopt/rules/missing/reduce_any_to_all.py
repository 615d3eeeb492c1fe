"""Write REDUCE_ANY, which TFLM lacks, by REDUCE_ALL."""

from __future__ import annotations

from typing import ClassVar

from tflopt.ir import DType, Op, OpCode
from tflopt.ir.options import ReducerOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Rule, require


class ReduceAnyToAll(Rule):
    """Turn REDUCE_ANY, which TFLM lacks, into REDUCE_ALL between two LOGICAL_NOT.

    Exact: any of them is true unless all of them are false.
    """

    name: ClassVar[str] = "reduce-any-to-all"
    number: ClassVar[int] = 33
    rank: ClassVar[int] = 310
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.REDUCE_ANY})
    exactness: ClassVar[Exactness] = BY_ARITHMETIC

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Put three operators in its place."""
        source, axes, options = op.input(0), op.input(1), op.options
        if source is None or axes is None or not isinstance(options, ReducerOptions):
            return
        require(source.dtype is DType.BOOL, "its input is not bool", at=op)
        negated, none = rw.value(source), rw.value(op.output)
        result = rw.value(op.output, same_elements=True)
        rw.insert(op, OpCode.LOGICAL_NOT, [source], [negated])
        rw.insert(op, OpCode.REDUCE_ALL, [negated, axes], [none], options)
        rw.insert(op, OpCode.LOGICAL_NOT, [none], [result])
        rw.bypass(op, result)
