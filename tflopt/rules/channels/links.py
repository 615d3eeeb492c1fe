"""Which indices of which axes of which values can only go together, and which have to stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tflopt.ir import Op, Value
from tflopt.ranges import Ranges

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
MOST_INDICES = 1 << 22
"""Of all axes of all values: more would be a file that asks for any size."""


class TooLarge(Exception):
    """The tensors have more indices than are looked at."""


@dataclass
class Links:
    """Numbers for the indices of all axes, ties between them, and which are held.

    Tied indices hold the same elements of one channel on its way through operators. Who needs an
    index holds it, and a held index holds all that it is tied to.
    """

    ranges: Ranges
    start: dict[tuple[Value, int], int] = field(default_factory=dict)
    total: int = 0
    ties: list[tuple[Indices, Indices]] = field(default_factory=list)
    held: list[Indices] = field(default_factory=list)
    held_whole: set[tuple[Value, int]] = field(default_factory=set)
    axes: dict[Op, int] = field(default_factory=dict)
    """Of an operator that joins axes: the one whose indices its longer axis follows."""

    def numbers(self, value: Value, axis: int) -> Indices:
        """The numbers of an axis' indices.

        Raises:
            TooLarge: there are too many.
        """
        key, size = (value, axis), value.shape[axis]
        if key not in self.start:
            self.start[key] = self.total
            self.total += max(size, 0)
            if self.total > MOST_INDICES:
                raise TooLarge
        return np.arange(self.start[key], self.start[key] + max(size, 0), dtype=np.int64)

    def tie(
        self,
        one: tuple[Value, int],
        two: tuple[Value, int],
        first: Indices | slice = slice(None),
        second: Indices | slice = slice(None),
    ) -> None:
        """Let index ``first[i]`` of one axis stay or go with ``second[i]`` of another."""
        a, b = self.numbers(*one)[first], self.numbers(*two)[second]
        assert a.shape == b.shape
        self.ties.append((a, b))

    def hold(self, value: Value, axes: Iterable[int] | None = None) -> None:
        """Keep all indices of these axes, of every axis by default."""
        for axis in range(len(value.shape)) if axes is None else axes:
            if (value, axis) not in self.held_whole:
                self.held_whole.add((value, axis))
                self.held.append(self.numbers(value, axis))

    def hold_some(self, value: Value, axis: int, needed: Mask) -> None:
        """Keep some indices of an axis."""
        self.held.append(self.numbers(value, axis)[needed])

    def is_held(self, value: Value, axis: int) -> bool:
        """Whether somebody that came before holds the whole axis, or it has but one index."""
        return value.shape[axis] == 1 or (value, axis) in self.held_whole

    def free_axis(self, value: Value, axes: Sequence[int]) -> int:
        """The last of these axes that may lose indices, the last of all where none may."""
        free = [axis for axis in axes if not self.is_held(value, axis)]
        return (free or list(axes))[-1]

    def groups(self) -> Indices:
        """For each number its group's, the least number that it is tied to."""
        labels = np.arange(self.total, dtype=np.int64)
        if not self.ties:
            return labels
        a, b = (np.concatenate(column) for column in zip(*self.ties, strict=True))
        while True:
            one, two = labels[a], labels[b]
            if np.array_equal(one, two):
                return labels
            least = np.minimum(one, two)
            np.minimum.at(labels, one, least)
            np.minimum.at(labels, two, least)
            labels = _settled(labels)

    def removable(self) -> Mask:
        """For each number whether nothing holds its group, one index of each axis aside."""
        groups = self.groups()
        free = np.ones(self.total, dtype=np.bool_)
        for numbers in self.held:
            free[groups[numbers]] = False
        sizes = np.bincount(groups, minlength=self.total)
        for key in self.start:
            own = groups[self.numbers(*key)]
            if own.size and free[own].all():
                free[own[np.argmin(sizes[own])]] = False
        return np.asarray(free[groups])


def _settled(labels: Indices) -> Indices:
    while True:
        further = labels[labels]
        if np.array_equal(further, labels):
            return labels
        labels = further
