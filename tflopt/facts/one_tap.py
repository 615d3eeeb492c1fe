"""A weight, its scale and a bias with which a convolution of one tap is a given map of int8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from tflopt.arith.accumulator import convolution_multiplier, requantize_accumulator
from tflopt.arith.affine import Affine, activation_range
from tflopt.arith.fixed_point import INT8_MAX, Ints
from tflopt.facts.exact_sums import WEIGHTS, bias_between, least_accumulators, neighbour
from tflopt.facts.tables import EVERY_INT8
from tflopt.ir import Activation

NEIGHBOURS = (0, 1, -1)
"""Float32 neighbours of the nominal weight scale."""
SPREAD, STEPS = 0.01, 40
"""How far from the nominal factor others are tried, as a part of it, and how often that narrows."""


@dataclass(frozen=True)
class Tap:
    """The weight of one channel, its scale, and the bias."""

    weight: int
    scale: float
    bias: int


@dataclass(frozen=True)
class Frame:
    """Between which tensors the map lies: their scales and zero points, and what is fused."""

    scale: float
    zero_point: int
    out_scale: float
    out_zero_point: int
    fused: Activation

    @property
    def source(self) -> Affine:
        """The parameters of the input."""
        return Affine.make(self.scale, self.zero_point)

    @property
    def target(self) -> Affine:
        """The parameters of the output."""
        return Affine.make(self.out_scale, self.out_zero_point)

    def results(self, tap: Tap) -> Ints:
        """What the convolution gives for each int8 value."""
        multiplier, shift = convolution_multiplier(self.source, tap.scale, self.target)
        sums = tap.weight * (EVERY_INT8 - self.zero_point) + tap.bias
        return requantize_accumulator(sums, multiplier, shift, self.target, self.fused)


def as_product(number: int, scale: float, targets: Ints, frame: Frame) -> Tap | None:
    """The factor itself as the weight, where it fits and gives ``targets``."""
    tap = Tap(number, scale, 0)
    fits = abs(number) <= INT8_MAX
    return tap if fits and np.array_equal(frame.results(tap), targets) else None


def one_tap(factor: float, targets: Ints, frame: Frame) -> Tap | None:
    """A weight, scale and bias near ``factor`` that give ``targets`` for all 256 values.

    Args:
        factor: by which the map multiplies what the input stands for.
        targets: shaped (256,), rising or falling as ``factor`` says.
    """
    return _searched(factor, np.asarray(targets, dtype=np.int64).tobytes(), frame)


@lru_cache(maxsize=4096)
def _searched(factor: float, numbers: bytes, frame: Frame) -> Tap | None:
    """Remembered, as rules look at an operator again and again."""
    rise = _rise(factor < 0, numbers, frame)
    if factor == 0 or rise is None:
        return None
    for slope, neighbours in ((abs(factor), NEIGHBOURS), (_middle(abs(factor), rise, frame), (0,))):
        for weight, steps in product(WEIGHTS, neighbours):
            tap = rise.tap(weight, float(neighbour(np.float32(slope / weight), steps)), frame)
            if tap is not None:
                return tap
    return None


def taps_of_one_scale(
    numbers: Sequence[int], factor: float, maps: Sequence[Ints], frame: Frame
) -> tuple[Tap, ...] | None:
    """Taps of one scale that give the maps, None where none near ``factor`` serves them all.

    A scale for each channel takes 12 bytes of the file with its zero point. A bias is an integer,
    so the more channels there are, and the more a step of the weights is of one of the output, the
    fewer scales leave each of them one.

    Args:
        numbers: for each map, how many times ``factor`` it multiplies what the input stands for;
            weights are in proportion to them.
        maps: each shaped (256,), rising or falling as its number says.
    """
    tables = tuple(np.asarray(targets, dtype=np.int64).tobytes() for targets in maps)
    return _of_one_scale(tuple(numbers), factor, tables, frame)


@lru_cache(maxsize=256)
def _of_one_scale(
    numbers: tuple[int, ...], factor: float, maps: tuple[bytes, ...], frame: Frame
) -> tuple[Tap, ...] | None:
    pairs = list(zip(numbers, maps, strict=True))
    rises = [_rise(number < 0, targets, frame) for number, targets in pairs]
    sizes, known = [abs(number) for number in numbers], [rise for rise in rises if rise is not None]
    if len(known) < len(rises) or not any(sizes):
        return None
    largest = max(sizes)
    for slope, neighbours in _slopes(sizes, factor, known, frame):
        for most, steps in product(sorted(WEIGHTS, key=lambda m: m % largest != 0), neighbours):
            scale = float(neighbour(np.float32(slope * largest / most), steps))
            weights = [round(size * most / largest) for size in sizes]
            taps = _all_taps(known, weights, scale, frame)
            if taps is not None:
                return taps
    return None


def _slopes(
    sizes: Sequence[int], factor: float, rises: Sequence[_Rise], frame: Frame
) -> Iterator[tuple[float, tuple[int, ...]]]:
    """The nominal factor, then the mean of those that leave each bias most room."""
    yield factor, NEIGHBOURS
    middles = [
        _middle(size * factor, rise, frame) / size
        for size, rise in zip(sizes, rises, strict=True)
        if size
    ]
    yield sum(middles) / len(middles), (0,)


def _all_taps(
    rises: Sequence[_Rise], weights: Sequence[int], scale: float, frame: Frame
) -> tuple[Tap, ...] | None:
    taps = list[Tap]()
    for rise, weight in zip(rises, weights, strict=True):
        tap = rise.tap(weight, scale, frame)
        if tap is None:
            return None
        taps.append(tap)
    return tuple(taps)


@dataclass(frozen=True, eq=False)
class _Rise:
    """A map in the order in which it rises.

    Args:
        sign: of the weight.
        places: the inputs, less their zero point.
        first: for each value of the output but the lowest, the first place that reaches it.
    """

    sign: int
    places: Ints
    targets: Ints
    first: Ints

    def tap(self, weight: int, scale: float, frame: Frame) -> Tap | None:
        """With the bias that gives the map, None where there is none."""
        least = _least(scale, frame)
        rising = self.sign * weight * self.places
        bias = None if least is None else bias_between(rising, self.first, least)
        if bias is None:
            return None
        tap = Tap(self.sign * weight, scale, bias)
        return tap if np.array_equal(frame.results(tap)[:: self.sign], self.targets) else None


def _rise(falls: bool, numbers: bytes, frame: Frame) -> _Rise | None:
    """None of a map that doesn't rise, or fall."""
    targets = np.frombuffer(numbers, dtype=np.int64)
    sign, places = -1 if falls else 1, EVERY_INT8 - frame.zero_point
    low, high = activation_range(frame.fused, frame.target)
    levels = np.arange(int(low) + 1, int(high) + 1, dtype=np.int64)
    if not levels.size or (np.diff(targets[::sign]) < 0).any():
        return None
    first = np.searchsorted(targets[::sign], levels, side="left")
    return _Rise(sign, places[::sign], targets[::sign], first)


