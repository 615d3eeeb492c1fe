"""Operators whose output lacks axes of their input: reductions, and slices that pick one index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tflopt.facts.operators import Trait, facts_of
from tflopt.ir import DType, Op
from tflopt.ir.options import ReducerOptions, StridedSliceOptions
from tflopt.layout.groups import Groups
from tflopt.layout.labels import Label
from tflopt.layout.role import (
    MOST_RANK,
    Candidates,
    Form,
    MovableRole,
    Operand,
    Role,
    operands_of,
    project,
    used_axes,
)
from tflopt.rewrite import Rewriter

INTEGERS = frozenset({DType.INT8, DType.INT16, DType.UINT8})


@dataclass(frozen=True)
class DropForm(Form):
    """``removed``: positions of the arrangement that the output lacks."""

    removed: tuple[int, ...] = ()


@dataclass(frozen=True)
class DropRole(MovableRole):
    """Any arrangement of the input; the output has 1s for the dropped axes, or lacks them.

    Attributes:
        dropped: the axes that the output lacks or has as 1.
        removed: those that it lacks in the model.
    """

    dropped: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()

    def forms(self, candidates: Candidates) -> Iterator[Form]:
        """The forms to choose from; outputs that lack just these axes, or that others know."""
        own = self.original
        original = DropForm(own.arrangement, own.labels, self.removed)
        yield original
        seen = {original}
        known = set(candidates[self.operands[-1].group])
        for arrangement in (own.arrangement, *self.proposals(candidates)):
            if len(arrangement) > MOST_RANK or not set(self.axes) <= set(arrangement):
                continue
            for form in self._with_outputs(arrangement):
                least = len(form.removed) == len(self.dropped)
                if (least or form.labels[-1] in known) and form not in seen:
                    seen.add(form)
                    yield form

    def _with_outputs(self, arrangement: Label) -> Iterator[DropForm]:
        """One form that keeps all dimensions, then those that lack ever more of the 1s."""
        data, output = self.operands
        source, kept = project(data.base, arrangement), project(output.base, arrangement)
        yield DropForm(arrangement, (source, kept), ())
        gone = [place for place, axis in enumerate(arrangement) if axis in self.dropped]
        ones = [place for place, axis in enumerate(arrangement) if axis is None]
        for count in range(len(ones) + 1):
            removed = tuple(sorted([*gone, *ones[:count]]))
            label = tuple(item for place, item in enumerate(kept) if place not in removed)
            yield DropForm(arrangement, (source, label), removed)

    def pulled_back(self, operand: Operand, label: Label) -> Iterator[Label]:
        """Only from the input: the output doesn't say where the dropped axes were."""
        if not operand.is_output:
            yield from super().pulled_back(operand, label)


