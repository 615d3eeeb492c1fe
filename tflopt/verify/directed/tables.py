"""Inputs of operators that work element by element, of SOFTMAX and of MEAN.

Elements take every value, for each element of a constant that they meet. Where two tensors meet, or
a whole row, values are looked for on which the two models' arithmetic differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tflopt.arith.affine import Affine, affine_of
from tflopt.arith.fixed_point import INT8_MIN, Ints, divide_by_power_of_two, ints
from tflopt.arith.reduction import every_sum, mean, sum_of
from tflopt.arith.softmax import LONGEST_ROW, SUM_BITS, exponentials, is_legal, shares
from tflopt.facts.operators import ELEMENTWISE
from tflopt.facts.tables import SUMS, fused_of, pair_table
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import SoftmaxOptions
from tflopt.verify.directed.edges import Mask
from tflopt.verify.directed.sums import Index

VALUES = 256
PAIRED = SUMS | {OpCode.MUL}
ENOUGH, SHORT = 16, 4
NUMBERS_TRIED, TURNS, MOST_TURNS = 1 << 17, 40, 160
MOST_SUMS = 1 << 18
HALF, NEAR_STEP = 0.5, 1 / 256
"""Sums of up to a few dozen exponentials are rounded by less."""
SHOWN_BITS = 9
"""An element whose exponential is smaller than the highest one's by more is 0 of 256."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """Elements of a leaf, by where they lie, and which element of a constant each one meets."""

    leaf: Value
    elements: Index
    keys: Index

    @property
    def turns(self) -> int:
        """How many inputs it takes until each key met every value."""
        return -(-VALUES // max(1, int(np.bincount(self.keys).min(initial=VALUES))))

    def values(self, turns: int) -> Index:
        """For each of some inputs the number of a value, 0 to 255, of each element."""
        order = np.argsort(self.keys, kind="stable")
        sizes = np.bincount(self.keys)
        starts = np.cumsum(sizes) - sizes
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order)) - starts[self.keys[order]]
        step = sizes[self.keys]
        return (rank + step * np.arange(turns)[:, None] + 37 * self.keys) % VALUES


def sweep_of(op: Op, traced: Sequence[tuple[Value, Index] | None]) -> Sweep | None:
    """An operator of one tensor of int8, or of one and a constant; None for others.

    Args:
        traced: for each input the leaf whose elements it has.
    """
    if op.code not in ELEMENTWISE:
        return None
    data = [number for number, value in enumerate(op.inputs) if value and not value.is_constant]
    if len(data) != 1:
        return None
    origin, source = traced[data[0]], op.inputs[data[0]]
    assert source is not None
    if origin is None or source.dtype is not DType.INT8 or not op.outputs:
        return None
    index, keys = origin[1], np.zeros(source.shape, np.int64)
    constants = [value for value in op.inputs if value is not None and value.is_constant]
    shape = op.output.shape
    if constants and source.elements == op.output.elements:
        numbers = np.arange(constants[0].elements).reshape(constants[0].shape)
        keys = np.broadcast_to(numbers, shape).reshape(source.shape)
    _, keys = np.unique(keys.reshape(-1), return_inverse=True)
    inside = index.reshape(-1) >= 0
    _, keys = np.unique(keys.reshape(-1)[inside], return_inverse=True)
    return Sweep(origin[0], index.reshape(-1)[inside], keys.reshape(-1))


def unlike_pairs(old: Op, new: Op) -> Ints | None:
    """Pairs of numbers that two ADD, SUB or MUL of two tensors map to unlike ones."""
    tables = [_table(op) for op in (old, new)]
    if old.code is not new.code or tables[0] is None or tables[1] is None:
        return None
    places = np.argwhere((tables[0] != tables[1]).any(axis=0))
    return ints(places) + INT8_MIN


def _table(op: Op) -> Ints | None:
    if op.code not in PAIRED or len(op.inputs) != 2:
        return None
    fused, values = fused_of(op), (*op.inputs, op.output)
    if fused is None or any(v is None or v.dtype is not DType.INT8 for v in values):
        return None
    one, two, out = (affine_of(value) for value in values)
    if one is None or two is None or out is None:
        return None
    return pair_table(op.code, one, two, out, fused)


