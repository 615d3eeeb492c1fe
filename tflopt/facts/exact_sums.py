"""Weighted sums with a bias whose requantization gives a given output for every possible sum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tflopt.arith.accumulator import convolution_multiplier, requantize_accumulator
from tflopt.arith.affine import Affine
from tflopt.arith.binary import add
from tflopt.arith.fixed_point import (
    FRACTION_BITS,
    INT8_MAX,
    INT8_MIN,
    Ints,
    Singles,
    clamp,
    multiply,
)
from tflopt.arith.reduction import every_sum, mean, mean_multiplier

_FIRST = (1, 2, 4, 8, 16, 32, 64, 127)
WEIGHTS = (*_FIRST, *(weight for weight in range(3, 127) if weight not in _FIRST))
"""Tried in this order: powers of two and the largest are the likeliest."""
NEIGHBOURS = (0, 1, -1, 2, -2, 3, -3, 4, -4)
"""Float32 neighbours of the nominal weight scale."""
LEVELS = np.arange(INT8_MIN + 1, INT8_MAX + 1, dtype=np.int64)
AROUND = np.arange(-3, 4, dtype=np.int64)
SLACK = 4
"""Accumulators by which the least one that reaches a level differs from the real one, at most."""
MOST_SUMS = 1 << 20
FLOAT_ERROR = 2.0**-21
"""Of a product of three numbers in single precision, and then some."""
FLOAT_RATIOS = 1 / 256, 128
"""Between input and output scale XNNPACK takes these: a MEAN beyond them runs in integers."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WeightedSum:
    """A convolution whose weights are all ``weight`` with the scale ``scale``, and ``bias``.

    ``zero_point`` is that of its output.
    """

    weight: int
    scale: float
    bias: int
    zero_point: int


@dataclass(frozen=True)
class Reduction:
    """MEAN over ``count`` elements, by the parameters of its input and output."""

    count: int
    scale: float
    zero_point: int
    out_scale: float
    out_zero_point: int

    @property
    def source(self) -> Affine:
        """The input's parameters."""
        return Affine.make(self.scale, self.zero_point)

    def target(self, zero_point: int) -> Affine:
        """The output's scale with some zero point."""
        return Affine.make(self.out_scale, zero_point)

    @property
    def targets(self) -> Ints:
        """MEAN's output for every sum."""
        out = self.target(self.out_zero_point)
        return mean(every_sum(self.count), self.count, self.source, out)

    def output(self, form: WeightedSum) -> Ints:
        """The output of a weighted sum for every sum of the elements."""
        out = self.target(form.zero_point)
        multiplier, shift = convolution_multiplier(self.source, form.scale, out)
        sums = every_sum(self.count) - self.zero_point * self.count
        return requantize_accumulator(form.weight * sums + form.bias, multiplier, shift, out)

    def is_rounded_alike_in_floats(self, form: WeightedSum) -> bool:
        """Whether a runtime that requantizes in single precision gives the same for both.

        XNNPACK, LiteRT's default path, takes the nearest integer of the sum times one factor, which
        it multiplies up in any order. So no sum may lie within the errors of a half, unless both
        factors are powers of two, which have no errors, and the output's zero point is even: some
        kernels take the nearest even integer before they add it, some afterwards.
        """
        mine = mean_in_floats(self, form.zero_point)
        ratio = self.scale / self.out_scale
        if mine is None:
            return False
        factor = ratio * form.scale
        ends = (form.weight * mine.sums[mine.ends] + form.bias) * factor
        if not (clamp(np.rint(ends) + form.zero_point) == mine.stored[mine.ends]).all():
            return False
        if mine.is_exact and np.frexp(factor)[0] == 0.5:
            return True
        real = (form.weight * mine.sums + form.bias) * factor
        return mine.is_off_halves and is_off_halves(np.asarray(real[mine.inside], np.float64))


@dataclass(frozen=True, eq=False)
class InFloats:
    """MEAN in single precision: what of it is the same for all weighted sums.

    Args:
        stored: the output for every sum, which rises with it.
        ends: the first and the last sum of each output. A weighted sum with a positive weight rises
            too, so it is the same everywhere if it is the same there.
        inside: the sums whose output isn't far beyond the limits.
        is_exact: the factor has no errors, and the zero point is even.
    """

    sums: Ints
    stored: Ints
    ends: Ints
    inside: npt.NDArray[np.bool_]
    is_exact: bool
    is_off_halves: bool


@lru_cache(maxsize=2)
def mean_in_floats(reduction: Reduction, zero_point: int) -> InFloats | None:
    """None where XNNPACK runs a MEAN in integers, or no weighted sum can be rounded alike."""
    ratio = reduction.scale / reduction.out_scale
    if not FLOAT_RATIOS[0] <= ratio < FLOAT_RATIOS[1]:
        return None
    sums = every_sum(reduction.count) - reduction.zero_point * reduction.count
    real = sums * (ratio / reduction.count)
    stored = clamp(np.rint(real) + zero_point)
    steps = np.flatnonzero(np.diff(stored))
    inside = np.abs(real + zero_point) < INT8_MAX + 2
    exact = bool(np.frexp(ratio / reduction.count)[0] == 0.5) and zero_point % 2 == 0
    off_halves = is_off_halves(real[inside])
    if not (exact or off_halves):
        return None
    ends = np.concatenate([[0, sums.size - 1], steps, steps + 1])
    return InFloats(sums, stored, ends, inside, exact, off_halves)


def is_off_halves(real: Floats) -> bool:
    """Whether single precision can't take any of these to the other side of a half."""
    away = np.abs(real - np.floor(real) - 0.5)
    return bool((away > FLOAT_ERROR * (np.abs(real) + 1)).all())


