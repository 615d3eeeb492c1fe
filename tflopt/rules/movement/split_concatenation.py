"""Join more tensors than TFLM's CONCATENATION takes."""

from __future__ import annotations

from typing import ClassVar

from tflopt.ir import Op, OpCode, Value
from tflopt.ir.options import ConcatenationOptions
from tflopt.rewrite import Rewriter, Rule
from tflopt.rules.movement.repeat_to_resize import MOST_INPUTS


class SplitConcatenation(Rule):
    """Join more than ten tensors in groups of ten: TFLM's CONCATENATION takes no more.

    Exact: the parts end up in the same order. It copies the joined parts once more, which a model
    that could not run at all has to pay.
    """

    name: ClassVar[str] = "split-concatenation"
    number: ClassVar[int] = 29
    rank: ClassVar[int] = 280
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONCATENATION})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Join groups of ten, and then their results."""
        options, output = op.options, op.output
        values = [value for value in op.inputs if value is not None]
        if not isinstance(options, ConcatenationOptions) or len(values) != len(op.inputs):
            return
        if len(values) <= MOST_INPUTS or any(v.dtype is not output.dtype for v in values):
            return
        axis = options.axis % len(output.shape)
        groups = [values[i : i + MOST_INPUTS] for i in range(0, len(values), MOST_INPUTS)]
        rw.set_inputs(op, [self._joined(op, group, axis, rw) for group in groups])

    @staticmethod
    def _joined(op: Op, values: list[Value], axis: int, rw: Rewriter) -> Value:
        if len(values) == 1:
            return values[0]
        shape = list(op.output.shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        joined = rw.value(op.output, shape=shape)
        options = ConcatenationOptions(axis)
        rw.insert(op, op.code, values, [joined], options, op.opcode.version)
        return joined
