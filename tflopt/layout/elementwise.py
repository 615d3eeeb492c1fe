"""Operators that compute each element on its own, with and without broadcasting."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.facts.operators import UNARY
from tflopt.ir import Op, Value
from tflopt.layout.groups import Groups
from tflopt.layout.labels import Label, shape_of
from tflopt.layout.role import (
    Form,
    MovableRole,
    Operand,
    Role,
    operands_of,
    over_axes,
    project,
    rearranged,
    used_axes,
)
from tflopt.rewrite import Rewriter


@dataclass(frozen=True)
class ElementwiseRole(MovableRole):
    """Any arrangement, as long as equal shapes stay equal: broadcasting has other kernels."""

    constants: tuple[int, ...] = ()
    """Positions of the inputs that are constants."""

    def is_legal(self, arrangement: Label) -> bool:
        """Whether the operator computes the same with its axes in this order."""
        op = self.operator
        if len(op.inputs) < 2:
            return True
        old = [value.shape for value in op.inputs if value is not None]
        new = self._input_shapes(op, arrangement)
        return (old[0] == old[1]) == (new[0] == new[1])

    def _input_shapes(self, op: Op, arrangement: Label) -> list[tuple[int, ...]]:
        labels = self.labels(arrangement)
        shapes = {
            operand.index: shape_of(label, operand.group.sizes)
            for operand, label in zip(self.operands, labels, strict=True)
            if not operand.is_output
        }
        for index in self.constants:
            value = op.operand(index)
            shapes[index] = _constant_shape(value, arrangement, self.rank)
        return [shapes[index] for index in sorted(shapes)]

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Edit the operator to work in this form."""
        op = self.operator
        for index in self.constants:
            value = op.operand(index)
            moved = rearranged(value, form.arrangement, self.rank, rw)
            if moved is not value:
                rw.set_input(op, index, moved)


def _constant_shape(value: Value, arrangement: Label, rank: int) -> tuple[int, ...]:
    if value.elements == 1:
        return value.shape
    base = over_axes(tuple(range(len(value.shape))), rank)
    label = project(base, arrangement)
    while len(label) > len(value.shape) and (label[0] is None or value.shape[label[0]] == 1):
        label = label[1:]
    return tuple(1 if axis is None else value.shape[axis] for axis in label)


def elementwise_role(op: Op, groups: Groups) -> Role | None:
    """The role of a unary or binary operator, None where an operand is out of the ordinary."""
    count = 1 if op.code in UNARY else 2
    if len(op.inputs) != count or len(op.outputs) != 1 or op.output not in groups:
        return None
    rank = len(op.output.shape)
    constants = []
    for index, value in enumerate(op.inputs):
        if value is None or len(value.shape) > rank:
            return None
        if value not in groups:
            if not is_plain_constant(value):
                return None
            constants.append(index)
    operands = operands_of(op, groups, range(count), rank)
    spans = tuple(len(operand.value(op).shape) for operand in operands)
    axes = used_axes(operands, rank, _axes_of_constants(op, constants, rank))
    if not _agree(operands, axes):
        return None
    return ElementwiseRole(op, operands, "", axes, rank, spans, tuple(constants))


def is_plain_constant(value: Value) -> bool:
    """Whether the value's elements can be rearranged ahead of time."""
    per_channel = value.quant is not None and value.quant.is_per_channel
    return value.has_array and not per_channel


def _axes_of_constants(op: Op, constants: list[int], rank: int) -> tuple[int, ...]:
    axes = []
    for index in constants:
        value = op.operand(index)
        offset = rank - len(value.shape)
        axes += [offset + axis for axis, size in enumerate(value.shape) if size != 1]
    return tuple(axes)


def _agree(operands: tuple[Operand, ...], axes: tuple[int, ...]) -> bool:
    """Whether each tensor has, in each axis that counts, the output's size or 1."""
    output = operands[-1]
    if not output.is_output:
        return False
    sizes = {
        axis: output.group.sizes.get(item, 1)
        for axis, item in enumerate(output.base)
        if item is not None
    }
    for operand in operands:
        for axis in axes:
            item = operand.base[axis]
            if item is not None and operand.group.sizes[item] != sizes.get(axis, 1):
                return False
    return True
