"""What taps read, place by place, against windows that are written out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kit import Kit
from tests.support.planted import bias_of, saturate, set_data, weights_of
from tflopt.ir import Activation, DType, Op, OpCode, Padding, Value
from tflopt.ranges import Interval, ranges_of
from tflopt.ranges.accumulators import accumulator_of
from tflopt.ranges.reach import OUTSIDE, padded_taps, reach_of

VALID = Padding.VALID


def numbered(value: Value) -> Interval:
    """Each element another number, by row and column alone."""
    _, height, width, channels = value.shape
    cells = np.arange(height * width).reshape(1, height, width, 1)
    low = np.broadcast_to(cells, (1, height, width, channels)).astype(np.int64)
    return Interval(low, low)


def expected(op: Op, data: Value) -> set[tuple[int, ...]]:
    """For each place the numbers that the taps read."""
    weights, transposed = op.inputs[1], op.code is OpCode.TRANSPOSE_CONV
    assert weights is not None
    axes = []
    for axis, name in ((1, "stride_h"), (2, "stride_w")):
        stride, kernel = getattr(op.options, name), weights.shape[axis]
        small, large = op.output.shape[axis], data.shape[axis]
        if transposed:
            small, large = large, small
        before = 0
        if getattr(op.options, "padding") is Padding.SAME:  # noqa: B009
            before = max(0, (-(-large // stride) - 1) * stride + kernel - large) // 2
        met = [[OUTSIDE] * kernel for _ in range(op.output.shape[axis])]
        for i in range(small):
            for tap in range(kernel):
                place = i * stride - before + tap
                if 0 <= place < large:
                    met[place if transposed else i][tap] = i if transposed else place
        axes.append(met)
    width = data.shape[2]
    return {
        tuple(OUTSIDE if OUTSIDE in (a, b) else a * width + b for a in one for b in two)
        for one in axes[0]
        for two in axes[1]
    }


def found(op: Op, data: Value) -> set[tuple[int, ...]]:
    reach = reach_of(op, data, numbered(data))
    assert reach.places is not None
    numbers = [*reach.low[0].tolist(), OUTSIDE]
    return {tuple(numbers[kind] for kind in row) for row in reach.places.tolist()}


cases = [
    pytest.mark.parametrize("padding", list(Padding)),
    pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3)]),
    pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 4)]),
]


@cases[0]
@cases[1]
@cases[2]
def test_convolutions(padding: Padding, stride: tuple[int, int], kernel: tuple[int, int]) -> None:
    n = Kit()
    x = n.feed(1, 5, 7, 2)
    op = n.conv2d(x, 3, kernel, stride=stride, padding=padding).producer
    assert op is not None
    wanted = expected(op, x)
    assert found(op, x) == wanted
    outside = np.array([[number == OUTSIDE for number in row] for row in wanted]).any(axis=0)
    assert np.array_equal(padded_taps(op), outside)


@cases[0]
@cases[1]
@cases[2]
def test_transposed_convolutions(
    padding: Padding, stride: tuple[int, int], kernel: tuple[int, int]
) -> None:
    n = Kit()
    x = n.feed(1, 3, 4, 2)
    op = n.transpose_conv(x, 3, kernel, stride, padding, (0.05, 3)).producer
    assert op is not None
    assert found(op, x) == expected(op, x)


def test_elements_that_do_not_differ_are_one_kind() -> None:
    n = Kit()
    x = n.feed(1, 50, 60, 2)
    op = n.conv2d(x, 3, (3, 3)).producer
    assert op is not None
    reach = reach_of(op, x, ranges_of(n.graph).of(x) or numbered(x))
    assert reach.places is not None
    assert (reach.low.shape, len(reach.places)) == ((2, 1), 9)


def test_open_shapes_are_not_told_apart() -> None:
    n = Kit()
    x = n.feed(1, 5, 7, 2)
    y = n.conv2d(x, 3, (3, 3))
    assert y.producer is not None
    x.extra.shape_signature = (1, -1, 7, 2)
    assert reach_of(y.producer, x, numbered(x)).places is None
    assert padded_taps(y.producer).all()


def bounds(value: Value) -> tuple[list[int], list[int]]:
    along = ranges_of(value.graph).along(value, 3)
    assert along is not None
    return along[0].tolist(), along[1].tolist()


def test_a_row_of_other_numbers() -> None:
    """A row of 9 on top of rows of the zero point: no place reads more than one 9."""
    n = Kit()
    x = n.conv2d(n.feed(1, 4, 4, 2), 1, (1, 1), activation=Activation.RELU)
    saturate(x, [0])  # RELU of nothing: the zero point, 3
    row = n.constant(np.full((1, 1, 4, 1), 9), DType.INT8, quant=(0.05, 3))
    y = n.conv2d(n.concat(row, x, axis=1), 1, (2, 1), padding=VALID)
    op = y.producer
    assert op is not None
    set_data(weights_of(op), np.full((1, 2, 1, 1), 64, np.int8))
    set_data(bias_of(op), np.zeros(1, np.int32))
    data = op.inputs[0]
    assert data is not None
    sums = accumulator_of(op, ranges_of(n.graph).of(data))
    assert sums is not None
    assert (sums.low.tolist(), sums.high.tolist()) == ([0], [64 * 6])


def test_a_slice_of_what_was_joined_along_the_height() -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 4, 4, 2), 3, (1, 1), activation=Activation.RELU)
    saturate(x, [0, 1, 2])
    y = n.slice(n.concat(n.feed(1, 4, 4, 3), x, axis=1), (0, 4, 0, 0), (1, 2, 4, 3))
    assert bounds(y) == ([3] * 3, [3] * 3)


def test_a_slice_of_what_was_padded() -> None:
    n = Kit()
    y = n.slice(n.pad(n.feed(1, 4, 4, 3), (0, 0), (2, 0), (0, 0), (0, 0)), (0,) * 4, (1, 2, 4, 3))
    assert bounds(y) == ([3] * 3, [3] * 3)
