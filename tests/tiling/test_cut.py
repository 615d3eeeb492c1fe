"""SAME on some rows more: right against the definition, row by row."""

from __future__ import annotations

from itertools import product

import pytest

from tflopt.facts.windows import Axis, extents
from tflopt.ir import Padding
from tflopt.tiling.cut import cut_for

pytestmark = pytest.mark.unit


def axis(size: int, kernel: int, stride: int, dilation: int) -> Axis:
    span = (kernel - 1) * dilation + 1
    return Axis(size, kernel, stride, dilation, *extents(Padding.SAME, size, span, stride))


def taps(window: Axis, start: int, row: int, before: int, size: int) -> list[int | None]:
    """The input rows that a window reads, None for padding; the input begins at ``start``."""
    first = row * window.stride - before
    rows = [first + tap * window.dilation for tap in range(window.kernel)]
    return [start + at if 0 <= at < size else None for at in rows]


@pytest.mark.parametrize(
    "window",
    [
        axis(size, kernel, stride, dilation)
        for size, kernel, stride, dilation in product((7, 12), (1, 2, 3, 5), (1, 2, 3), (1, 2))
        if dilation == 1 or stride == 1
    ],
    ids=str,
)
def test_wanted_rows_read_what_they_read_in_the_whole(window: Axis) -> None:
    for start, end in product(range(window.out), range(1, window.out + 1)):
        cut = cut_for(window, (start, end)) if start < end else None
        if cut is None:
            continue
        low, high = cut.read
        before, count = extents(Padding.SAME, high - low, window.span, window.stride)
        assert cut.made[1] - cut.made[0] == count
        for row in range(start, end):
            whole = taps(window, 0, row, window.before, window.size)
            part = taps(window, low, row - cut.made[0], before, high - low)
            assert part == whole, (row, cut)


def test_every_band_of_a_3x3_window_can_be_cut() -> None:
    window = axis(24, 3, 1, 1)
    for start, end in ((0, 8), (8, 16), (16, 24)):
        assert cut_for(window, (start, end)) is not None


def test_the_last_rows_of_an_even_stride_need_no_row_more() -> None:
    window = axis(48, 3, 2, 1)
    cut = cut_for(window, (12, 24))
    assert cut is not None
    assert cut.made == (12, 24)