class ReduceRole(DropRole):
    """A reduction; it keeps all dimensions as 1, or none of those that it reduces.

    Exact: integers are summed in 32 bits whatever the order, and only the number of summed
    elements enters the multiplier (``reference/reduce.h``).
    """

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Edit the operator to work in this form."""
        op = self.operator
        assert isinstance(form, DropForm)
        axes = op.operand(1)
        reduced = [p for p, axis in enumerate(form.arrangement) if axis in self.dropped]
        data = np.asarray(form.removed or reduced, dtype=axes.array().dtype)
        rw.set_input(op, 1, rw.constant(data, axes, name=axes.name))
        if isinstance(op.options, ReducerOptions):
            rw.set_options(op, replace(op.options, keep_dims=not form.removed))


def reduce_role(op: Op, groups: Groups) -> Role | None:
    """The role of a reduction, None where it sums floats: their order decides the result."""
    data, options = op.input(0), op.options
    if data is None or data not in groups or len(op.outputs) != 1 or op.output not in groups:
        return None
    if Trait.ACCUMULATES in facts_of(op).traits and data.dtype not in INTEGERS:
        return None
    reduced = _reduced_axes(op)
    if reduced is None or not isinstance(options, ReducerOptions):
        return None
    removed = () if options.keep_dims else reduced
    operands = _operands(op, groups, removed)
    if operands is None:
        return None
    axes = used_axes(operands, len(data.shape))
    counting = tuple(axis for axis in reduced if axis in axes)
    if not counting:
        return None
    return ReduceRole(op, operands, "", axes, len(data.shape), (), counting, removed)


def _operands(op: Op, groups: Groups, removed: tuple[int, ...]) -> tuple[Operand, ...] | None:
    """Input and output over the input's axes; None where the ranks don't fit."""
    data = op.operand(0)
    rank = len(data.shape)
    output = groups[op.output].members[op.output]
    if len(output) != rank - len(removed):
        return None
    items = iter(output)
    base = tuple(None if axis in removed else next(items) for axis in range(rank))
    source = operands_of(op, groups, [0], rank)[:1]
    return (*source, Operand(True, 0, groups[op.output], base))


def _reduced_axes(op: Op) -> tuple[int, ...] | None:
    data, numbers = op.input(0), op.ints(1)
    if data is None or numbers is None:
        return None
    rank = len(data.shape)
    reduced = sorted({axis + rank if axis < 0 else axis for axis in numbers})
    return tuple(reduced) if all(0 <= axis < rank for axis in reduced) else None


class PickRole(DropRole):
    """STRIDED_SLICE that takes one index of some axes."""

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Edit the operator to work in this form; a picked index becomes a range of one."""
        op = self.operator
        assert isinstance(form, DropForm)
        options = op.options
        assert isinstance(options, StridedSliceOptions)
        rows = [self._row(axis) for axis in form.arrangement]
        for index, column in zip((1, 2, 3), zip(*rows, strict=True), strict=True):
            table = op.operand(index)
            data = np.asarray(column, dtype=table.array().dtype)
            rw.set_input(op, index, rw.constant(data, table, name=table.name))
        masks = [
            _moved_mask(mask, form.arrangement, self.dropped)
            for mask in (options.begin_mask, options.end_mask)
        ]
        shrunk = sum(1 << place for place in form.removed)
        rw.set_options(
            op,
            replace(options, begin_mask=masks[0], end_mask=masks[1], shrink_axis_mask=shrunk),
        )

    def _row(self, axis: int | None) -> tuple[int, int, int]:
        """Begin, end and step along an axis."""
        if axis is None:
            return 0, 1, 1
        op = self.operator
        begin, end, step = (_at(op, index, axis) for index in (1, 2, 3))
        if axis not in self.dropped:
            return begin, end, step
        data = op.operand(0)
        begin = _first(op, axis, begin, data.shape[axis])
        return begin, begin + 1, 1


def _at(op: Op, index: int, axis: int) -> int:
    numbers = op.ints(index)
    assert numbers is not None
    return numbers[axis]


def _first(op: Op, axis: int, begin: int, size: int) -> int:
    """The index that is picked (``StartForAxis`` in ``strided_slice_logic.h``)."""
    options = op.options
    assert isinstance(options, StridedSliceOptions)
    if options.begin_mask >> axis & 1:
        return 0
    return begin + size if begin < 0 else begin


def _moved_mask(mask: int, arrangement: Label, cleared: tuple[int, ...]) -> int:
    return sum(
        1 << place
        for place, axis in enumerate(arrangement)
        if axis is not None and axis not in cleared and mask >> axis & 1
    )


def pick_role(op: Op, groups: Groups) -> Role | None:
    """The role of STRIDED_SLICE that drops axes, and does nothing else out of the ordinary."""
    data, options = op.input(0), op.options
    if data is None or data not in groups or len(op.outputs) != 1 or op.output not in groups:
        return None
    if not isinstance(options, StridedSliceOptions) or options.offset:
        return None
    rank = len(data.shape)
    known = [op.ints(index) for index in (1, 2, 3)]
    if options.ellipsis_mask or options.new_axis_mask or not options.shrink_axis_mask:
        return None
    if any(numbers is None or len(numbers) != rank for numbers in known):
        return None
    removed = tuple(axis for axis in range(rank) if options.shrink_axis_mask >> axis & 1)
    if any(_at(op, 3, axis) < 0 for axis in removed):
        return None
    operands = _operands(op, groups, removed)
    if operands is None:
        return None
    axes = used_axes(operands, rank, removed)
    return PickRole(op, operands, "", axes, rank, (), removed, removed)
