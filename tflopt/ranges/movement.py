"""Ranges of what is only moved: views, transposes, slices, pads, joined and split tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from tflopt.arith.fixed_point import Ints
from tflopt.facts.joins import Join, join_of, split_of
from tflopt.facts.operators import Kind, data_of, facts_of, kind_of
from tflopt.facts.pads import amounts_of, pad_value, zero_of
from tflopt.facts.slices import region_of
from tflopt.facts.transposes import permutation_of
from tflopt.ir import Op, OpCode, Value
from tflopt.ir.options import (
    GatherOptions,
    PackOptions,
    UnpackOptions,
)
from tflopt.ranges.interval import MOST_CELLS, Interval, open_axes, reshaped, scalar

Sources = Sequence["Interval | None"]
Mover = Callable[[Op, Sources], "list[Interval | None]"]


def moved(op: Op, sources: Sources) -> list[Interval | None] | None:
    """The ranges of the outputs, an item None where nothing is known; None for other operators."""
    mover = _MOVERS.get(kind_of(op))
    if mover is None:
        return None
    if not op.outputs or len(sources) <= facts_of(op).data or _is_flat(op):
        return [None] * len(op.outputs)
    return mover(op, sources)


def _is_flat(op: Op) -> bool:
    """Whether an operator that works along an axis has a tensor without one."""
    if kind_of(op) not in (Kind.STACK, Kind.UNSTACK, Kind.SPLIT, Kind.GATHER):
        return False
    if kind_of(op) is Kind.STACK:
        return not op.output.shape
    data = data_of(op)
    return data is None or not data.shape


def _view(op: Op, sources: Sources) -> list[Interval | None]:
    source, data = sources[0], op.input(0)
    if source is None or data is None:
        return [None]
    old, new = data.shape, op.output.shape
    if not (open_axes(data) or open_axes(op.output)):
        return [reshaped(source, old, new) if _fits(data, op.output) else None]
    batches = open_axes(data) | open_axes(op.output) <= {0} and old and new and old[0] == new[0]
    if batches and _fits(data, op.output):
        return [reshaped(source.hull([0]), (1, *old[1:]), (1, *new[1:]))]
    return [_everything(source, len(new))]


def _fits(one: Value, two: Value) -> bool:
    return one.elements == two.elements and one.elements > 0


def _everything(source: Interval, rank: int) -> Interval:
    return scalar(int(source.low.min()), int(source.high.max()), rank)


def _shuffled(op: Op, sources: Sources) -> list[Interval | None]:
    """Any element may land anywhere."""
    source = sources[0]
    return [None if source is None else _everything(source, len(v.shape)) for v in op.outputs]


def _by_channel(op: Op, sources: Sources) -> list[Interval | None]:
    """Elements, or means of elements weighed by parts that sum up to 1, of the same channel."""
    source = sources[0]
    return [None if source is None or len(source.shape) != 4 else source.hull((0, 1, 2))]


def _batched(op: Op, sources: Sources) -> list[Interval | None]:
    """SPACE_TO_BATCH_ND may pad with the output's zero point."""
    interval, zero = _by_channel(op, sources)[0], zero_of(op.output)
    if interval is None or zero is None:
        return [None]
    numbers = op.ints(2)
    return [interval if numbers and not any(numbers) else interval.join(scalar(zero, zero, 4))]


def _transposed(op: Op, sources: Sources) -> list[Interval | None]:
    source, perm = sources[0], permutation_of(op)
    if source is None or perm is None or len(perm) != len(source.shape):
        return _shuffled(op, sources)
    return [Interval(source.low.transpose(perm), source.high.transpose(perm))]


def _sliced(op: Op, sources: Sources) -> list[Interval | None]:
    source, region, data = sources[0], region_of(op), op.input(0)
    if source is None or data is None or region is None or open_axes(data):
        return _shuffled(op, sources)
    rows = zip(source.shape, region.begin, region.size, strict=True)
    index = tuple(slice(None) if n == 1 else slice(b, b + size) for n, b, size in rows)
    return [Interval(source.low[index], source.high[index])]


def _padded(op: Op, sources: Sources) -> list[Interval | None]:
    source, data, amounts = sources[0], op.input(0), amounts_of(op)
    value = pad_value(op)
    if source is None or data is None or value is None:
        return [None]
    padding = scalar(value, value, len(source.shape))
    if amounts is None:
        return [_everything(source, len(source.shape)).join(padding)]
    for axis, pair in enumerate(amounts):
        if not any(pair):
            continue
        if axis == len(amounts) - 1 and _cells(source, op.output, axis) > MOST_CELLS:
            source = source.hull(range(axis))
        fits = min(pair) >= 0 and _cells(source, op.output, axis) <= MOST_CELLS
        fits = fits and data.shape[axis] + sum(pair) == op.output.shape[axis]
        if fits and not open_axes(data):
            whole = source.expanded(axis, data.shape[axis])
            width = [(0, 0)] * len(amounts)
            width[axis] = pair
            parts = [np.pad(end, width, constant_values=value) for end in (whole.low, whole.high)]
            source = Interval(*parts)
        else:
            source = source.hull([axis]).join(padding)
    return [source]


def _cells(source: Interval, output: Value, axis: int) -> int:
    """How many intervals there are with one for each of the output's indices along an axis."""
    return source.low.size // source.shape[axis] * max(1, output.shape[axis])


