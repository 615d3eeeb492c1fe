"""Counting taps against visiting each of them."""

from __future__ import annotations

from random import Random

import pytest

from tflopt.facts.windows import Axis
from tflopt.target.cost.windows import Window

pytestmark = pytest.mark.unit


def visited(axis: Axis) -> int:
    places = (
        position * axis.stride - axis.before + tap * axis.dilation
        for position in range(axis.out)
        for tap in range(axis.kernel)
    )
    return sum(0 <= place < axis.size for place in places)


def random_axis(dice: Random) -> Axis:
    return Axis(
        *(dice.randint(1, 20), dice.randint(1, 9), dice.randint(1, 4)),
        *(dice.randint(1, 4), dice.randint(0, 6), dice.randint(1, 20)),
    )


def test_valid_taps_are_those_that_a_loop_visits() -> None:
    dice = Random(1)
    for _ in range(2_000):
        axis = random_axis(dice)
        assert axis.valid_taps == visited(axis), axis


def test_both_axes_multiply() -> None:
    h, w = Axis(5, 3, before=1, out=5), Axis(4, 3, before=1, out=4)
    window = Window(h, w)
    assert (window.pixels, window.kernel, window.taps) == (20, 9, 180)
    assert (h.valid_taps, w.valid_taps) == (13, 10)
    assert window.valid_taps == 130
    assert window.valid_rows == 13 * 4
