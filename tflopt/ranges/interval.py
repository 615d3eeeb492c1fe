"""Intervals of a tensor's elements, and how they follow data that moves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from tflopt.arith.fixed_point import Ints, ints
from tflopt.ir import DType, Value

MOST_CELLS = 1 << 16
"""Intervals kept for one tensor; above that one for each index of its last axis."""
INTEGERS = frozenset({DType.INT8, DType.UINT8, DType.INT16, DType.INT32})
"""The types whose ranges are tracked."""
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Interval:
    """Every element lies in ``[low, high]``, both inclusive, as stored numbers.

    Both arrays have the tensor's rank; an axis is the tensor's, or 1: alike for all its indices.
    """

    low: Ints
    high: Ints

    @property
    def shape(self) -> Shape:
        """Of the arrays."""
        return self.low.shape

    @property
    def is_constant(self) -> bool:
        """Every element has one value."""
        return bool(np.array_equal(self.low, self.high))

    def hull(self, axes: Collection[int]) -> Interval:
        """Alike along these axes."""
        wide = tuple(axis for axis in sorted(axes) if self.shape[axis] != 1)
        if not wide:
            return self
        return Interval(
            self.low.min(axis=wide, keepdims=True), self.high.max(axis=wide, keepdims=True)
        )

    def along(self, axis: int, size: int) -> tuple[Ints, Ints]:
        """Low and high for each of the ``size`` indices of one axis."""
        only = self.hull([other for other in range(len(self.shape)) if other != axis])
        low, high = (np.broadcast_to(end.reshape(-1), (size,)) for end in (only.low, only.high))
        return low, high

    def join(self, other: Interval) -> Interval:
        """What lies in either."""
        return Interval(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def clipped(self, low: Ints, high: Ints) -> Interval:
        """After each element was clamped."""
        return Interval(np.clip(self.low, low, high), np.clip(self.high, low, high))

    def limited(self) -> Interval:
        """At most one for each index of the last axis, where there are too many."""
        if self.low.size <= MOST_CELLS:
            return self
        return self.hull(range(len(self.shape) - 1))

    def expanded(self, axis: int, size: int) -> Interval:
        """With one interval for each index of an axis."""
        if self.shape[axis] == size:
            return self
        shape = (*self.shape[:axis], size, *self.shape[axis + 1 :])
        return Interval(np.broadcast_to(self.low, shape), np.broadcast_to(self.high, shape))


def scalar(low: int, high: int, rank: int) -> Interval:
    """The same for all elements of a tensor."""
    shape = (1,) * rank
    return Interval(np.full(shape, low, dtype=np.int64), np.full(shape, high, dtype=np.int64))


def whole(value: Value) -> Interval | None:
    """All that its type can hold; None for types that are not tracked."""
    return _whole(value.dtype, len(value.shape))


@lru_cache(maxsize=64)
def _whole(dtype: DType, rank: int) -> Interval | None:
    stored = dtype.numpy
    if dtype not in INTEGERS or stored is None:
        return None
    limits = np.iinfo(stored.name)
    return scalar(int(limits.min), int(limits.max), rank)


def of_constant(value: Value) -> Interval | None:
    """The numbers of a constant."""
    if value.dtype not in INTEGERS or value.extra.sparsity is not None or not value.elements:
        return None
    if not value.has_data:
        return whole(value)
    numbers = value.array()
    if numbers.size <= MOST_CELLS:
        return compressed(Interval(ints(numbers), ints(numbers)))
    front = tuple(range(numbers.ndim - 1))
    ends = (extreme(axis=front, keepdims=True) for extreme in (numbers.min, numbers.max))
    return compressed(Interval(*map(ints, ends)))


def compressed(interval: Interval) -> Interval:
    """Without axes along which nothing differs."""
    for axis, size in enumerate(interval.shape):
        if size == 1:
            continue
        first = np.take(interval.low, [0], axis), np.take(interval.high, [0], axis)
        if (interval.low == first[0]).all() and (interval.high == first[1]).all():
            interval = Interval(*first)
    return interval


def reshaped(interval: Interval, old: Shape, new: Shape) -> Interval:
    """The same elements in the same order under another shape."""
    if interval.low.size == 1:
        return scalar(int(interval.low.min()), int(interval.high.max()), len(new))
    if prod(old) <= MOST_CELLS:
        parts = (np.broadcast_to(end, old).reshape(new) for end in (interval.low, interval.high))
        return compressed(Interval(*parts))
    return _of_last_axis(interval, old, new)


def _of_last_axis(interval: Interval, old: Shape, new: Shape) -> Interval:
    """By the last axis alone: channels that repeat stay told apart."""
    inner, outer = old[-1], new[-1]
    low, high = interval.along(len(old) - 1, inner)
    if outer % inner == 0 and outer <= MOST_CELLS:
        low, high = (np.tile(end, outer // inner) for end in (low, high))
    elif inner % outer == 0:
        low, high = low.reshape(-1, outer).min(axis=0), high.reshape(-1, outer).max(axis=0)
    else:
        low, high = low.min(keepdims=True), high.max(keepdims=True)
    shape = (*(1,) * (len(new) - 1), -1)
    return Interval(low.reshape(shape), high.reshape(shape))


def open_axes(value: Value) -> frozenset[int]:
    """The axes that a signature leaves open (-1)."""
    signature: Sequence[int] = value.extra.shape_signature or ()
    return frozenset(axis for axis, size in enumerate(signature) if size == -1)
