"""What each region is fed with: numbers within the ranges of its tensors, and directed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tflopt.arith.fixed_point import Ints, ints
from tflopt.facts.operators import ELEMENTWISE, Trait, facts_of
from tflopt.facts.work import macs
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ranges import Ranges
from tflopt.run.samples import Sample
from tflopt.verify.directed.edges import Mask, bounds_at, limits_of, solve, targets_of
from tflopt.verify.directed.regions import INJECTED, Region
from tflopt.verify.directed.sums import PADDING, Index, Sums, sums_of, traced
from tflopt.verify.directed.tables import (
    Sweep,
    sweep_of,
    unlike_pairs,
    unlike_rows,
    unlike_sums,
    with_sum,
)

RUNS = 4
"""Invocations of all regions side by side; what takes more inputs stands there several times."""
SMALL, SMALL_FEEDS = 1 << 16, 16
"""Work of a region up to which it gets more random inputs."""
MOST_FEEDS = 1 << 12
"""Of all regions together, but for a few of each: TFLM's planner takes the square of its tensors'
number."""
MOST_NUMBERS = 1 << 22
"""Of all inputs of a region."""
EACH_CHANNEL = 16
"""Sums beside steps for each output channel that isn't the same in both models, at most."""
NEAR = 24


@dataclass(eq=False)
class Feeds:
    """Inputs of a region: for each leaf a row of stored numbers for each time it is fed."""

    region: Region
    rows: list[Array]
    copies: int
    bounds: list[tuple[Ints, Ints] | None]

    @property
    def count(self) -> int:
        """How often it is fed."""
        return self.copies * RUNS

    def with_other_dropped(self, rng: np.random.Generator) -> Feeds | None:
        """The same with other numbers in what the optimized model doesn't have of the leaves; None
        where it has all that can vary.
        """
        rows, changed = [row.copy() for row in self.rows], False
        for leaf, row, ends in zip(self.region.leaves, rows, self.bounds, strict=True):
            cuts = [cut for cut in self.region.cuts if cut.original is leaf]
            kept = [cut.moved(np.arange(leaf.elements)).reshape(-1) for cut in cuts]
            dropped = np.setdiff1d(np.arange(leaf.elements), np.concatenate(kept))
            if ends is None or not dropped.size:
                continue
            low, high = (end[dropped] for end in ends)
            row[:, dropped] = rng.integers(low, high, (len(row), dropped.size), endpoint=True)
            changed |= bool((low < high).any())
        return Feeds(self.region, rows, self.copies, self.bounds) if changed else None


def work_of(ops: Sequence[Op]) -> int:
    """What an invocation takes, in multiply-accumulates, roughly."""
    return sum(macs(op) + 4 * sum(value.elements for value in op.outputs) for op in ops)


@dataclass(frozen=True, eq=False)
class Source:
    """What inputs are made of.

    Attributes:
        ranges: of the original's main graph: rules may rely on them, so inputs keep to them.
        samples: of the original model, for inputs that aren't integers.
        work: what running the inputs of one region may take, on both sides.
        most: how many inputs one region may have.
    """

    ranges: Ranges
    samples: Sequence[Sample]
    rng: np.random.Generator
    work: int
    most: int = MOST_FEEDS


