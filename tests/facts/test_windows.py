"""The one geometry of windows, against windows that are counted out."""

from __future__ import annotations

from itertools import product

import pytest

from tflopt.facts.windows import Axis, extents, padding_for, span_of
from tflopt.ir import Padding

pytestmark = pytest.mark.unit
SIZES = list(product(range(1, 8), range(1, 4), range(1, 4), range(1, 4)))
"""Input, kernel, stride and dilation."""


def axis_of(size: int, kernel: int, stride: int, dilation: int, padding: Padding) -> Axis:
    span = span_of(kernel, dilation)
    return Axis(size, kernel, stride, dilation, *extents(padding, size, span, stride))


def places(axis: Axis, output: int) -> list[int]:
    """The elements that an output's taps stand at, the padding's among them."""
    start = output * axis.stride - axis.before
    return [start + tap * axis.dilation for tap in range(axis.kernel)]


@pytest.mark.parametrize("padding", Padding)
def test_what_outputs_read_is_what_their_taps_stand_at(padding: Padding) -> None:
    for sizes in SIZES:
        axis = axis_of(*sizes, padding)
        for first in range(axis.out):
            for stop in range(first + 1, axis.out + 1):
                read = [place for output in range(first, stop) for place in places(axis, output)]
                assert axis.reads(first, stop) == (min(read), max(read) + 1)
        if axis.out > 0:
            taps = [place for output in range(axis.out) for place in places(axis, output)]
            assert axis.last == max(taps)
            assert axis.behind == len(range(axis.size, max(taps) + 1))
            assert axis.valid_taps == sum(0 <= place < axis.size for place in taps)


def test_taps_of_any_number_of_outputs_are_counted_at_once() -> None:
    """A file of a kilobyte may declare 2 to the 30 outputs; each was looked at, for minutes."""
    axis = axis_of(1 << 40, 1 << 20, 3, 7, Padding.SAME)
    inside = axis.out * axis.kernel - axis.valid_taps
    assert 0 < inside < 2 * axis.span * axis.kernel // axis.stride


def test_valid_has_every_window_that_fits_and_same_one_for_each_step() -> None:
    for size, kernel, stride, dilation in SIZES:
        valid = axis_of(size, kernel, stride, dilation, Padding.VALID)
        starts = [n for n in range(0, size, stride) if n + valid.span <= size]
        assert max(valid.out, 0) == len(starts)
        same = axis_of(size, kernel, stride, dilation, Padding.SAME)
        assert same.out == len(range(0, size, stride))
        assert same.before in (same.behind, same.behind - 1)


def test_a_window_is_same_where_it_pads_as_same_does() -> None:
    kinds = set()
    for sizes in SIZES:
        for padding in Padding:
            axis = axis_of(*sizes, padding)
            if axis.out < 1:
                continue
            is_same = axis == axis.as_same
            assert is_same or padding is Padding.VALID
            found = padding_for((axis, axis))
            assert found is (Padding.VALID if axis.before == axis.behind == 0 else Padding.SAME)
            kinds.add((padding, is_same))
    assert len(kinds) == 3
