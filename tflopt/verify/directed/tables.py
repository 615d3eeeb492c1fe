"""Inputs of operators that work element by element, of SOFTMAX and of MEAN.

Elements take every value, for each element of a constant that they meet. Where two tensors meet, or
a whole row, values are looked for on which the two models' arithmetic differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tflopt.arith.affine import Affine, affine_of
from tflopt.arith.fixed_point import INT8_MIN, Ints, divide_by_power_of_two, ints
from tflopt.arith.reduction import every_sum, mean, sum_of
from tflopt.arith.softmax import LONGEST_ROW, SUM_BITS, exponentials, is_legal, shares, softmax
from tflopt.facts.operators import ELEMENTWISE
from tflopt.facts.tables import SUMS, fused_of, pair_table
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import SoftmaxOptions
from tflopt.verify.directed.sums import Index

VALUES = 256
PAIRED = SUMS | {OpCode.MUL}
ENOUGH, MOST_EQUAL, SHORT = 16, 12, 4
NUMBERS_TRIED, TURNS, MOST_TURNS = 1 << 17, 24, 128
MOST_SUMS = 1 << 18


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
    found, source = traced[data[0]], op.inputs[data[0]]
    assert source is not None
    if found is None or source.dtype is not DType.INT8 or not op.outputs:
        return None
    index, keys = found[1], np.zeros(source.shape, np.int64)
    constants = [value for value in op.inputs if value is not None and value.is_constant]
    shape = op.output.shape
    if constants and source.elements == op.output.elements:
        numbers = np.arange(constants[0].elements).reshape(constants[0].shape)
        keys = np.broadcast_to(numbers, shape).reshape(source.shape)
    _, keys = np.unique(keys.reshape(-1), return_inverse=True)
    inside = index.reshape(-1) >= 0
    _, keys = np.unique(keys.reshape(-1)[inside], return_inverse=True)
    return Sweep(found[0], index.reshape(-1)[inside], keys.reshape(-1))


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
    """Rows that two SOFTMAX map to unlike ones, with each element between its ``ends``."""
    numbers = [_beta(op) for op in (old, new)]
    if numbers[0] is None or numbers[1] is None:
        return None
    width = new.output.shape[-1]
    if old.output.shape[-1:] != (width,) or not 0 < width <= LONGEST_ROW:
        return None
    tables = [exponentials(source, beta) for source, beta in (numbers[0], numbers[1])]
    if np.array_equal(tables[0], tables[1]):
        return None
    found = [*_rows_of_three(tables, ends, width, rng)]
    for _ in range(0 if sum(map(len, found)) >= ENOUGH else TURNS):
        rows = rng.integers(*ends, (NUMBERS_TRIED // width, width), endpoint=True)
        few = rng.random(rows.shape) < rng.random((len(rows), 1))
        rows = np.where(few, rows, ends[0])
        one, two = (softmax(rows, source, beta) for source, beta in (numbers[0], numbers[1]))
        found.append(rows[(one != two).any(axis=1)])
        if sum(map(len, found)) >= ENOUGH:
            break
    return np.concatenate([np.empty((0, width), np.int64), *found])


def _rows_of_three(
    tables: Sequence[Ints], ends: tuple[Ints, Ints], width: int, rng: np.random.Generator
) -> Iterator[Ints]:
    """Unlike rows of one number that is the highest, two others, and one for the rest."""
    low, high = int(ends[0].max()), int(ends[1].min())
    left = ENOUGH if low < high else 0
    for (one, two), rest in _turns(width, (low, high), rng):
        if left <= 0:
            return
        many = one, two, width - 1 - one - two
        results = [_three_values(table[: high - low + 1], many, high - rest) for table in tables]
        unlike = np.argwhere((results[0] != results[1]).any(axis=0))
        below = unlike[rng.permutation(len(unlike))[:left]]
        left -= len(below)
        rows = np.full((len(below), width), rest, np.int64)
        rows[:, 0] = high
        rows[:, 1 : 1 + one] = high - below[:, :1]
        rows[:, 1 + one : 1 + one + two] = high - below[:, 1:]
        yield rows


def _turns(
    width: int, ends: tuple[int, int], rng: np.random.Generator
) -> Iterator[tuple[tuple[int, int], int]]:
    """How many elements have each of two numbers, and what the rest has: all that there is in rows
    of up to four elements.
    """
    low, high = ends
    if width <= SHORT:
        for rest in range(low, high + 1):
            yield (min(1, width - 1), min(1, max(0, width - 2))), rest
        return
    some = range(min(width, MOST_EQUAL + 1))
    counts = [(a, b) for a in some for b in some if a + b <= min(width - 1, MOST_EQUAL)]
    for turn in range(MOST_TURNS):
        rest = low if turn < len(counts) else int(rng.integers(low, high))
        yield counts[turn % len(counts)], rest


def _three_values(table: Ints, counts: tuple[int, int, int], rest: int) -> Ints:
    """The outputs of rows of the highest number, some elements that are one number below it, some
    that are another, and the others ``rest`` below it, for all pairs of these numbers.
    """
    first, second = table[:, None], table[None, :]
    highest, lowest = table[:1, None], table[rest : rest + 1, None]
    part = partial(divide_by_power_of_two, exponent=SUM_BITS)
    total = part(highest) + counts[0] * part(first) + counts[1] * part(second)
    total = total + counts[2] * part(lowest)
    every = [np.broadcast_to(each, total.shape) for each in (highest, first, second)]
    return np.stack([shares(ints(terms), ints(total)) for terms in every])


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