def _mirrored(op: Op, sources: Sources) -> list[Interval | None]:
    source, amounts = sources[0], amounts_of(op)
    if source is None or amounts is None:
        return _shuffled(op, sources)
    return [source.hull([axis for axis, pair in enumerate(amounts) if any(pair)])]


def _concatenated(op: Op, sources: Sources) -> list[Interval | None]:
    join = join_of(op)
    return [None if join is None else _joined(join, sources)]


def _joined(join: Join, sources: Sources) -> Interval | None:
    op, axis, values = join.op, join.axis, join.parts
    parts = [source for source in sources if source is not None]
    if len(parts) != len(values) or not parts:
        return None
    rank = len(parts[0].shape)
    if any(len(part.shape) != rank for part in parts):
        return None
    shape = np.broadcast_shapes(*(part.hull([axis]).shape for part in parts))
    length = max(1, op.output.shape[axis])
    if axis == rank - 1 and prod(shape) * length > MOST_CELLS:
        parts, shape = [part.hull(range(axis)) for part in parts], (1,) * rank
    is_odd = any(open_axes(value) & {axis} or value.shape[axis] <= 0 for value in values)
    if is_odd or prod(shape) * length > MOST_CELLS:
        hull = parts[0].hull([axis])
        for part in parts[1:]:
            hull = hull.join(part.hull([axis]))
        return hull.limited()
    wide = [part.expanded(axis, v.shape[axis]) for part, v in zip(parts, values, strict=True)]
    both = [
        np.concatenate([np.broadcast_to(end, _along(shape, axis, end)) for end in bounds], axis)
        for bounds in ([part.low for part in wide], [part.high for part in wide])
    ]
    return Interval(*both).limited()


def _along(shape: tuple[int, ...], axis: int, array: Ints) -> tuple[int, ...]:
    """The shape with the array's length along one axis."""
    return (*shape[:axis], array.shape[axis], *shape[axis + 1 :])


def _packed(op: Op, sources: Sources) -> list[Interval | None]:
    options = op.options
    parts = [source for source in sources if source is not None]
    if not isinstance(options, PackOptions) or len(parts) != len(op.inputs) or not parts:
        return [None]
    axis = options.axis % len(op.output.shape)
    union = parts[0]
    for part in parts[1:]:
        union = union.join(part)
    return [Interval(np.expand_dims(union.low, axis), np.expand_dims(union.high, axis))]


def _unpacked(op: Op, sources: Sources) -> list[Interval | None]:
    source, options = sources[0], op.options
    if source is None or not isinstance(options, UnpackOptions):
        return [None] * len(op.outputs)
    axis = options.axis % len(source.shape)
    hull = source.hull([axis])
    return [Interval(hull.low.squeeze(axis), hull.high.squeeze(axis))] * len(op.outputs)


def _split(op: Op, sources: Sources) -> list[Interval | None]:
    source, split = sources[facts_of(op).data], split_of(op)
    if source is None:
        return [None] * len(op.outputs)
    if split is None or open_axes(split.data):
        return [_everything(source, len(value.shape)) for value in op.outputs]
    data, axis = split.data, split.axis
    wide, begin, parts = source.expanded(axis, data.shape[axis]), 0, list[Interval | None]()
    for value in op.outputs:
        index = (slice(None),) * axis + (slice(begin, begin + value.shape[axis]),)
        alike = source.shape[axis] == 1
        parts.append(source if alike else Interval(wide.low[index], wide.high[index]))
        begin += value.shape[axis]
    return parts if begin == data.shape[axis] else [None] * len(op.outputs)


def _gathered(op: Op, sources: Sources) -> list[Interval | None]:
    source, options, data = sources[0], op.options, op.input(0)
    positions = None if op.input(1) is None else op.inputs[1]
    if source is None or data is None or positions is None:
        return [None]
    if not isinstance(options, GatherOptions) or options.batch_dims or len(positions.shape) != 1:
        return _shuffled(op, sources)
    axis, numbers = options.axis % len(data.shape), positions.ints()
    if numbers is None or source.shape[axis] == 1:
        return [source.hull([axis])]
    if not all(0 <= number < data.shape[axis] for number in numbers) or not numbers:
        return [source.hull([axis])]
    return [Interval(*(np.take(end, numbers, axis) for end in (source.low, source.high)))]


def _blocks(op: Op, sources: Sources) -> list[Interval | None]:
    to_batch = op.code is OpCode.SPACE_TO_BATCH_ND
    return _batched(op, sources) if to_batch else _by_channel(op, sources)


_MOVERS: dict[Kind, Mover] = {
    Kind.VIEW: _view,
    Kind.TRANSPOSE: _transposed,
    Kind.SLICE: _sliced,
    Kind.STRIDED_SLICE: _sliced,
    Kind.PAD: _padded,
    Kind.MIRROR_PAD: _mirrored,
    Kind.JOIN: _concatenated,
    Kind.STACK: _packed,
    Kind.UNSTACK: _unpacked,
    Kind.SPLIT: _split,
    Kind.GATHER: _gathered,
    Kind.RESIZE: _by_channel,
    Kind.BLOCK: _blocks,
    **dict.fromkeys((Kind.DEPTH, Kind.REVERSE, Kind.BROADCAST, Kind.TILE), _shuffled),
}
