"""Inputs whose sums lie beside a step of the requantization, one step of the sum from it.

Between two steps nothing changes: a bias that is off by one, or a multiplier in its last place,
shows only where a sum lies right beside a step. A random input meets one in a few hundred times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflopt.arith.fixed_point import Ints, Reals, ints, multiply
from tflopt.verify.directed.sums import PADDING, Index, Sums

Mask = npt.NDArray[np.bool_]
HALF = 0.5
NEAR = np.arange(-2, 4)
"""Integers around the real step that are tried: two roundings move it by less than that."""
TRIES = 24
PIECE = 1 << 21
"""Numbers of one array while inputs are sought."""
REST = 256


@dataclass(frozen=True, eq=False)
class Targets:
    """Sums to be met: for each a channel, and the sum without the bias."""

    channels: Index
    totals: Ints


def targets_of(
    sums: Sums, picked: Index, per_channel: int, limits: tuple[Ints, Ints], like: Sums | None = None
) -> Targets:
    """For each picked channel up to ``each`` sums right beside steps, on both sides of them.

    First come those for which the layer that it is held against gives another number, then those
    that move over their step when the multiplier changes least, in turn for a smaller and for a
    larger one.

    Args:
        limits: the least and the largest sum, without the bias, of each picked channel.
        like: the layer of the original, if it has as many channels.
    """
    steps, real = _steps(sums, picked)
    bias, (low, high) = sums.bias[picked][:, None], limits
    with np.errstate(divide="ignore", invalid="ignore"):
        above, below = (steps - real) / np.abs(real), (real - steps + 1) / np.abs(real)
    families = []
    for score, sum_of in ((above, steps - bias), (below, steps - bias - 1)):
        reachable = (sum_of >= low[:, None]) & (sum_of <= high[:, None])
        for sign in (1, -1):
            usable = reachable & (real * sign > 0) & np.isfinite(score)
            families.append((np.where(usable, score, np.inf), sum_of))
    turns = [families[number] for number in (0, 2, 1, 3)]
    if like is not None and _comparable(sums, like):
        there = _steps(like, picked)[0] - like.bias[picked][:, None]
        sum_of = np.minimum(there, steps - bias)
        apart = (there != steps - bias) & np.isfinite(real)
        apart &= (sum_of >= low[:, None]) & (sum_of <= high[:, None])
        turns.insert(0, (np.where(apart, np.abs(real), np.inf), sum_of))
    count = -(-per_channel // len(turns))
    best = [_best(score, totals, count) for score, totals in turns]
    depth = best[0][0].shape[1]
    scores, totals = (
        np.stack([part[n] for part in best], axis=2).reshape(len(picked), len(best) * depth)
        for n in (0, 1)
    )
    fine = np.isfinite(scores)
    fine &= np.cumsum(fine, axis=1) <= per_channel
    return Targets(np.broadcast_to(picked[:, None], fine.shape)[fine], ints(totals[fine]))


def _comparable(one: Sums, two: Sums) -> bool:
    numbers = [
        (int(s.source.zero_point), int(s.target.zero_point), s.low, s.high) for s in (one, two)
    ]
    return numbers[0] == numbers[1] and len(one.taps) == len(two.taps)


def _best(score: Reals, totals: Ints, count: int) -> tuple[Reals, Ints]:
    order = np.argsort(score, axis=1)[:, :count]
    return np.take_along_axis(score, order, 1), np.take_along_axis(totals, order, 1)


def _steps(sums: Sums, picked: Index) -> tuple[Ints, Reals]:
    """For each channel and each output above the lowest: the least sum that gives it, and where
    the step lies in real numbers.
    """
    outputs = np.arange(sums.low + 1, sums.high + 1) - int(sums.target.zero_point)
    multiplier, shift = (numbers[picked][:, None] for numbers in (sums.multiplier, sums.shift))
    right, left = np.maximum(-shift, 0), np.maximum(shift, 0)
    between = (outputs - HALF) * np.exp2(right)  # of what the first rounding gives
    between = between - np.where(right > 0, HALF * np.sign(outputs - HALF), 0.0)
    with np.errstate(divide="ignore", over="ignore"):
        real = between * 2.0**31 / (multiplier * np.exp2(left))
    real = np.clip(real, -(2.0**31), 2.0**31 - 1)
    tried = ints(np.floor(real))[:, :, None] + NEAR
    given = multiply(tried, multiplier[:, :, None], shift[:, :, None])
    reaches = given >= outputs[None, :, None]
    first = np.argmax(reaches, axis=2)
    known = reaches.any(axis=2) & (first > 0)
    steps = np.take_along_axis(tried, first[:, :, None], 2)[:, :, 0]
    return steps, np.where(known, real, np.nan)


@dataclass(frozen=True, eq=False)
class Bounds:
    """Between which numbers, without the zero point, the elements that taps meet may lie."""

    low: Ints
    high: Ints


def limits_of(taps: Ints, bounds: Bounds) -> tuple[Ints, Ints]:
    """The least and the largest sum of each row of taps."""
    ends = taps * bounds.low, taps * bounds.high
    return np.minimum(*ends).sum(axis=1), np.maximum(*ends).sum(axis=1)


def solve(taps: Ints, totals: Ints, bounds: Bounds, rng: np.random.Generator) -> tuple[Ints, Mask]:
    """Numbers within bounds for which the rows of taps sum up to the totals, and where that came
    true. All arrays have a row for each total.
    """
    solution = np.empty_like(taps)
    done = np.zeros(len(taps), bool)
    step = max(1, PIECE // max(1, taps.shape[1]))
    for start in range(0, len(taps), step):
        part = slice(start, start + step)
        some = Bounds(bounds.low[part], bounds.high[part])
        solution[part], done[part] = _solve(taps[part], totals[part], some, rng)
    return solution, done


def _solve(taps: Ints, totals: Ints, bounds: Bounds, rng: np.random.Generator) -> tuple[Ints, Mask]:
    numbers = _start(taps.shape, bounds, rng)
    rest = totals - (taps * numbers).sum(axis=1)
    for tap in rng.permutation(taps.shape[1]):
        _take(taps, numbers, rest, bounds, int(tap))
    rows = np.arange(len(taps))
    for _ in range(TRIES):
        left = np.flatnonzero(rest)
        if not left.size:
            break
        _take_two(taps, numbers, rest, bounds, left, rng)
    return numbers, rest[rows] == 0


def _start(shape: tuple[int, ...], bounds: Bounds, rng: np.random.Generator) -> Ints:
    """Some rows use the whole range, some little of it: sums of both sizes are wanted."""
    wide = rng.integers(bounds.low, bounds.high, endpoint=True)
    share = rng.choice([0.1, 0.4, 1.0], (shape[0], 1))
    return np.clip(ints(np.rint(wide * share)), bounds.low, bounds.high)


def _take(taps: Ints, numbers: Ints, rest: Ints, bounds: Bounds, tap: int) -> None:
    """Let one element of each row take what it can of the rest."""
    weight = taps[:, tap]
    by = np.where(weight == 0, 1, weight)
    step = np.where(weight == 0, 0, np.trunc(rest / by).astype(np.int64))
    new = np.clip(numbers[:, tap] + step, bounds.low[:, tap], bounds.high[:, tap])
    rest -= weight * (new - numbers[:, tap])
    numbers[:, tap] = new


def _take_two(
    taps: Ints,
    numbers: Ints,
    rest: Ints,
    bounds: Bounds,
    rows: Index,
    rng: np.random.Generator,
) -> None:
    """Let two elements of each of these rows take the whole rest together, where they can."""
    one, two = (rng.integers(taps.shape[1], size=len(rows)) for _ in range(2))
    two = np.where(one == two, (two + 1) % taps.shape[1], two)
    a, b = taps[rows, one][:, None], taps[rows, two][:, None]
    total = (rest[rows] + taps[rows, one] * numbers[rows, one])[:, None]
    total = total + b * numbers[rows, two][:, None]
    low = bounds.low[rows, one][:, None]
    first = low + np.arange(REST)
    left = total - a * first
    by = np.where(b == 0, 1, b)
    second = np.where(b == 0, numbers[rows, two][:, None], left // by)
    fits = (left == b * second) & (first <= bounds.high[rows, one][:, None])
    fits &= (second >= bounds.low[rows, two][:, None]) & (second <= bounds.high[rows, two][:, None])
    fits &= (one != two)[:, None]
    place = np.argmax(fits, axis=1)
    good = fits.any(axis=1)
    chosen, at = rows[good], place[good]
    numbers[chosen, one[good]] = first[good, at] if first.shape[0] > 1 else first[0, at]
    numbers[chosen, two[good]] = second[good, at]
    rest[chosen] = 0


def bounds_at(low: Ints, high: Ints, elements: Index, zero: int) -> Bounds:
    """The bounds of the elements that taps read; where they read padding, nothing but zero."""
    outside = elements == PADDING
    ends = (np.where(outside, 0, end[np.maximum(elements, 0)] - zero) for end in (low, high))
    return Bounds(*ends)
