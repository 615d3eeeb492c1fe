"""The block that a SLICE, or a STRIDED_SLICE in steps of 1, takes out of a tensor."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import StridedSliceOptions

RANKS = {OpCode.SLICE: 5, OpCode.STRIDED_SLICE: 4}
"""The most axes that TFLM's kernels take."""
DTYPES = frozenset({DType.FLOAT32, DType.INT8, DType.INT16, DType.INT32, DType.BOOL})
"""The element types that TFLM's kernels take."""


@dataclass(frozen=True)
class Region:
    """``size[axis]`` elements from ``begin[axis]`` on, for every axis."""

    begin: tuple[int, ...]
    size: tuple[int, ...]

    def cuts(self, shape: tuple[int, ...]) -> frozenset[int]:
        """The axes of which it takes a part."""
        return frozenset(axis for axis, n in enumerate(self.size) if n != shape[axis])

    def with_axis(self, axis: int, begin: int, size: int) -> Region:
        """The same but for one axis."""
        begins, sizes = list(self.begin), list(self.size)
        begins[axis], sizes[axis] = begin, size
        return Region(tuple(begins), tuple(sizes))


def whole(shape: tuple[int, ...]) -> Region:
    """All of a tensor."""
    return Region((0,) * len(shape), shape)


def region_of(op: Op) -> Region | None:
    """The block, None where it is computed, in other steps, or changes the rank."""
    source = op.input(0)
    if source is None or len(source.shape) != len(op.output.shape):
        return None
    begin = op.ints(1)
    if begin is None or len(begin) != len(source.shape):
        return None
    if op.code is OpCode.STRIDED_SLICE:
        begin = _strided_begin(op, source, begin)
    if begin is None:
        return None
    region = Region(begin, op.output.shape)
    rows = zip(region.begin, region.size, source.shape, strict=True)
    return region if all(b >= 0 and b + n <= total and n > 0 for b, n, total in rows) else None


def _strided_begin(op: Op, source: Value, begin: tuple[int, ...]) -> tuple[int, ...] | None:
    options, steps = op.options, op.ints(3)
    if not isinstance(options, StridedSliceOptions) or steps is None or set(steps) != {1}:
        return None
    if options.ellipsis_mask or options.new_axis_mask or options.shrink_axis_mask:
        return None
    if options.offset:
        return None
    starts = []
    for axis, (first, total) in enumerate(zip(begin, source.shape, strict=True)):
        counted = first + total if first < 0 else first
        masked = options.begin_mask >> axis & 1
        starts.append(0 if masked else min(max(counted, 0), total))
    return tuple(starts)
