"""Data movement that only repeats elements, in one form whatever operator spells it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from tflopt.facts.joins import join_of
from tflopt.ir import Op, OpCode, Value

MOST_POSITIONS = 1 << 22
"""Float32 holds no larger ones with a half in the middle."""
Pattern = tuple[tuple[int, int], ...]
"""Pairs (repeat, extent), outermost first: a block of the elements from ``extent`` on inwards is
written ``repeat`` times."""


@dataclass(frozen=True)
class Repeat:
    """``source``, with its elements in their order, repeated as ``pattern`` says."""

    source: Value
    pattern: Pattern
    helpers: tuple[Op, ...] = ()


def repeat_of(op: Op) -> Repeat | None:
    """TILE, BROADCAST_TO, or a CONCATENATION of copies; None for anything else."""
    if op.code is OpCode.TILE:
        return _tile(op)
    if op.code is OpCode.BROADCAST_TO:
        return _broadcast(op)
    join = join_of(op)
    return None if join is None else _copies(op, join.axis)


def normal(pairs: Iterable[tuple[int, int]]) -> Pattern:
    """The shortest pattern of the same meaning: no ones, neighbours joined."""
    runs: list[tuple[int, int]] = []
    for repeat, extent in pairs:
        if runs and repeat == 1:
            runs[-1] = (runs[-1][0], runs[-1][1] * extent)
        elif runs and runs[-1][1] == 1:
            runs[-1] = (runs[-1][0] * repeat, extent)
        else:
            runs.append((repeat, extent))
    return tuple(runs)


def resize_pattern(source: Sequence[int], target: Sequence[int]) -> Pattern | None:
    """What RESIZE_NEAREST_NEIGHBOR by whole factors does, None for other shapes."""
    if len(source) != 4 or len(target) != 4 or 0 in source:
        return None
    if (source[0], source[3]) != (target[0], target[3]):
        return None
    height, width = target[1] // source[1], target[2] // source[2]
    if (height * source[1], width * source[2]) != (target[1], target[2]):
        return None
    if not (repeats_exactly(source[1], height) and repeats_exactly(source[2], width)):
        return None
    pairs = [(1, source[0]), (1, source[1]), (height, source[2]), (width, source[3])]
    return normal(pairs)


def resize_shapes(pattern: Pattern) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Shapes between which RESIZE_NEAREST_NEIGHBOR does it; None with over two repeats."""
    pairs = list(pattern)
    outer = pairs.pop(0)[1] if pairs[0][0] == 1 else 1
    if len(pairs) == 1:
        pairs = [(1, 1), *pairs]
    if len(pairs) != 2:
        return None
    (height, rows), (width, columns) = pairs
    source = (1, outer, rows, columns)
    target = (1, outer * height, rows * width, columns)
    return (source, target) if resize_pattern(source, target) == pattern else None


def repeats_exactly(extent: int, factor: int) -> bool:
    """Whether the kernel's float32 arithmetic with half pixels finds every source element.

    It takes ``floor((x + 0.5) * (extent / (extent * factor)))`` for output ``x``
    (``resize_nearest_neighbor.h``).
    """
    if extent < 1 or factor < 1 or extent * factor > MOST_POSITIONS:
        return False
    positions = np.arange(extent * factor)
    scale = np.float32(extent) / np.float32(extent * factor)
    sources = np.floor((positions.astype(np.float32) + np.float32(0.5)) * scale).astype(np.int64)
    return bool(np.array_equal(np.minimum(sources, extent - 1), positions // factor))


def _tile(op: Op) -> Repeat | None:
    source, multiples = op.input(0), op.ints(1)
    if source is None or multiples is None or len(multiples) != len(source.shape):
        return None
    if min(multiples, default=1) < 1 or not source.shape:
        return None
    return Repeat(source, normal(zip(multiples, source.shape, strict=True)))


def _broadcast(op: Op) -> Repeat | None:
    source, shape = op.input(0), op.output.shape
    if source is None or not shape or len(source.shape) > len(shape):
        return None
    extents = (1,) * (len(shape) - len(source.shape)) + source.shape
    pairs = [(out // n, n) for out, n in zip(shape, extents, strict=True) if n]
    return Repeat(source, normal(pairs)) if len(pairs) == len(shape) else None


def _copies(op: Op, axis: int) -> Repeat | None:
    first = op.input(0)
    if first is None or len(op.inputs) < 2:
        return None
    if all(value is first for value in op.inputs):
        pairs = [(1, extent) for extent in first.shape]
        pairs[axis] = (len(op.inputs), first.shape[axis])
        return Repeat(first, normal(pairs))
    return _copies_of_parts(op, axis)


def _copies_of_parts(op: Op, axis: int) -> Repeat | None:
    """SPLIT into equal parts of which each is repeated, in their order."""
    first = op.input(0)
    split = None if first is None else first.producer
    if first is None or split is None or split.code is not OpCode.SPLIT:
        return None
    along, source = split.ints(0), split.input(1)
    if source is None or along is None or along[0] % len(source.shape) != axis:
        return None
    parts = split.outputs
    factor = len(op.inputs) // len(parts)
    if op.inputs != tuple(part for part in parts for _ in range(factor)):
        return None
    if any(user is not op for part in parts for user in part.users):
        return None
    if any(part.is_graph_output for part in parts):
        return None
    shape = source.shape
    pairs = [(1, prod(shape[:axis])), (1, len(parts)), (factor, first.shape[axis])]
    return Repeat(source, normal([*pairs, (1, prod(shape[axis + 1 :]))]), (split,))
