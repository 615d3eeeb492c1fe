"""Which taps read the input, place by place, against windows that are written out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kit import Kit
from tflopt.ir import Op, OpCode, Padding
from tflopt.ranges.reach import padded_taps, reached_taps


def counted(op: Op) -> set[tuple[bool, ...]]:
    """What a convolution of ones with one tap at a time says."""
    weights, data = op.inputs[1], op.inputs[0 if op.code is OpCode.CONV_2D else 2]
    assert weights is not None
    assert data is not None
    _, high, wide, _ = weights.shape
    rows = [_axis(op, axis, kernel) for axis, kernel in ((1, high), (2, wide))]
    return {tuple(a and b for a in one for b in two) for one in rows[0] for two in rows[1]}


def _axis(op: Op, axis: int, kernel: int) -> list[list[bool]]:
    options, transposed = op.options, op.code is OpCode.TRANSPOSE_CONV
    data = op.inputs[2 if transposed else 0]
    assert data is not None
    stride = getattr(options, "stride_h" if axis == 1 else "stride_w")
    small, large = data.shape[axis], op.output.shape[axis]
    if not transposed:
        small, large = large, small
    before = 0
    if getattr(options, "padding") is Padding.SAME:  # noqa: B009
        before = max(0, (-(-large // stride) - 1) * stride + kernel - large) // 2
    met = [[False] * kernel for _ in range(op.output.shape[axis])]
    for i in range(small):
        for tap in range(kernel):
            place = i * stride - before + tap
            if 0 <= place < large:
                met[place if transposed else i][tap] = True
    return met


@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 4)])
def test_convolutions(padding: Padding, stride: tuple[int, int], kernel: tuple[int, int]) -> None:
    n = Kit()
    y = n.conv2d(n.feed(1, 5, 7, 2), 3, kernel, stride=stride, padding=padding)
    assert y.producer is not None
    found = reached_taps(y.producer)
    assert found is not None
    assert {tuple(row) for row in found.tolist()} == counted(y.producer)
    assert np.array_equal(padded_taps(y.producer), ~found.all(axis=0))


@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 4)])
def test_transposed_convolutions(
    padding: Padding, stride: tuple[int, int], kernel: tuple[int, int]
) -> None:
    n = Kit()
    y = n.transpose_conv(n.feed(1, 3, 4, 2), 3, kernel, stride, padding, (0.05, 3))
    assert y.producer is not None
    found = reached_taps(y.producer)
    assert found is not None
    assert {tuple(row) for row in found.tolist()} == counted(y.producer)


def test_open_shapes_and_large_windows_are_not_told_apart() -> None:
    n = Kit()
    x = n.feed(1, 5, 7, 2)
    y = n.conv2d(x, 3, (3, 3))
    assert y.producer is not None
    x.extra.shape_signature = (1, -1, 7, 2)
    assert reached_taps(y.producer) is None
    assert padded_taps(y.producer).all()