@lru_cache(maxsize=256)
def as_one_sum(reduction: Reduction, in_floats: bool = False) -> WeightedSum | None:
    """One weighted sum that equals MEAN for every sum of its elements.

    With ``in_floats`` one that is also rounded alike in single precision.
    """
    if 255 * reduction.count > MOST_SUMS:
        return None
    targets = reduction.targets
    form = _search(reduction, targets, reduction.out_zero_point, in_floats)
    return form if form is not None and (reduction.output(form) == targets).all() else None


@lru_cache(maxsize=256)
def as_two_sums(
    reduction: Reduction, in_floats: bool = False
) -> tuple[WeightedSum, WeightedSum] | None:
    """Two weighted sums whose ADD equals MEAN: one saturates below zero, the other above.

    MEAN rounds alike on both sides of zero, with a multiplier that may have fewer bits than a
    convolution's; then each side needs a bias of its own.
    """
    if 255 * reduction.count > MOST_SUMS:
        return None
    multiplier, shift = mean_multiplier(
        reduction.count, reduction.source, reduction.target(reduction.out_zero_point)
    )
    sums = every_sum(reduction.count) - reduction.zero_point * reduction.count
    scaled = multiply(sums, multiplier, shift)
    above = _search(reduction, clamp(np.maximum(scaled, 0) + INT8_MIN), INT8_MIN, in_floats)
    if above is None:
        return None
    below = _search(reduction, clamp(np.minimum(scaled, 0) + INT8_MAX), INT8_MAX, in_floats)
    if below is None or not (_added(reduction, above, below) == reduction.targets).all():
        return None
    return above, below


def _added(reduction: Reduction, above: WeightedSum, below: WeightedSum) -> Ints:
    one, two = (reduction.target(form.zero_point) for form in (above, below))
    out = reduction.target(reduction.out_zero_point)
    return add(reduction.output(above), reduction.output(below), one, two, out)


def _search(
    reduction: Reduction, targets: Ints, zero_point: int, in_floats: bool
) -> WeightedSum | None:
    """The first weight, scale and bias that give ``targets``, which rises with the sum."""
    if in_floats and mean_in_floats(reduction, zero_point) is None:
        return None
    out = reduction.target(zero_point)
    sums = every_sum(reduction.count) - reduction.zero_point * reduction.count
    first = np.searchsorted(targets, LEVELS, side="left")
    for weight in WEIGHTS:
        scales = neighbours(np.float32(1 / (reduction.count * weight)))
        multipliers, shifts = convolution_multiplier(reduction.source, scales, out)
        hopeful = _hopeful(LEVELS - zero_point, weight * sums, first, multipliers, shifts)
        for place in np.flatnonzero(hopeful):
            scale, multiplier, shift = scales[place], multipliers[place], shifts[place]
            least = least_accumulators(LEVELS - zero_point, multiplier, shift)
            bias = None if least is None else bias_between(weight * sums, first, least)
            if bias is None:
                continue
            form = WeightedSum(weight, float(scale), bias, zero_point)
            if not in_floats or reduction.is_rounded_alike_in_floats(form):
                return form
    return None


def _hopeful(
    levels: Ints, accumulators: Ints, first: Ints, multipliers: Ints, shifts: Ints
) -> npt.NDArray[np.bool_]:
    """For each of several multipliers whether a bias may give each level at its first accumulator.

    The ends of the accumulators that reach a level are taken a little wider than they are, so that
    nothing is left out that :func:`least_accumulators` and :func:`bias_between` find.
    """
    usable = (multipliers != 0) & (shifts <= 0)
    factors = 2.0 ** (FRACTION_BITS - shifts) / np.where(usable, multipliers, 1)
    real = (levels - 0.5) * factors[:, None]
    reached, crossed = first < accumulators.size, first > 0
    low = real - accumulators[first * reached]
    high = real - accumulators[(first - 1) * crossed]
    lowest = np.max(low, axis=1, where=reached, initial=-np.inf)
    highest = np.min(high, axis=1, where=crossed, initial=np.inf)
    return np.asarray(usable & (lowest <= highest + 2 * SLACK))


@lru_cache(maxsize=512)
def neighbours(scale: np.float32) -> Singles:
    """A float32 number and those around it, in the order of :data:`NEIGHBOURS`."""
    return np.array([neighbour(scale, steps) for steps in NEIGHBOURS], dtype=np.float32)


def neighbour(scale: np.float32, steps: int) -> np.float32:
    """The float32 number so many steps above, or below."""
    towards = np.float32(np.inf if steps > 0 else 0)
    for _ in range(abs(steps)):
        scale = np.nextafter(scale, towards)
    return scale


def least_accumulators(levels: Ints, multiplier: Ints, shift: Ints) -> Ints | None:
    """The least accumulator that reaches each level; None where it isn't near the real one.

    Two roundings move it by less than two.
    """
    real = (levels - 0.5) * 2.0 ** (FRACTION_BITS - int(shift)) / float(multiplier)
    near = np.ceil(real).astype(np.int64)[:, None] + AROUND
    reached = multiply(near, multiplier, shift) >= levels[:, None]
    if reached[:, 0].any() or not reached[:, -1].all():
        return None
    return np.asarray(near[np.arange(levels.size), reached.argmax(axis=1)])


def bias_between(accumulators: Ints, first: Ints, least: Ints) -> int | None:
    """A bias with which each level is reached at its first accumulator, and not before it."""
    reached, crossed = first < accumulators.size, first > 0
    lowest = np.max((least - accumulators[first * reached])[reached], initial=-(1 << 30))
    before = accumulators[(first - 1) * crossed]
    highest = np.min((least - before - 1)[crossed], initial=1 << 30)
    if lowest > highest:
        return None
    return int(np.clip(0, lowest, highest))
