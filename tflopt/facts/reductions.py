"""Which elements a reduction brings together."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tflopt.ir import Op


@dataclass(frozen=True)
class Extents:
    """A tensor as ``outer`` blocks of ``count`` rows of ``inner`` elements; rows are reduced."""

    outer: int
    count: int
    inner: int


def extents_of(op: Op) -> Extents | None:
    """How a MEAN sees its input; None where its axes are computed or don't lie together."""
    data, axes = op.input(0), op.ints(1)
    if data is None or axes is None or not data.shape or min(data.shape) < 1:
        return None
    rank = len(data.shape)
    if any(not -rank <= axis < rank for axis in axes):
        return None
    reduced = sorted({axis % rank for axis in axes if data.shape[axis] > 1})
    if not reduced:
        return Extents(1, 1, data.elements)
    first, last = reduced[0], reduced[-1] + 1
    count = prod(data.shape[axis] for axis in reduced)
    if prod(data.shape[first:last]) != count:
        return None
    return Extents(prod(data.shape[:first]), count, prod(data.shape[last:]))
