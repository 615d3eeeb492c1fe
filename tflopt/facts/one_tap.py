"""A weight, its scale and a bias with which a convolution of one tap is a given map of int8."""

from __future__ import annotations

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
    targets = np.frombuffer(numbers, dtype=np.int64)
    sign = -1 if factor < 0 else 1
    places = EVERY_INT8 - frame.zero_point
    if factor == 0:
        return None
    if sign < 0:
        places, targets = places[::-1], targets[::-1]
    low, high = activation_range(frame.fused, frame.target)
    levels = np.arange(int(low) + 1, int(high) + 1, dtype=np.int64)
    if not levels.size or (np.diff(targets) < 0).any():
        return None
    first = np.searchsorted(targets, levels, side="left")
    middle = _middle(abs(factor), places, first, frame)
    for slope, neighbours in ((abs(factor), NEIGHBOURS), (middle, (0,))):
        for weight, steps in product(WEIGHTS, neighbours):
            scale = float(neighbour(np.float32(slope / weight), steps))
            least = _least(scale, frame)
            bias = None if least is None else bias_between(sign * weight * places, first, least)
            if bias is None:
                continue
            tap = Tap(sign * weight, scale, bias)
            results = frame.results(tap)
            if np.array_equal(results[::sign], targets):
                return tap
    return None


def _middle(slope: float, places: Ints, first: Ints, frame: Frame) -> float:
    """The factor near ``slope`` that leaves a bias, in real numbers, most room.

    A bias is an integer, and what lies between the bounds that the levels set for it may be less
    than one step at the nominal factor. The room is concave in the factor.
    """
    low, high = activation_range(frame.fused, frame.target)
    halves = np.arange(int(low) + 1, int(high) + 1) - 0.5 - frame.out_zero_point
    ratio = frame.scale / frame.out_scale
    rising = np.abs(places - places[0]).astype(np.float64)
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
