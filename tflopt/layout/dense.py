"""FULLY_CONNECTED, whose weights take their columns in any order, and RESHAPE between ranks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tflopt.facts.operators import VIEWS
from tflopt.ir import Op, Value
from tflopt.ir.options import FullyConnectedOptions
from tflopt.layout.groups import Group, Groups
from tflopt.layout.labels import Label, order_of
from tflopt.layout.role import (
    Candidates,
    Form,
    MovableRole,
    Role,
    all_operands,
    operands_of,
    used_axes,
)
from tflopt.rewrite import Rewriter
from tflopt.rewrite.makers import turn_into_reshape


class DenseRole(Role):
    """FULLY_CONNECTED of one row whose weights nobody else reads: it reads them in any order.

    Exact: the same products are summed as 32-bit integers. TFLM takes the length of a row from
    the weights, never from the input's shape (``cmsis_nn/fully_connected.cc``).
    """

    def forms(self, candidates: Candidates) -> Iterator[Form]:
        """The input in any arrangement; the output stays."""
        original = self.original
        yield original
        for label in candidates[self.operands[0].group]:
            if label != original.labels[0]:
                yield Form(label, (label, *original.labels[1:]))

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Bring the columns into the input's order."""
        op = self.operator
        weights, group = op.operand(1), self.operands[0].group
        before, after = order_of(self.original.labels[0]), order_of(form.labels[0])
        if before == after:
            return
        data = weights.array()
        columns = data.reshape(-1, *(group.sizes[axis] for axis in before))
        moved = columns.transpose(0, *(1 + before.index(axis) for axis in after))
        flat = np.ascontiguousarray(moved).reshape(data.shape)
        rw.set_input(op, 1, rw.constant(flat, weights, quant=weights.quant, name=weights.name))


class RowsRole(MovableRole):
    """FULLY_CONNECTED of many rows: the last axis stays last, the rows stand in any order.

    With more than two dimensions it keeps them (``keep_num_dims``); without, it reads its input
    in any shape that has the same order.
    """

    def forms(self, candidates: Candidates) -> Iterator[Form]:
        """The forms to choose from; an empty arrangement changes the input's shape only."""
        yield from super().forms(candidates)
        original = self.original
        if _keeps(self.operator):
            return
        for label in candidates[self.operands[0].group]:
            same = order_of(label) == order_of(original.labels[0])
            if same and label != original.labels[0]:
                yield Form((), (label, *original.labels[1:]))

    def is_legal(self, arrangement: Label) -> bool:
        """Whether the operator computes the same with its axes in this order."""
        return len(arrangement) >= 2 and arrangement[-1] == self.rank - 1

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Edit the operator to work in this form."""
        op = self.operator
        if form.arrangement and isinstance(op.options, FullyConnectedOptions):
            keeps = len(form.arrangement) > 2 or _keeps(op)
            rw.set_options(op, replace(op.options, keep_num_dims=keeps))


def _keeps(op: Op) -> bool:
    return isinstance(op.options, FullyConnectedOptions) and op.options.keep_num_dims


def dense_role(op: Op, groups: Groups) -> Role | None:
    """The role of a FULLY_CONNECTED on integers with constant weights."""
    data, weights = op.input(0), op.input(1)
    if data is None or data not in groups or weights is None or len(op.outputs) != 1:
        return None
    plain = weights.has_data and weights.dtype.numpy is not None and not weights.extra.sparsity
    kind = None if data.dtype.numpy is None else data.dtype.numpy.kind
    if not plain or len(weights.shape) != 2 or not data.shape or kind not in ("i", "u"):
        return None
    if op.output not in groups or not isinstance(op.options, FullyConnectedOptions):
        return None
    one_row = data.elements == weights.shape[1] and not _keeps(op)
    if one_row and len(weights.uses) == 1:
        return DenseRole(op, all_operands(op, groups))
    return _rows_role(op, groups, data, weights.shape[1])


def _rows_role(op: Op, groups: Groups, data: Value, columns: int) -> Role | None:
    """None where an output row isn't one index of each of the input's other axes."""
    rank = len(data.shape)
    if data.shape[:-1] != op.output.shape[:-1] or data.shape[-1] != columns or rank < 2:
        return None
    inputs = [index for index, value in enumerate(op.inputs) if value in groups]
    if inputs != [0]:
        return None
    operands = operands_of(op, groups, inputs, rank)
    return RowsRole(op, operands, "", used_axes(operands, rank, [rank - 1]), rank)


class ReshapeRole(Role):
    """A RESHAPE that merges or splits axes: elements keep their order, 1s don't matter."""

    def forms(self, candidates: Candidates) -> Iterator[Form]:
        """Every pair of shapes in the orders in which it reads and writes now."""
        original = self.original
        yield original
        data, output = (
            [label for label in candidates[operand.group] if order_of(label) == order_of(own)]
            for operand, own in zip(self.operands, original.labels, strict=True)
        )
        for source in data:
            for target in output:
                if (source, target) != original.labels:
                    yield Form((), (source, target))

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Edit the operator to work in this form; TFLM takes the shape from the output."""
        shape = target_shape(form.labels[1], self.operands[1].group)
        turn_into_reshape(rw, self.operator, shape)
        rw.set_inputs(self.operator, self.operator.inputs[:1])


def target_shape(label: Label, group: Group) -> tuple[int, ...]:
    """A shape for the options of RESHAPE, -1 where the one axis is that a caller may resize."""
    sizes = [1 if axis is None else group.sizes[axis] for axis in label]
    is_open = [axis is not None and group.sizes[axis] == 1 for axis in label]
    if sum(is_open) != 1:
        return tuple(sizes)
    return tuple(-1 if resizable else size for size, resizable in zip(sizes, is_open, strict=True))


def reshape_role(op: Op, groups: Groups) -> Role | None:
    """The role of a view that is not merely a change of 1s."""
    data = op.input(0)
    if op.code not in VIEWS or data is None or data not in groups or len(op.outputs) != 1:
        return None
    if op.output not in groups or op.output.elements != data.elements:
        return None
    if op.output.dtype != data.dtype or _is_reshaped_by_value(op):
        return None
    return ReshapeRole(op, all_operands(op, groups), "a RESHAPE merges or splits its axes")


def _is_reshaped_by_value(op: Op) -> bool:
    control = op.input(1)
    return control is not None and control.ints() is None
