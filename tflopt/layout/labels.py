"""Arrangements of axes, and what it takes to get from one to another.

A logical tensor (:class:`tflopt.layout.groups.Group`) has axes with numbers. A label is a shape
written with these: ``(None, 0, 1)`` has a dimension of 1, then axis 0, then axis 1. Every label of
a tensor holds each of its axes once; dimensions of 1 come and go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Label: TypeAlias = tuple[int | None, ...]
Order: TypeAlias = tuple[int, ...]
VIEW_WEIGHT = 2
TRANSPOSE_WEIGHT = 3
"""Both copy every byte once, but a RESHAPE does it with one ``memcpy`` or in place."""
LEAST_TRANSPOSED_RANK = 3
MOST_TRANSPOSED_RANK = 4
"""CMSIS-NN's ``arm_transpose_s8`` is wrong at rank 2, and takes no more than rank 4."""


@dataclass(frozen=True)
class Step:
    """One operator that copies a tensor: a RESHAPE, or a TRANSPOSE where the order changes."""

    source: Label
    target: Label

    @property
    def is_view(self) -> bool:
        """Whether the elements keep their order."""
        return order_of(self.source) == order_of(self.target)

    @property
    def permutation(self) -> tuple[int, ...]:
        """For a TRANSPOSE: which axis of the source each axis of the target is."""
        taken: set[int] = set()
        perm = []
        for item in self.target:
            index = next(
                i for i, other in enumerate(self.source) if other == item and i not in taken
            )
            taken.add(index)
            perm.append(index)
        return tuple(perm)


def order_of(label: Label) -> Order:
    """The axes in the order in which they lie in memory."""
    return tuple(item for item in label if item is not None)


def shape_of(label: Label, sizes: Mapping[int, int]) -> tuple[int, ...]:
    """The shape of a tensor in this arrangement."""
    return tuple(1 if item is None else sizes[item] for item in label)


def plan_steps(produced: Label, labels: Iterable[Label]) -> tuple[Step, ...]:
    """The fewest copies that make all ``labels`` from the produced one, in order.

    One copy makes a label from another of the same order (RESHAPE) or of the same rank
    (TRANSPOSE). Labels fall into classes that such copies connect; each class beyond the
    produced one needs one label in between.
    """
    pending = [label for label in dict.fromkeys(labels) if label != produced]
    made = [produced]
    steps: list[Step] = []
    while pending:
        step = _direct(made, pending) or _in_between(made, pending[0])
        steps.append(step)
        made.append(step.target)
        if step.target in pending:
            pending.remove(step.target)
    return tuple(steps)


def _direct(made: list[Label], pending: list[Label]) -> Step | None:
    """A RESHAPE before a TRANSPOSE; either may make one of the labels at once."""
    for label in pending:
        for source in made:
            if order_of(source) == order_of(label):
                return Step(source, label)
    for label in pending:
        for source in made:
            if _transposes(source, label):
                return Step(source, label)
    return None


def _transposes(source: Label, target: Label) -> bool:
    return len(source) == len(target) and _is_transposable(source)


def _is_transposable(label: Label) -> bool:
    most = max(MOST_TRANSPOSED_RANK, len(order_of(label)))
    return LEAST_TRANSPOSED_RANK <= len(label) <= most


def _in_between(made: list[Label], target: Label) -> Step:
    """Towards ``target``: its order at the rank of a label that TRANSPOSE can take."""
    for source in made:
        if _is_transposable(source):
            return Step(source, _at_rank(order_of(target), len(source)))
    order = order_of(made[0])
    rank = len(target) if _is_transposable(target) else max(LEAST_TRANSPOSED_RANK, len(order))
    return Step(made[0], _at_rank(order, rank))


def _at_rank(order: Order, rank: int) -> Label:
    return (None,) * (rank - len(order)) + order


def weight_of(steps: Iterable[Step]) -> int:
    """How much work the copies are, beside their bytes: views are cheaper."""
    return sum(VIEW_WEIGHT if step.is_view else TRANSPOSE_WEIGHT for step in steps)
