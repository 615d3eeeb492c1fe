"""Kernel rows of TRANSPOSE_CONV that aren't skipped: counted by edges, as a loop counts them."""

from __future__ import annotations

import random

import pytest

from tflopt.target.cmsis_nn.layers import TransposeConvLayer
from tflopt.target.cost.features_transpose_conv import _kept

pytestmark = pytest.mark.unit


def layer_of(rows: int, outputs: int, kernel: int, stride: int, pad: int) -> TransposeConvLayer:
    return TransposeConvLayer(
        *(1, rows, 4, 8, outputs, 8, 4, kernel, 2),
        stride_h=stride,
        stride_w=2,
        pad_h=pad,
    )


def counted(layer: TransposeConvLayer) -> float:
    kept = 0
    for row in range(layer.input_h):
        top = max(0, layer.pad_h - row * layer.stride_h)
        end = row * layer.stride_h + layer.kernel_h
        bottom = max(0, end - (layer.pad_h + layer.output_h) - 1)
        kept += max(0, layer.kernel_h - top - bottom)
    return kept / max(1, layer.input_h * layer.kernel_h)


def test_the_share_is_that_of_a_loop() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        rows, outputs, kernel, stride = (rng.randint(1, each) for each in (12, 20, 7, 4))
        layer = layer_of(rows, outputs, kernel, stride, rng.randint(0, 6))
        assert _kept(layer) == counted(layer), layer


def test_any_number_of_rows_is_counted_at_once() -> None:
    """2 to the 24 of them took over 20 s."""
    assert 0.99 < _kept(layer_of(1 << 40, 1 << 41, 3, 2, 0)) <= 1
