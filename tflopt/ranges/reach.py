"""Which taps of a window read the input, place by place: where it pads, some read the padding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tflopt.facts.windows import Axis, padding_before, window_of
from tflopt.ir import Op, OpCode
from tflopt.ir.options import TransposeConvOptions
from tflopt.ranges.interval import open_axes

Mask = npt.NDArray[np.bool_]
MOST_CELLS = 1 << 20
"""Of a table of places and taps: a window that needs more is bounded for the worst place."""


def reached_taps(op: Op) -> Mask | None:
    """Kinds of places, taps row by row: whether that tap reads the input there.

    Places that read with the same taps are one kind. None where that isn't known: open shapes, odd
    geometry, windows with more kinds than it pays to tell apart.
    """
    axes = _axes(op)
    if axes is None or not all(each.size for each in axes):
        return None
    rows, columns = axes
    if rows.size * columns.size > MOST_CELLS:
        return None
    kinds = rows[:, None, :, None] & columns[None, :, None, :]
    return np.asarray(kinds.reshape(len(rows) * len(columns), -1))


def padded_taps(op: Op) -> Mask:
    """For each tap of a convolution's window, row by row, whether it may lie in the padding."""
    weights = op.inputs[1]
    assert weights is not None
    high, wide = weights.shape[1:3]
    reached = reached_taps(op)
    if reached is None:
        return np.ones(high * wide, dtype=np.bool_)
    return np.asarray(~reached.all(axis=0))


def _axes(op: Op) -> tuple[Mask, Mask] | None:
    if op.code is OpCode.TRANSPOSE_CONV:
        return _of_transposed(op)
    window, data = window_of(op), op.input(0)
    if window is None or data is None or open_axes(data) & {1, 2}:
        return None
    rows, columns = (_of_axis(axis) for axis in window)
    return None if rows is None or columns is None else (rows, columns)


def _of_axis(axis: Axis) -> Mask | None:
    if axis.out * axis.kernel > MOST_CELLS:
        return None
    places = np.arange(axis.out)[:, None] * axis.stride - axis.before
    read = places + np.arange(axis.kernel) * axis.dilation
    return np.asarray(np.unique((read >= 0) & (read < axis.size), axis=0))


def _of_transposed(op: Op) -> tuple[Mask, Mask] | None:
    """Output ``o`` gets the input element ``i`` through the tap ``o + before - i * stride``."""
    weights, data, options = op.input(1), op.input(2), op.options
    if weights is None or data is None or not isinstance(options, TransposeConvOptions):
        return None
    if open_axes(data) & {1, 2} or open_axes(op.output) & {1, 2}:
        return None
    found = []
    for axis, stride in ((1, options.stride_h), (2, options.stride_w)):
        size, kernel, out = data.shape[axis], weights.shape[axis], op.output.shape[axis]
        if min(size, kernel, out, stride) <= 0 or out * kernel > MOST_CELLS:
            return None
        before = padding_before(options.padding, out, kernel, stride)
        offset = np.arange(out)[:, None] + before - np.arange(kernel)
        read = (offset % stride == 0) & (offset >= 0) & (offset < size * stride)
        found.append(np.asarray(np.unique(read, axis=0)))
    return found[0], found[1]
