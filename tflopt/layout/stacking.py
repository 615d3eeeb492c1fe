"""PACK and UNPACK: one side has an axis more than the other, wherever that stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tflopt.ir import Op
from tflopt.ir.options import PackOptions, UnpackOptions
from tflopt.layout.groups import Groups
from tflopt.layout.labels import Label
from tflopt.layout.role import (
    Form,
    MovableRole,
    Operand,
    Role,
    operands_of,
    project,
    used_axes,
)
from tflopt.rewrite import Rewriter


@dataclass(frozen=True)
class StackRole(MovableRole):
    """The parts lack the axis along which they are stacked; it may stand anywhere.

    Attributes:
        axis: the axis of the stack.
        parts_are_outputs: UNPACK rather than PACK.
    """

    axis: int = 0
    parts_are_outputs: bool = False

    def pulled_back(self, operand: Operand, label: Label) -> Iterator[Label]:
        """From a part, the axis may go to any place."""
        if operand.is_output != self.parts_are_outputs:
            yield from super().pulled_back(operand, label)
            return
        inverse = {item: axis for axis, item in enumerate(operand.base) if item is not None}
        if all(item is None or item in inverse for item in label):
            arrangement = tuple(None if item is None else inverse[item] for item in label)
            for place in range(len(arrangement) + 1):
                yield (*arrangement[:place], self.axis, *arrangement[place:])

    def is_legal(self, arrangement: Label) -> bool:
        """Whether the operator computes the same with its axes in this order."""
        return self.axis in arrangement

    def labels(self, arrangement: Label) -> tuple[Label, ...]:
        """How each operand lies in an arrangement."""
        place = arrangement.index(self.axis)
        part = (*arrangement[:place], *arrangement[place + 1 :])
        return tuple(
            project(
                operand.base, part if operand.is_output == self.parts_are_outputs else arrangement
            )
            for operand in self.operands
        )

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Edit the operator to work in this form."""
        op = self.operator
        place = form.arrangement.index(self.axis)
        if isinstance(op.options, (PackOptions, UnpackOptions)):
            rw.set_options(op, replace(op.options, axis=place))


def stack_role(op: Op, groups: Groups) -> Role | None:
    """The role of PACK and UNPACK of tensors that are all no constants."""
    options = op.options
    if not isinstance(options, (PackOptions, UnpackOptions)):
        return None
    unpacks = isinstance(options, UnpackOptions)
    values = (*op.inputs, *op.outputs)
    if not op.outputs or any(value is None or value not in groups for value in values):
        return None
    whole = op.inputs[0] if unpacks else op.output
    assert whole is not None
    rank = len(whole.shape)
    axis = options.axis + rank if options.axis < 0 else options.axis
    operands = []
    for operand in operands_of(op, groups, range(len(op.inputs)), rank):
        if operand.is_output == unpacks:
            label = operand.group.members[operand.value(op)]
            if len(label) != rank - 1:
                return None
            operand = replace(operand, base=(*label[:axis], None, *label[axis:]))
        operands.append(operand)
    if not 0 <= axis < rank:
        return None
    axes = used_axes(operands, rank, [axis])
    return StackRole(op, tuple(operands), "", axes, rank, (), axis, unpacks)
