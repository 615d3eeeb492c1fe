"""Tensors of two files of which one has only some of the other's channels.

A rule took out channels that carry nothing, so the number of elements, by which
:mod:`tflopt.verify.contents` pairs tensors, is another. Which channels stayed is read off the
weights that make them: rows of a layer are found again among the rows of the original's, without
what reads channels that are gone. Where a row comes close to none or to several, nothing is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from tflopt.facts.operators import WEIGHTED, Kind, bias_of, channel_axis_of, data_of, kind_of
from tflopt.ir import Activation, Model, Op, Value
from tflopt.ir.node import Array
from tflopt.ir.origin import Part

Indices: TypeAlias = tuple[int, ...]
Thinned: TypeAlias = tuple[Value, Value, Part]
MOST_APART = 2
"""Numbers by which a row may differ from the original's: one off by a step, and a bias that what
was constant has been added to."""
MOST_ROWS = 1 << 27
"""Numbers that are compared for one layer."""
KEEPS_CHANNELS = (Kind.UNARY, Kind.POOL, Kind.PAD, Kind.RESIZE)


def thinned(original: Model, optimized: Model, pairs: Mapping[Value, Value]) -> Iterator[Thinned]:
    """Tensors of the original, their twins with fewer channels, and which channels stayed.

    Args:
        pairs: by tensors of the optimized model, those of the original with as many elements.
    """
    taken = set(pairs.values())
    candidates = dict(_candidates(original, optimized, taken, pairs))
    ports = zip(optimized.main.inputs, original.main.inputs, strict=False)
    kept: dict[Value, Indices] = {
        value: tuple(range(value.shape[-1]))
        for value, twin in (*ports, *pairs.items())
        if value.shape and value.shape == twin.shape
    }
    for op in optimized.main.ops:
        for value in op.outputs:
            twin = candidates.get(value)
            indices = None if twin is None else _indices(twin, value, kept)
            if twin is not None and indices is not None:
                kept[value] = indices
                yield twin, value, Part(twin.shape, len(twin.shape) - 1, indices)


def is_same_layer(one: Value, two: Value) -> bool:
    """Whether two layers are made of the same numbers but for one or two, and no other layer of the
    first's graph is: then they correspond, whatever they give.
    """
    maker, other = _maker(one), two.producer
    if (
        maker is None
        or other is None
        or one.quant != two.quant
        or _ends(maker, one) != _ends(other)
    ):
        return False
    target_rows = _rows(other, None)
    if target_rows is None:
        return False
    near = [op for op in one.graph.ops if op.code in WEIGHTED and _is_near(op, target_rows)]
    return near == [maker]


def _is_near(op: Op, target_rows: Array) -> bool:
    rows = _rows(op, None)
    same = rows is not None and rows.shape == target_rows.shape
    return same and int(np.count_nonzero(rows != target_rows)) <= MOST_APART


def _ends(op: Op, value: Value | None = None) -> object:
    """The activation in a layer, or behind it."""
    if value is not None and value.producer is not op:
        return value.producer and value.producer.code.name
    fused = getattr(op.options, "fused_activation_function", Activation.NONE)
    return fused.name


def _candidates(
    original: Model, optimized: Model, taken: Collection[Value], pairs: Collection[Value]
) -> Iterator[tuple[Value, Value]]:
    """Unpaired tensors of one type and scale, in order: those with fewer channels, and the
    original's."""
    old, new = (_kinds(model, known) for model, known in ((original, taken), (optimized, pairs)))
    for kind, members in new.items():
        ones = old.get(kind, [])
        if len(ones) != len(members):
            ones, members = _last(ones), _last(members)
        if len(ones) == len(members):
            for one, two in zip(ones, members, strict=True):
                if one.shape[:-1] == two.shape[:-1] and one.shape[-1:] > two.shape[-1:]:
                    yield two, one


