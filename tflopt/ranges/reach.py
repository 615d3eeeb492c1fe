"""What each tap of a window reads, place by place: which elements of the input, or the padding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tflopt.arith.fixed_point import Ints
from tflopt.facts.windows import Axis, padding_before, window_of
from tflopt.ir import Op, OpCode, Value
from tflopt.ir.options import TransposeConvOptions
from tflopt.ranges.interval import Interval, open_axes

Mask = npt.NDArray[np.bool_]
MOST_CELLS = 1 << 20
"""Of a table of places and taps: a window that needs more is bounded for the worst place."""
MOST_PRODUCTS = 1 << 24
"""Of weights and kinds of elements: with more of these, an element's place isn't looked at."""
MOST_REMEMBERED = 1 << 12
"""Numbers of a table that layers of the same geometry share."""
OUTSIDE = -1


@dataclass(frozen=True, eq=False)
class Reach:
    """What a window reads.

    Elements of the input between whose numbers nothing differs are one kind of element, and places
    whose taps read the same kinds are one kind of place.

    Args:
        low: of each input channel a column for each kind of element.
        high: likewise.
        places: kinds of places, taps row by row: the kind of element read, or ``OUTSIDE``; None
            where any tap may read any element or the padding: open shapes, odd geometry, or more
            kinds than it pays to tell apart.
    """

    low: Ints
    high: Ints
    places: Ints | None


def reach_of(op: Op, data: Value, source: Interval) -> Reach:
    """What a convolution or TRANSPOSE_CONV reads of ``data``, which has four axes."""
    weights, axes = op.operand(1), _axes(op)
    whole = source.hull([0])
    for interval in (whole, whole.hull([1, 2])):
        kinds = [_kinds_along(interval, axis, data.shape[axis]) for axis in (1, 2)]
        (rows, some), (columns, others) = kinds
        cells = interval.expanded(3, data.shape[3])
        low, high = (end[0][np.ix_(some, others)] for end in (cells.low, cells.high))
        ends = [end.reshape(-1, data.shape[3]).T for end in (low, high)]
        kinds_of_elements = len(some) * len(others)
        if kinds_of_elements > 1 and kinds_of_elements * weights.elements > MOST_PRODUCTS:
            continue
        if axes is None:
            return Reach(ends[0].min(axis=1), ends[1].max(axis=1), None)
        places = _places(_named(axes[0], rows), _named(axes[1], columns), len(others))
        if places is not None:
            return Reach(ends[0], ends[1], places)
    low, high = whole.along(3, data.shape[3])
    return Reach(low, high, None)


def columns_of_places(places: Ints) -> tuple[Ints, Ints]:
    """The taps that read different kinds somewhere, each once, and for each tap which it is."""
    return _distinct(places, 1)


def _distinct(table: Ints, axis: int) -> tuple[Ints, Ints]:
    """The different rows or columns of a table, and for each which it is; read-only."""
    if table.size > MOST_REMEMBERED:
        return _distinct_along(table, axis)
    return _remembered(table.tobytes(), table.dtype.str, table.shape, axis)


@lru_cache(maxsize=512)
def _remembered(content: bytes, dtype: str, shape: tuple[int, ...], axis: int) -> tuple[Ints, Ints]:
    return _distinct_along(np.frombuffer(content, dtype).reshape(shape), axis)


def _distinct_along(table: Ints, axis: int) -> tuple[Ints, Ints]:
    first, which = _kinds_of(table if axis == 0 else table.T)
    distinct = table.take(first, axis)
    distinct.flags.writeable = which.flags.writeable = False
    return distinct, which


def _kinds_of(rows: Ints) -> tuple[Ints, Ints]:
    """The first row of each content, and for each row which content it has.

    (``np.unique`` sorts records, which takes ten times as long, and loads ``numpy.ma``.)
    """
    content, step = rows.tobytes(), rows.itemsize * rows.shape[1]
    known: dict[bytes, int] = {}
    first, which = list[int](), list[int]()
    for place in range(len(rows)):
        kind = known.setdefault(content[place * step : (place + 1) * step], len(first))
        which.append(kind)
        if kind == len(first):
            first.append(place)
    return np.asarray(first, dtype=np.int64), np.asarray(which, dtype=np.int64)


def padded_taps(op: Op) -> Mask:
    """For each tap of a convolution's window, row by row, whether it may lie in the padding."""
    weights, axes = op.operand(1), _axes(op)
    high, wide = weights.shape[1:3]
    if axes is None:
        return np.ones(high * wide, dtype=np.bool_)
    rows, columns = ((axis == OUTSIDE).any(axis=0) for axis in axes)
    return np.asarray(rows[:, None] | columns[None, :]).reshape(-1)