def feeds_of(region: Region, source: Source) -> Feeds:
    """Inputs for one region, a few at least."""
    maker = _Maker(region, source.ranges, source.samples, source.rng)
    size = max(1, sum(leaf.elements for leaf in region.leaves))
    cost = max(1, work_of(region.ops[0]) + work_of(region.ops[1]))
    most = max(RUNS, min(source.most, source.work // cost, MOST_NUMBERS // size))
    needed = max(SMALL_FEEDS if cost < SMALL else RUNS, maker.feed_count(most))
    copies = max(1, min(most, needed) // RUNS)
    maker.fill(copies * RUNS)
    return Feeds(region, maker.rows, copies, maker.bounds)


def feeds_onward(feeds: Feeds, region: Region, source: Source) -> Feeds:
    """The same inputs for a region that reads these leaves, and perhaps others."""
    maker = _Maker(region, source.ranges, source.samples, source.rng)
    maker.fill(feeds.count)
    known = dict(zip(feeds.region.leaves, feeds.rows, strict=True))
    pairs = zip(region.leaves, maker.rows, strict=True)
    rows = [known.get(leaf, row) for leaf, row in pairs]
    return Feeds(region, rows, feeds.copies, maker.bounds)


@dataclass(eq=False)
class _Maker:
    region: Region
    ranges: Ranges
    samples: Sequence[Sample]
    rng: np.random.Generator
    rows: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place = {leaf: number for number, leaf in enumerate(self.region.leaves)}
        self.bounds = [self._bounds(leaf) for leaf in self.region.leaves]
        self.leaves: dict[Value, Index] = {}
        self.names: dict[Value, Value] = {}
        for cut in self.region.cuts:
            self.leaves[cut.optimized] = ints(cut.moved(np.arange(cut.original.elements)))
            self.names[cut.optimized] = cut.original
        before = [old_sums for op in self.region.ops[0] if (old_sums := sums_of(op)) is not None]
        self.like = before[0] if len(before) == 1 else None
        self.layers = self._layers({key for sums in before for key in sums.keys})
        self.sweeps = [sweep for op in self.region.ops[1] for sweep in self._sweep(op)]
        for sums, leaf, index, _ in self.layers:
            if sums.taps.shape[1] == 1:  # few sums: all of them
                inside = index[index >= 0]
                self.sweeps.append(Sweep(leaf, inside, np.arange(inside.size) % sums.groups))

    def _bounds(self, leaf: Value) -> tuple[Ints, Ints] | None:
        interval = self.ranges.of(leaf)
        if leaf.dtype not in INJECTED:
            return None
        if interval is None or len(interval.shape) != len(leaf.shape):
            ends = (0, 1) if leaf.dtype is DType.BOOL else _type_ends(leaf)
            return np.full(leaf.elements, ends[0]), np.full(leaf.elements, ends[1])
        low, high = (
            np.broadcast_to(e, leaf.shape).reshape(-1) for e in (interval.low, interval.high)
        )
        return low, np.maximum(low, high)

    def _layers(self, known: set[bytes]) -> list[tuple[Sums, Value, Index, Index]]:
        """Layers that read a leaf, and their channels that the original doesn't have."""
        layers = []
        for op in self.region.ops[1]:
            sums = sums_of(op)
            source = None if sums is None else traced(sums.data, self.leaves)
            if sums is None or source is None or self._is_open(source[0]):
                continue
            channels = np.flatnonzero([key not in known for key in sums.keys])
            if channels.size:
                layers.append((sums, self.names[source[0]], source[1].reshape(-1), channels))
        return layers

    def _is_open(self, cut: Value) -> bool:
        return self.bounds[self.place[self.names[cut]]] is None

    def _sweep(self, op: Op) -> list[Sweep]:
        if op.code not in ELEMENTWISE:
            return []
        sources = [
            None if v is None or v.is_constant else traced(v, self.leaves) for v in op.inputs
        ]
        sweep = sweep_of(op, sources)
        if sweep is None or self._is_open(sweep.leaf):
            return []
        return [Sweep(self.names[sweep.leaf], sweep.elements, sweep.keys)]

    def feed_count(self, most: int) -> int:
        """How many inputs would do."""
        counts = [sweep.turns for sweep in self.sweeps]
        for sums, _, _, channels in self.layers:
            jobs = (
                int(np.bincount(sums.channels[channels, 0]).max())
                if sums.groups > 1
                else len(channels)
            )
            counts.append(-(-jobs * EACH_CHANNEL // max(1, len(sums.slots()))))
        return -(-min(max(counts, default=0), most) // RUNS) * RUNS

    def fill(self, count: int) -> None:
        """Make ``count`` inputs."""
        self.rows = [self._random(leaf, count) for leaf in self.region.leaves]
        for sweep in self.sweeps:
            self._run_through(sweep, count)
        self._unlike(count)
        for sums, leaf, index, channels in self.layers:
            self._drive(sums, leaf, index, channels, count)

    def _random(self, leaf: Value, count: int) -> Array:
        ends, dtype = self.bounds[self.place[leaf]], leaf.dtype.numpy
        assert dtype is not None
        if ends is None:
            return self._of_samples(leaf, count)
        zero = 0
        if leaf.quant is not None and leaf.quant.is_set and leaf.quant.zero_point is not None:
            zero = int(leaf.quant.zero_point[0])
        rows = np.empty((count, leaf.elements), dtype)
        for number in range(count):
            rows[number] = self._draw(number, leaf, ends, zero)
        return rows

    def _draw(self, number: int, leaf: Value, ends: tuple[Ints, Ints], zero: int) -> Ints:
        low, high = ends
        if number % 4 == 1:
            near = zero + self.rng.integers(-NEAR, NEAR, low.shape, endpoint=True)
            return np.clip(near, low, high)
        wide = self.rng.integers(low, high, endpoint=True)
        if number % 4 == 2:
            return np.where(self._stripes(leaf.shape), low, high)
        if number % 4 == 3:
            narrow = np.clip(np.full(low.shape, zero), low, high)
            return np.where(self.rng.random(low.shape) < 0.2, wide, narrow)
        return ints(wide)

    def _stripes(self, shape: tuple[int, ...]) -> Mask:
        """Alike along all axes but one."""
        axis = int(self.rng.choice([n for n, size in enumerate(shape) if size > 1] or [-1]))
        if axis < 0:
            return np.array(self.rng.random(int(np.prod(shape))) < 0.5)
        along = np.expand_dims(
            self.rng.random(shape[axis]) < 0.5, [n for n in range(len(shape)) if n != axis]
        )
        return np.broadcast_to(along, shape).reshape(-1)

    def _of_samples(self, leaf: Value, count: int) -> Array:
        number = list(leaf.graph.inputs).index(leaf)
        return np.stack(
            [self.samples[n % len(self.samples)][number].reshape(-1) for n in range(count)]
        )

    def _run_through(self, sweep: Sweep, count: int) -> None:
        """All values, or all that the range has."""
        turns = min(count, sweep.turns)
        ends = self.bounds[self.place[sweep.leaf]]
        assert ends is not None
        low, high = (end[sweep.elements] for end in ends)
        values = low + sweep.values(turns) % (high - low + 1)
        self.rows[self.place[sweep.leaf]][:turns, sweep.elements] = values

    def _drive(self, sums: Sums, leaf: Value, index: Index, channels: Index, count: int) -> None:
        """Put inputs beside steps of each of these channels, at places that share no element."""
        low, high = self.bounds[self.place[leaf]] or (None, None)
        assert low is not None
        assert high is not None
        slots, zero = sums.slots(), int(sums.source.zero_point)
        middle = slots[np.argmax((slots != PADDING).sum(axis=1))]
        elements = _through(index, sums.elements(middle, channels))
        limits = limits_of(sums.taps[channels], bounds_at(low, high, elements, zero))
        group = sums.channels[:, 0]
        fullest = int(np.bincount(group[channels]).max())
        per_channel = max(1, min(EACH_CHANNEL, len(slots) * count // max(1, fullest)))
        jobs = targets_of(sums, channels, per_channel, limits, self.like)
        turn = _numbered(group[jobs.channels], self.rng)
        fits = turn < len(slots) * count
        turn, channel, totals = turn[fits], jobs.channels[fits], jobs.totals[fits]
        read = _through(index, sums.elements(slots[turn % len(slots)], channel))
        taps = np.where(read == PADDING, 0, sums.taps[channel])
        numbers, done = solve(taps, totals, bounds_at(low, high, read, zero), self.rng)
        usable = (read != PADDING) & done[:, None]
        rows = np.broadcast_to((turn // len(slots))[:, None], read.shape)
        self.rows[self.place[leaf]][rows[usable], read[usable]] = (numbers + zero)[usable]

    def _unlike(self, count: int) -> None:
        """Numbers on which the arithmetic of single operators differs."""
        old, new = self.region.ops
        if len(old) != 1 or len(new) != 1:
            return
        if new[0].code is OpCode.SOFTMAX:
            self._put_rows(old[0], new[0], count)
        elif Trait.ACCUMULATES in facts_of(new[0]).traits:
            self._put_sums(new[0], unlike_sums(old[0], new[0]), count)
        else:
            self._put_pairs(new[0], unlike_pairs(old[0], new[0]), count)

    def _target(self, value: Value | None) -> tuple[Array, Index, tuple[Ints, Ints]] | None:
        source = None if value is None else traced(value, self.leaves)
        if source is None or self._is_open(source[0]) or (source[1] < 0).any():
            return None
        place = self.place[self.names[source[0]]]
        ends = self.bounds[place]
        return None if ends is None else (self.rows[place], source[1].reshape(-1), ends)

    def _put_rows(self, old: Op, new: Op, count: int) -> None:
        target = self._target(new.input(0))
        if target is None or not new.output.shape:
            return
        numbers, index, (low, high) = target
        blocks = index.reshape(-1, new.output.shape[-1])
        rows = unlike_rows(old, new, (low[blocks[0]], high[blocks[0]]), self.rng)
        if rows is None or not len(rows):
            return
        for block in blocks:
            fits = ((rows >= low[block]) & (rows <= high[block])).all(axis=1)
            chosen = rows[fits][:: max(1, int(fits.sum()) // count)][:count]
            numbers[: len(chosen), block] = chosen

    def _put_pairs(self, op: Op, pairs: Ints | None, count: int) -> None:
        sides = [self._target(value) for value in op.inputs[:2]]
        one, two = sides[0] if sides else None, sides[1] if len(sides) > 1 else None
        if pairs is None or not len(pairs) or one is None or two is None:
            return
        if one[1].size != two[1].size:
            return
        total = count * one[1].size
        chosen = pairs[self.rng.integers(len(pairs), size=total)].reshape(count, -1, 2)
        for side, (numbers, index, (low, high)) in enumerate((one, two)):
            numbers[:, index] = np.clip(chosen[:, :, side], low[index], high[index])

    def _put_sums(self, op: Op, sums: Ints | None, count: int) -> None:
        target, axes = self._target(op.input(0)), op.input(1)
        control = None if axes is None else axes.ints()
        data = op.input(0)
        if target is None or sums is None or not len(sums) or control is None or data is None:
            return
        numbers, index, (low, high) = target
        kept = [
            axis
            for axis in range(len(data.shape))
            if axis not in {a % len(data.shape) for a in control}
        ]
        order = [*kept, *(axis for axis in range(len(data.shape)) if axis not in kept)]
        rows = index.reshape(data.shape).transpose(order).reshape(op.output.elements, -1)
        for number in range(count):
            chosen = with_sum(self.rng.choice(sums, len(rows)), rows.shape[1])
            fits = ((chosen >= low[rows]) & (chosen <= high[rows])).all(axis=1)
            numbers[number, rows[fits]] = chosen[fits]


def _type_ends(leaf: Value) -> tuple[int, int]:
    assert leaf.dtype.numpy is not None
    limits = np.iinfo(leaf.dtype.numpy.name)
    return int(limits.min), int(limits.max)


def _through(index: Index, elements: Index) -> Index:
    """Elements of a leaf, for those of a tensor that has them in other places."""
    return np.where(elements == PADDING, PADDING, index[np.maximum(elements, 0)])


def _numbered(groups: Index, rng: np.random.Generator) -> Index:
    """For each item a number within its group."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    numbers = np.empty_like(order)
    numbers[order] = np.arange(len(order)) - starts[groups[order]]
    return numbers
