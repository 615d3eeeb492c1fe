"""PAD, SLICE, CONCATENATION, SPLIT and GATHER: their amounts follow their axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tflopt.facts.joins import split_of
from tflopt.facts.operators import facts_of
from tflopt.ir import Op, Value
from tflopt.ir.options import ConcatenationOptions, GatherOptions, StridedSliceOptions
from tflopt.layout.elementwise import is_plain_constant
from tflopt.layout.groups import Groups
from tflopt.layout.labels import Label
from tflopt.layout.role import (
    Form,
    MovableRole,
    Operand,
    Role,
    operands_of,
    rearranged,
    used_axes,
)
from tflopt.rewrite import Rewriter


@dataclass(frozen=True)
class TableRole(MovableRole):
    """PAD, SLICE, STRIDED_SLICE: a row of numbers for each axis.

    Attributes:
        tables: positions of the constants with one row for each axis, and what a row says that
            leaves its dimension alone.
    """

    tables: tuple[tuple[int, int], ...] = ()

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Edit the operator to work in this form."""
        op = self.operator
        for index, neutral in self.tables:
            _set_rows(op, index, neutral, form.arrangement, rw)
        options = op.options
        if isinstance(options, StridedSliceOptions):
            masks = (options.begin_mask, options.end_mask)
            begin, end = (_moved_mask(mask, form.arrangement) for mask in masks)
            rw.set_options(op, replace(options, begin_mask=begin, end_mask=end))


def _set_rows(op: Op, index: int, neutral: int, arrangement: Label, rw: Rewriter) -> None:
    table = op.operand(index)
    data = table.array()
    filler = np.full(data.shape[1:], neutral, dtype=data.dtype)
    rows = [filler if axis is None else data[axis] for axis in arrangement]
    rw.set_input(op, index, rw.constant(np.stack(rows), table, name=table.name))


def _moved_mask(mask: int, arrangement: Label) -> int:
    return sum(
        1 << place
        for place, axis in enumerate(arrangement)
        if axis is not None and mask >> axis & 1
    )


@dataclass(frozen=True)
class AxisRole(MovableRole):
    """CONCATENATION, SPLIT and GATHER: the axis is where it went."""

    axis: int = 0

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Edit the operator to work in this form."""
        op = self.operator
        place = form.arrangement.index(self.axis)
        if isinstance(op.options, GatherOptions):
            rw.set_options(op, replace(op.options, axis=place))
            return
        if isinstance(op.options, ConcatenationOptions):
            rw.set_options(op, replace(op.options, axis=place))
            for index, value in enumerate(op.inputs):
                if value is not None and value.has_data:
                    moved = rearranged(value, form.arrangement, self.rank, rw)
                    rw.set_input(op, index, moved)
            return
        index = facts_of(op).controls[-1]
        control = op.operand(index)
        data = np.full_like(control.array(), place)
        rw.set_input(op, index, rw.constant(data, control, name=control.name))


def pad_role(op: Op, groups: Groups) -> Role | None:
    """The role of PAD, PADV2 and MIRROR_PAD."""
    data, amounts = op.input(0), op.input(1)
    if data is None or data not in groups or not _has_rows(amounts, len(data.shape)):
        return None
    return _table_role(op, groups, ((1, 0),))


def slice_role(op: Op, groups: Groups) -> Role | None:
    """The role of SLICE."""
    data = op.input(0)
    if data is None or data not in groups:
        return None
    if not all(_has_rows(op.input(index), len(data.shape)) for index in (1, 2)):
        return None
    return _table_role(op, groups, ((1, 0), (2, 1)))


def strided_slice_role(op: Op, groups: Groups) -> Role | None:
    """The role of STRIDED_SLICE without new, dropped or elided axes."""
    data, options = op.input(0), op.options
    if data is None or data not in groups or not isinstance(options, StridedSliceOptions):
        return None
    odd = options.ellipsis_mask or options.new_axis_mask or options.shrink_axis_mask
    rows = all(_has_rows(op.input(index), len(data.shape)) for index in (1, 2, 3))
    if odd or options.offset or not rows:
        return None
    return _table_role(op, groups, ((1, 0), (2, 1), (3, 1)))


def _has_rows(table: Value | None, rank: int) -> bool:
    plain = table is not None and table.ints() is not None
    return plain and table is not None and len(table.shape) > 0 and table.shape[0] == rank


def _table_role(op: Op, groups: Groups, tables: tuple[tuple[int, int], ...]) -> Role | None:
    data = op.operand(0)
    rank = len(data.shape)
    if len(op.outputs) != 1 or op.output not in groups or len(op.output.shape) != rank:
        return None
    operands = operands_of(op, groups, [0], rank)
    return TableRole(op, operands, "", used_axes(operands, rank), rank, (), tables)


def concatenation_role(op: Op, groups: Groups) -> Role | None:
    """The role of CONCATENATION."""
    options = op.options
    if not isinstance(options, ConcatenationOptions) or len(op.outputs) != 1:
        return None
    if op.output not in groups:
        return None
    rank = len(op.output.shape)
    for value in op.inputs:
        if value is None or len(value.shape) != rank:
            return None
        if value not in groups and not is_plain_constant(value):
            return None
    axis = options.axis + rank if options.axis < 0 else options.axis
    operands = operands_of(op, groups, range(len(op.inputs)), rank)
    return _axis_role(op, operands, rank, axis, _sized(op.inputs))


def gather_role(op: Op, groups: Groups) -> Role | None:
    """The role of GATHER by a constant vector of indices."""
    data, indices, options = op.input(0), op.input(1), op.options
    if data is None or data not in groups or len(op.outputs) != 1 or op.output not in groups:
        return None
    if indices is None or not indices.has_data or len(indices.shape) != 1:
        return None
    rank = len(data.shape)
    if not isinstance(options, GatherOptions) or options.batch_dims != 0:
        return None
    axis = options.axis + rank if options.axis < 0 else options.axis
    if len(op.output.shape) != rank:
        return None
    return _axis_role(op, operands_of(op, groups, [0], rank), rank, axis, ())


def split_role(op: Op, groups: Groups) -> Role | None:
    """The role of SPLIT and SPLIT_V."""
    split = split_of(op)
    if split is None or split.data not in groups:
        return None
    rank = len(split.data.shape)
    if any(value not in groups or len(value.shape) != rank for value in op.outputs):
        return None
    operands = operands_of(op, groups, [facts_of(op).data], rank)
    return _axis_role(op, operands, rank, split.axis, ())


def _sized(values: Sequence[Value | None]) -> tuple[int, ...]:
    return tuple(
        axis
        for value in values
        if value is not None and value.has_data
        for axis, size in enumerate(value.shape)
        if size != 1
    )


def _axis_role(
    op: Op, operands: tuple[Operand, ...], rank: int, axis: int, also: tuple[int, ...]
) -> Role | None:
    if not 0 <= axis < rank:
        return None
    axes = used_axes(operands, rank, (axis, *also))
    return AxisRole(op, operands, "", axes, rank, (), axis)