def _middle(slope: float, rise: _Rise, frame: Frame) -> float:
    """The factor near ``slope`` that leaves a bias, in real numbers, most room.

    A bias is an integer, and what lies between the bounds that the levels set for it may be less
    than one step at the nominal factor. The room is concave in the factor.
    """
    low, high = activation_range(frame.fused, frame.target)
    halves = np.arange(int(low) + 1, int(high) + 1) - 0.5 - frame.out_zero_point
    ratio = frame.scale / frame.out_scale
    first, rising = rise.first, np.abs(rise.places - rise.places[0]).astype(np.float64)
    reached, crossed = first < rising.size, first > 0
    ends, before = rising[first[reached]], rising[first[crossed] - 1]
    if not ends.size or not before.size:
        return slope

    def room(factor: float) -> float:
        least = np.max(halves[reached] - factor * ratio * ends)
        return float(np.min(halves[crossed] - factor * ratio * before) - least)

    left, right = slope * (1 - SPREAD), slope * (1 + SPREAD)
    for _ in range(STEPS):
        third = (right - left) / 3
        if room(left + third) < room(right - third):
            left += third
        else:
            right -= third
    return (left + right) / 2


@lru_cache(maxsize=1024)
def _least(scale: float, frame: Frame) -> Ints | None:
    """The least accumulator for each value of the output but the lowest."""
    multiplier, shift = convolution_multiplier(frame.source, scale, frame.target)
    if not multiplier or shift > 0:
        return None
    low, high = activation_range(frame.fused, frame.target)
    levels = np.arange(int(low) + 1, int(high) + 1, dtype=np.int64)
    return least_accumulators(levels - frame.out_zero_point, multiplier, shift)
