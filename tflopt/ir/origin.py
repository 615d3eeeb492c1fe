"""Which elements of the source model a tensor holds, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Part:
    """Some indices of one axis of a tensor of this shape."""

    shape: tuple[int, ...]
    axis: int
    indices: tuple[int, ...]

    def of(self, elements: Array) -> Array:
        """What stays of the elements."""
        return np.take(elements.reshape(self.shape), self.indices, self.axis)

    @property
    def elements(self) -> int:
        """How many stay."""
        return prod(self.shape) // self.shape[self.axis] * len(self.indices)


@dataclass(frozen=True, slots=True)
class Origin:
    """The tensor of the source model that holds the same elements.

    They are all of that tensor's, or what ``parts`` take out of it one after another. They lie in
    the same order, or, with ``perm``, in the order that they have after the tensor was given the
    shape ``dims`` and its axes were permuted by ``perm``.
    """

    subgraph: int
    tensor: int
    dims: tuple[int, ...] = ()
    perm: tuple[int, ...] = ()
    parts: tuple[Part, ...] = ()

    def taken(self, shape: Sequence[int], axis: int, indices: Sequence[int]) -> Origin | None:
        """The origin of some indices of an axis; None where it can't be said.

        Args:
            shape: the shape of the value that has this origin.
            axis: an axis of that shape.
            indices: those that stay.
        """
        if not self.perm:
            part = Part(tuple(shape), axis, tuple(indices))
            return replace(self, parts=(*self.parts, part))
        large = [number for number, size in enumerate(shape) if size != 1]
        if [self.dims[number] for number in self.perm] != [shape[number] for number in large]:
            return None
        if axis not in large or len(indices) < 2:
            return None
        place = self.perm[large.index(axis)]
        dims = (*self.dims[:place], len(indices), *self.dims[place + 1 :])
        part = Part(self.dims, place, tuple(indices))
        return replace(self, dims=dims, parts=(*self.parts, part))

    def elements(self, source: int) -> int:
        """How many of the source tensor's elements there are."""
        return self.parts[-1].elements if self.parts else source

    def rearranged(self, shape: Sequence[int], axes: Sequence[int | None]) -> Origin | None:
        """The origin of a value after a permutation; None where it can't be said.

        Args:
            shape: the shape of the value that has this origin.
            axes: for each axis of the result the axis in ``shape``, None for a dimension of 1.
        """
        large = [axis for axis, size in enumerate(shape) if size != 1]
        order = [axis for axis in axes if axis in large]
        dims, perm = [shape[axis] for axis in large], list(range(len(large)))
        if self.perm:
            if [self.dims[axis] for axis in self.perm] != dims:
                return None
            dims, perm = list(self.dims), list(self.perm)
        perm = [perm[large.index(axis)] for axis in order]
        if perm == sorted(perm):
            return replace(self, dims=(), perm=())
        return replace(self, dims=tuple(dims), perm=tuple(perm))

    def reorder(self, source: Array) -> Array:
        """The elements of the source tensor in the order in which they lie here, flat."""
        for part in self.parts:
            source = part.of(source)
        if not self.perm:
            return source.reshape(-1)
        moved: Array = source.reshape(self.dims).transpose(self.perm)
        return np.reshape(moved, -1)
