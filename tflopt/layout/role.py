"""What an operator allows: the arrangements of its axes in which it computes the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tflopt.ir import Op, Value
from tflopt.layout.groups import Group, Groups
from tflopt.layout.labels import Label
from tflopt.rewrite import Rewriter

MOST_RANK = 4
"""Up to here all kernels of TFLM and CMSIS-NN that are moved take any arrangement."""

Candidates = Mapping[Group, Sequence[Label]]


@dataclass(frozen=True)
class Operand:
    """A tensor that an operator reads or writes, which may be arranged otherwise.

    Attributes:
        base: the label of the tensor, written over the operator's axes: entry ``i`` is the axis
            of the group that lies at axis ``i`` of the operator, None where it has size 1.
    """

    is_output: bool
    index: int
    group: Group
    base: Label

    def value(self, op: Op) -> Value:
        """The tensor."""
        return op.outputs[self.index] if self.is_output else op.operand(self.index)


@dataclass(frozen=True)
class Form:
    """One way to run an operator.

    Attributes:
        arrangement: the operator's axes in their order; None is a dimension of 1.
        labels: the label of each operand.
    """

    arrangement: Label
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class Role:
    """An operator as the assignment sees it; this base class allows its own arrangement only.

    Attributes:
        op: the operator, None for an input or output of the graph.
        why: the reason for which it has one form only, in words; empty where it has more.
        axes: the axes of the operator that count, in their order.
    """

    op: Op | None
    operands: tuple[Operand, ...]
    why: str = ""
    axes: tuple[int, ...] = ()
    rank: int = 0

    @property
    def operator(self) -> Op:
        """The operator of a role that is no input or output of the graph."""
        assert self.op is not None
        return self.op

    @cached_property
    def original(self) -> Form:
        """How the operator runs in the model."""
        arrangement = tuple(axis if axis in self.axes else None for axis in range(self.rank))
        return Form(arrangement, tuple(own_label(self.op, operand) for operand in self.operands))

    def forms(self, candidates: Candidates) -> Iterator[Form]:
        """The ways to run it that use the labels in ``candidates``, the original first."""
        del candidates
        yield self.original

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Change options and constants; the tensors get their shapes elsewhere."""
        del form, rw


@dataclass(frozen=True)
class MovableRole(Role):
    """An operator whose axes may be arranged otherwise, all of its operands alike."""

    spans: tuple[int, ...] = field(default=())
    """For each operand, how many dimensions it has; fewer than ``rank`` where it broadcasts."""

    def forms(self, candidates: Candidates) -> Iterator[Form]:
        """The forms to choose from."""
        seen = {self.original.arrangement}
        yield self.original
        for arrangement in self.proposals(candidates):
            if arrangement in seen or len(arrangement) > MOST_RANK:
                continue
            seen.add(arrangement)
            if self.is_legal(arrangement):
                yield Form(arrangement, self.labels(arrangement))

    def proposals(self, candidates: Candidates) -> Iterator[Label]:
        """Arrangements in which an operand has a candidate's label; perhaps not legal."""
        for operand in self.operands:
            for label in candidates[operand.group]:
                yield from self.pulled_back(operand, label)

    def pulled_back(self, operand: Operand, label: Label) -> Iterator[Label]:
        """The arrangements that give an operand this label.

        An axis that the operand lacks stands in each of its dimensions of 1.
        """
        inverse = {item: axis for axis, item in enumerate(operand.base) if item is not None}
        if any(item is not None and item not in inverse for item in label):
            return
        arrangement: Label = tuple(None if item is None else inverse[item] for item in label)
        lacking = [axis for axis in self.axes if axis not in arrangement]
        if not lacking:
            yield arrangement
        elif len(lacking) == 1:
            for place, item in enumerate(arrangement):
                if item is None:
                    yield (*arrangement[:place], lacking[0], *arrangement[place + 1 :])

    def is_legal(self, arrangement: Label) -> bool:
        """Whether the operator computes the same in this arrangement."""
        return bool(arrangement)

    def labels(self, arrangement: Label) -> tuple[Label, ...]:
        """Each operand's label."""
        spans = self.spans or (self.rank,) * len(self.operands)
        return tuple(
            _cut(project(operand.base, arrangement), span, self.rank)
            for operand, span in zip(self.operands, spans, strict=True)
        )


def project(base: Label, arrangement: Label) -> Label:
    """A tensor's label where the operator's axes are arranged so."""
    return tuple(None if axis is None else base[axis] for axis in arrangement)


def _cut(label: Label, span: int, rank: int) -> Label:
    """A tensor of lower rank broadcasts; it goes without as many leading 1s as it can."""
    while span < rank and len(label) > span and label[0] is None:
        label = label[1:]
    return label


def own_label(op: Op | None, operand: Operand) -> Label:
    """The operand's label in the model."""
    if op is None:
        return operand.base
    return operand.group.members[operand.value(op)]


def over_axes(label: Label, rank: int) -> Label:
    """A label aligned at the last axis, as broadcasting does."""
    return (None,) * (rank - len(label)) + label


def operands_of(op: Op, groups: Groups, inputs: Sequence[int], rank: int) -> tuple[Operand, ...]:
    """The operands among ``inputs`` that are no constants, then all outputs."""
    operands = []
    for index in inputs:
        value = op.inputs[index]
        if value is not None and value in groups:
            base = over_axes(groups[value].members[value], rank)
            operands.append(Operand(False, index, groups[value], base))
    for index, value in enumerate(op.outputs):
        if value in groups:
            base = over_axes(groups[value].members[value], rank)
            operands.append(Operand(True, index, groups[value], base))
    return tuple(operands)


def all_operands(op: Op, groups: Groups) -> tuple[Operand, ...]:
    """Every operand, with its own label as its base."""
    inputs = [i for i, value in enumerate(op.inputs) if value is not None and value in groups]
    operands = [
        Operand(False, i, groups[v], groups[v].members[v]) for i in inputs if (v := op.inputs[i])
    ]
    operands += [
        Operand(True, i, groups[v], groups[v].members[v])
        for i, v in enumerate(op.outputs)
        if v in groups
    ]
    return tuple(operands)


def used_axes(operands: Sequence[Operand], rank: int, also: Sequence[int] = ()) -> tuple[int, ...]:
    """The axes in which some operand has a size, and those in ``also``."""
    return tuple(
        axis
        for axis in range(rank)
        if axis in also or any(operand.base[axis] is not None for operand in operands)
    )


def rearranged(value: Value, arrangement: Label, rank: int, rw: Rewriter) -> Value:
    """A constant operand for another arrangement of an operator's ``rank`` axes.

    Scalars and single elements stay as they are; leading 1s go where the constant had none.
    """
    if value.elements == 1:
        return value
    data = value.array()
    full = data.reshape((1,) * (rank - data.ndim) + data.shape)
    order = [axis for axis in arrangement if axis is not None]
    dropped = [axis for axis in range(rank) if axis not in order]
    shape = tuple(1 if axis is None else full.shape[axis] for axis in arrangement)
    while data.ndim < rank and len(shape) > data.ndim and shape[0] == 1:
        shape = shape[1:]
    moved = np.ascontiguousarray(full.transpose([*dropped, *order])).reshape(shape)
    if shape == value.shape and np.array_equal(moved, data):
        return value
    return rw.constant(moved, value, quant=value.quant, name=value.name)
