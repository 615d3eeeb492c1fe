"""Inputs beside steps: the sums that are sought, and the numbers that give them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.kit import Kit
from tflopt.arith.accumulator import requantize_accumulator
from tflopt.arith.fixed_point import Ints
from tflopt.ir import Activation, OpCode
from tflopt.verify.directed.edges import Bounds, Mask, solve, targets_of
from tflopt.verify.directed.sums import PADDING, Sums, sums_of

pytestmark = pytest.mark.unit


def layer(kind: str = "conv") -> Sums:
    n = Kit(3)
    x = n.feed(1, 7, 7, 6)
    made = n.depthwise(x, (3, 3)) if kind == "depthwise" else n.conv2d(x, 8)
    assert made.producer is not None
    found = sums_of(made.producer)
    assert found is not None
    return found


def output(sums: Sums, channels: Ints, totals: Ints) -> Ints:
    return requantize_accumulator(
        totals + sums.bias[channels],
        sums.multiplier[channels],
        sums.shift[channels],
        sums.target,
        Activation.NONE,
    )


def test_a_step_of_the_sum_changes_the_output() -> None:
    sums = layer()
    every = np.arange(8)
    wide = np.full(8, 1 << 20)
    found = targets_of(sums, every, 8, (-wide, wide))
    assert np.bincount(found.channels).tolist() == [8] * 8
    here, above, below = (output(sums, found.channels, found.totals + step) for step in (0, 1, -1))
    assert ((above != here) | (below != here)).all()
    assert (above != here).any()
    assert (below != here).any()


def test_sums_are_within_reach() -> None:
    sums = layer()
    low, high = np.full(8, -40), np.full(8, 900)
    found = targets_of(sums, np.arange(8), 8, (low, high))
    assert found.totals.size
    assert found.totals.min() >= -40
    assert found.totals.max() <= 900


def test_a_multiplier_in_its_last_place_is_met() -> None:
    """Sums on which a layer whose scale is the next float gives something else."""
    sums = layer()
    other = replace(sums, multiplier=sums.multiplier + 2048)
    wide = np.full(8, 1 << 20)

    def unlike(channels: Ints, totals: Ints) -> Mask:
        here, there = (output(each, channels, totals) for each in (sums, other))
        return np.asarray(here != there)

    found = targets_of(sums, np.arange(8), 4, (-wide, wide), other)
    met = found.channels[unlike(found.channels, found.totals)]
    every = np.arange(-(1 << 17), 1 << 17)
    shown = [c for c in range(8) if unlike(np.full(every.shape, c), every).any()]
    assert len(shown) > 3
    assert np.unique(met).tolist() == shown


@pytest.mark.parametrize("width", [3, 9, 200])
def test_numbers_sum_up_to_what_is_wanted(width: int) -> None:
    rng = np.random.default_rng(1)
    taps = rng.integers(-127, 128, (50, width))
    low, high = np.full(taps.shape, -100), np.full(taps.shape, 155)
    reachable = (taps * rng.integers(-90, 140, taps.shape)).sum(axis=1)
    numbers, done = solve(taps, reachable, Bounds(low, high), rng)
    assert done.mean() > 0.5
    assert ((taps * numbers).sum(axis=1) == reachable)[done].all()
    assert (numbers >= -100).all()
    assert (numbers <= 155).all()


def test_numbers_stay_within_narrow_bounds() -> None:
    rng = np.random.default_rng(1)
    taps = rng.integers(-127, 128, (20, 12))
    bounds = Bounds(np.full(taps.shape, 2), np.full(taps.shape, 3))
    numbers, done = solve(taps, np.full(20, 10**6), bounds, rng)
    assert not done.any()
    assert set(np.unique(numbers)) <= {2, 3}


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_slots_share_no_element(kind: str) -> None:
    sums = layer(kind)
    read = [sums.elements(slot, np.array([0]))[0] for slot in sums.slots()]
    inside = np.concatenate([each[each != PADDING] for each in read])
    assert len(read) > 1
    assert inside.size == np.unique(inside).size


def test_elements_follow_the_kernel() -> None:
    """The sum over the elements of a slot is what a convolution gives there."""
    sums = layer()
    data = np.random.default_rng(0).integers(-128, 128, sums.data.shape)
    middle = sums.slots()[0]
    assert (middle != PADDING).all()
    read = sums.elements(middle, np.arange(8))
    found = (sums.taps * data.reshape(-1)[read]).sum(axis=1)
    weights = sums.op.inputs[1]
    assert weights is not None
    assert sums.op.code is OpCode.CONV_2D
    top, left = np.unravel_index(middle[0] // 6, (7, 7))
    part = data[0, top : top + 3, left : left + 3]
    wanted = (weights.array().astype(np.int64) * part).sum(axis=(1, 2, 3))
    assert found.tolist() == wanted.tolist()