def unlike_rows(old: Op, new: Op, ends: tuple[Ints, Ints], rng: np.random.Generator) -> Ints | None:
    """Rows that two SOFTMAX map to unlike ones, with each element between its ``ends``.

    Up to four elements are run through, so that no row means that there is none. Longer ones are
    drawn where elements have a share that shows: two betas that are neighbours map about one in
    20,000 of them to unlike ones.
    """
    numbers = [_beta(op) for op in (old, new)]
    if numbers[0] is None or numbers[1] is None:
        return None
    width = new.output.shape[-1]
    if old.output.shape[-1:] != (width,) or not 0 < width <= LONGEST_ROW:
        return None
    tables = [exponentials(source, beta) for source, beta in (numbers[0], numbers[1])]
    if np.array_equal(tables[0], tables[1]):
        return None
    high = int(ends[1].max())
    span = high - int(ends[0].min())
    short = width <= SHORT
    tried = _short_rows(width, span) if short else _long_rows(width, span, tables[0], rng)
    differing = [np.empty((0, width), np.int64)]
    for turn, below in enumerate(tried):
        rows = np.clip(high - below, *ends)
        rows = rows[_is_near_step(rows, tables)]
        one, two = (_outputs(rows, table) for table in tables)
        differing.append(rows[(one != two).any(axis=1)])
        count = sum(map(len, differing))
        if count >= ENOUGH or (count and turn >= TURNS and not short):
            break
    return np.concatenate(differing)


def _short_rows(width: int, span: int) -> Iterator[Ints]:
    """How far elements are below the highest one, in ascending order: all that there is."""
    for last in range(span + 1 if width > 1 else 0):
        size = width - 2
        between = np.indices((last + 1,) * size).reshape(size, (last + 1) ** size)
        between = between[:, (np.diff(between, axis=0) >= 0).all(axis=0)].T
        count = len(between)
        yield np.column_stack([np.zeros(count, np.int64), between, np.full(count, last)])


def _long_rows(width: int, span: int, table: Ints, rng: np.random.Generator) -> Iterator[Ints]:
    """The same of random rows, most of whose elements show; the others are as low as can be."""
    shown = int((table > table[0] >> SHOWN_BITS).sum())
    for _ in range(MOST_TURNS):
        count = max(1, NUMBERS_TRIED // width)
        reach = rng.integers(0, min(span, shown), (count, 1), endpoint=True)
        below = rng.integers(0, reach, (count, width), endpoint=True)
        kept = 2 * rng.random((count, 1))
        below = np.where(rng.random(below.shape) < kept, below, span)
        below[:, 0] = 0
        yield below


def _is_near_step(rows: Ints, tables: Sequence[Ints]) -> Mask:
    """Whether an element's share lies where the two models may round it to unlike numbers."""
    terms = tables[0].astype(np.float64)[rows.max(axis=1, keepdims=True) - rows]
    outputs = VALUES * terms / terms.sum(axis=1, keepdims=True)
    apart = np.abs(tables[0] - tables[1]).max() / tables[0][0]
    width = NEAR_STEP + VALUES * (1 + rows.shape[1]) * apart
    near: Mask = np.abs(outputs - np.floor(outputs) - HALF) <= width
    return np.array(near.any(axis=1))


def _outputs(rows: Ints, table: Ints) -> Ints:
    terms = table[rows.max(axis=1, keepdims=True) - rows]
    return shares(terms, divide_by_power_of_two(terms, SUM_BITS).sum(axis=1, keepdims=True))


def _beta(op: Op) -> tuple[Affine, float] | None:
    data, options = op.input(0), op.options
    if op.code is not OpCode.SOFTMAX or data is None or not isinstance(options, SoftmaxOptions):
        return None
    source = affine_of(data)
    known = data.dtype is DType.INT8 and op.output.dtype is DType.INT8 and data.shape
    if not known or source is None or not is_legal(source, options.beta):
        return None
    return source, options.beta


def unlike_sums(old: Op, new: Op) -> Ints | None:
    """Sums of as many elements as two MEAN or SUM add up that they map to unlike outputs."""
    results = []
    for op in (old, new):
        data = op.input(0)
        count = 0 if data is None or not op.output.elements else data.elements // op.output.elements
        source, target = affine_of(data), affine_of(op.output)
        function = {OpCode.MEAN: mean, OpCode.SUM: sum_of}.get(op.code)
        if function is None or source is None or target is None or data is None:
            return None
        if data.dtype is not DType.INT8 or not 0 < count * VALUES <= MOST_SUMS:
            return None
        sums = every_sum(count)
        results.append((count, sums, function(sums, count, source, target)))
    if results[0][0] != results[1][0]:
        return None
    return ints(results[1][1][results[0][2] != results[1][2]])


def with_sum(total: Ints, count: int) -> Ints:
    """As many numbers that add up to each total, as even as they can be; a row for each."""
    base = total // count
    return base[:, None] + (np.arange(count) < (total - base * count)[:, None])
