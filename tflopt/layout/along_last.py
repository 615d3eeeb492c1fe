"""SOFTMAX and other operators along the last axis."""

from __future__ import annotations

from tflopt.ir import Op
from tflopt.layout.groups import Groups
from tflopt.layout.labels import Label
from tflopt.layout.role import MovableRole, Role, operands_of, used_axes


class AlongLastRole(MovableRole):
    """SOFTMAX and the like: the last axis stays last, the others are rows in any order."""

    def is_legal(self, arrangement: Label) -> bool:
        """Whether the operator computes the same with its axes in this order."""
        return bool(arrangement) and arrangement[-1] == self.rank - 1


def along_last_role(op: Op, groups: Groups) -> Role | None:
    """The role of an operator that works on the last axis."""
    data = op.input(0)
    if data is None or data not in groups or len(op.outputs) != 1 or op.output not in groups:
        return None
    rank = len(data.shape)
    if rank < 1 or len(op.output.shape) != rank or len(op.inputs) != 1:
        return None
    operands = operands_of(op, groups, [0], rank)
    return AlongLastRole(op, operands, "", used_axes(operands, rank, [rank - 1]), rank)