def _kinds_along(interval: Interval, axis: int, size: int) -> tuple[Ints, Ints]:
    """For each index of an axis its kind, and for each kind an index of the interval's."""
    if interval.shape[axis] == 1:
        return np.zeros(size, dtype=np.int64), np.zeros(1, dtype=np.int64)
    rows = [np.moveaxis(end, axis, 0).reshape(size, -1) for end in (interval.low, interval.high)]
    first, kind = _kinds_of(np.concatenate(rows, axis=1))
    return kind, first


def _named(axis: Ints, kinds: Ints) -> Ints:
    """The kinds that taps read along an axis, each row once."""
    return _distinct(np.where(axis == OUTSIDE, OUTSIDE, kinds[axis]), 0)[0]


def _places(rows: Ints, columns: Ints, width: int) -> Ints | None:
    if rows.size * columns.size > MOST_CELLS:
        return None
    one, two = rows[:, None, :, None], columns[None, :, None, :]
    places = np.where((one == OUTSIDE) | (two == OUTSIDE), OUTSIDE, one * width + two)
    return places.reshape(len(rows) * len(columns), -1)


def _axes(op: Op) -> tuple[Ints, Ints] | None:
    """For height and width: output elements, taps, and the input's element that they read."""
    if op.code is OpCode.TRANSPOSE_CONV:
        return _of_transposed(op)
    window, data = window_of(op), op.input(0)
    if window is None or data is None or open_axes(data) & {1, 2}:
        return None
    if any(not 0 < axis.out * axis.kernel <= MOST_CELLS for axis in window):
        return None
    return _of_axis(window[0]), _of_axis(window[1])


@lru_cache(maxsize=512)
def _of_axis(axis: Axis) -> Ints:
    places = np.arange(axis.out)[:, None] * axis.stride - axis.before
    read = places + np.arange(axis.kernel) * axis.dilation
    taps = np.where((read >= 0) & (read < axis.size), read, OUTSIDE)
    taps.flags.writeable = False
    return taps


def _of_transposed(op: Op) -> tuple[Ints, Ints] | None:
    """Output ``o`` gets the input element ``i`` through the tap ``o + before - i * stride``."""
    weights, data, options = op.input(1), op.input(2), op.options
    if weights is None or data is None or not isinstance(options, TransposeConvOptions):
        return None
    if open_axes(data) & {1, 2} or open_axes(op.output) & {1, 2}:
        return None
    taps = []
    for axis, stride in ((1, options.stride_h), (2, options.stride_w)):
        size, kernel, out = data.shape[axis], weights.shape[axis], op.output.shape[axis]
        if min(size, kernel, out, stride) <= 0 or out * kernel > MOST_CELLS:
            return None
        before = padding_before(options.padding, out, kernel, stride)
        offset = np.arange(out)[:, None] + before - np.arange(kernel)
        reads = (offset % stride == 0) & (offset >= 0) & (offset < size * stride)
        taps.append(np.where(reads, offset // stride, OUTSIDE))
    return taps[0], taps[1]