def _kinds(model: Model, known: Collection[Value]) -> dict[tuple[object, ...], list[Value]]:
    by_kind: dict[tuple[object, ...], list[Value]] = defaultdict(list)
    for op in model.main.ops:
        for value in op.outputs:
            scale = value.quant.scalar() if value.quant is not None and value.quant.is_set else None
            if scale is not None and value.shape and value not in known:
                by_kind[value.dtype, scale, value.shape[:-1]].append(value)
    return by_kind


def _last(members: Sequence[Value]) -> list[Value]:
    """Those that no activation turns into another of them."""
    known = set(members)
    return [
        value
        for value in members
        if not any(kind_of(op) is Kind.UNARY and op.output in known for op in value.users)
    ]


def _indices(one: Value, two: Value, kept: Mapping[Value, Indices]) -> Indices | None:
    """The channels of the first that the second has; None where that can't be told."""
    maker, other = _maker(one), two.producer
    if other is None:
        return None
    if other.code not in WEIGHTED:
        read = {_read(value, kept) for value in other.inputs if _is_whole(value, two)}
        return read.pop() if len(read) == 1 else None
    if maker is None or maker.code is not other.code:
        return None
    source = data_of(other)
    inputs = None if source is None else _read(source, kept)
    rows, target_rows = _rows(maker, inputs), _rows(other, None)
    if rows is None or target_rows is None:
        return None
    fits = (len(rows), len(target_rows)) == (one.shape[-1], two.shape[-1])
    return _positions_of(rows, target_rows) if fits else None


def _is_whole(value: Value | None, output: Value) -> bool:
    return value is not None and not value.is_constant and value.shape[-1:] == output.shape[-1:]


def _maker(value: Value) -> Op | None:
    """The layer that makes a tensor, before its activation."""
    op = value.producer
    while op is not None and kind_of(op) is Kind.UNARY and op.inputs[0] is not None:
        op = op.inputs[0].producer
    return op


def _read(value: Value | None, kept: Mapping[Value, Indices]) -> Indices | None:
    """The channels that a tensor has of the original's, or that it has from what it is made of."""
    while value is not None and value not in kept:
        op = value.producer
        if op is None or kind_of(op) not in KEEPS_CHANNELS or value.shape[-1:] != _depth(op):
            return None
        value = data_of(op)
    return None if value is None else kept[value]


def _depth(op: Op) -> tuple[int, ...]:
    source = data_of(op)
    return () if source is None else source.shape[-1:]


def _rows(op: Op, inputs: Indices | None) -> Array | None:
    """What each output channel is made of: weights, their scale, and the bias.

    Args:
        inputs: the input channels whose weights count, None for all.
    """
    weights, bias = op.input(1), bias_of(op)
    if weights is None or not weights.has_array or weights.quant is None:
        return None
    axis = channel_axis_of(op)
    taps = weights.array()
    if inputs is not None and axis != len(weights.shape) - 1:
        if not inputs or inputs[-1] >= taps.shape[-1]:
            return None
        taps = taps[..., list(inputs)]
    count = weights.shape[axis]
    rows = np.moveaxis(taps, axis, 0).reshape(count, -1).astype(np.float64)
    scale = weights.quant.scale
    columns = [] if scale is None or len(scale) != count else [scale.astype(np.float64)]
    if bias is not None and bias.has_array and bias.elements == count:
        columns.append(bias.array().reshape(-1).astype(np.float64))
    return np.column_stack([rows, *columns]) if columns else rows


def _positions_of(rows: Array, target_rows: Array) -> Indices | None:
    """Where the rows are that are wanted, in order; None where one is close to none or to two."""
    if rows.shape[1] != target_rows.shape[1] or rows.size * len(target_rows) > MOST_ROWS:
        return None
    positions: list[int] = []
    for row in target_rows:
        apart = np.count_nonzero(rows != row, axis=1)
        near = np.flatnonzero(apart == apart.min())
        if apart[near[0]] > MOST_APART or len(near) > 1 or (positions and near[0] <= positions[-1]):
            return None
        positions.append(int(near[0]))
    return tuple(positions)
