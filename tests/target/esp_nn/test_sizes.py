"""The scratch of an ESP32-S3, by hand from the formulas of ESP-NN's sources."""

from __future__ import annotations

import pytest

from tflopt.target.cmsis_nn.layers import ConvLayer, DepthwiseLayer
from tflopt.target.esp_nn.sizes import conv_scratch_bytes, depthwise_scratch_bytes

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("layer", "parts"),
    [
        (ConvLayer(1, 1, 1, 32, 1, 1, 24, 1, 1, 32), (32 * 24, 64)),
        (ConvLayer(1, 8, 8, 6, 8, 8, 8, 1, 1, 6), (64 * 8, 8 * 8, 2 * 8 * 8, 64)),
        (
            ConvLayer(1, 96, 96, 3, 96, 96, 8, 3, 3, 3, pad_h=1, pad_w=1),
            (8 * 4, 16, 8 * 32, 16, 32, 64),
        ),
        (
            ConvLayer(1, 5, 1, 40, 1, 1, 32, 5, 1, 40),
            (5 * 48 * 32, 48 * 5 * 32, 64, 32 * 4),
        ),
        (
            ConvLayer(1, 5, 1, 40, 1, 1, 32, 5, 1, 40, stride_h=3, stride_w=1),
            (5 * 48 * 32, 48 * 5 * 32, 1 * 7 * 40, 64, 32 * 4),
        ),
        (
            ConvLayer(1, 8, 8, 16, 8, 8, 16, 3, 3, 16, pad_h=1, pad_w=1),
            (10 * 10 * 16, 9 * 16 * 16, 48 * 3 * 16, 10 * 10 * 16, 64, 16 * 4),
        ),
        (
            ConvLayer(1, 8, 8, 8, 4, 4, 8, 1, 1, 8, stride_h=2, stride_w=2),
            (16 * 8, 16 * 8, 64, 8 * 4),
        ),
    ],
)
def test_a_convolution(layer: ConvLayer, parts: tuple[int, ...]) -> None:
    assert conv_scratch_bytes(layer) == sum(parts)


def square(extent: int, channels: int, kernel: int, multiplier: int = 1) -> DepthwiseLayer:
    pad, outputs = kernel // 2, channels * multiplier
    return DepthwiseLayer(
        *(1, extent, extent, channels, extent, extent, outputs, kernel, kernel, multiplier),
        pad_h=pad,
        pad_w=pad,
    )


@pytest.mark.parametrize(
    ("layer", "parts"),
    [
        (square(8, 16, 3), (9 * 16, 10 * 10 * 16, 16)),
        (DepthwiseLayer(1, 8, 8, 16, 6, 6, 16, 3, 3), (9 * 16, 16)),
        (
            DepthwiseLayer(1, 8, 8, 16, 3, 3, 16, 3, 3, stride_h=2, stride_w=2),
            (9 * 16, 16),
        ),
        (
            DepthwiseLayer(1, 9, 8, 16, 4, 3, 16, 3, 3, stride_h=2, stride_w=2),
            (9 * 16, 8 * 10 * 16, 16),
        ),
        (square(24, 64, 3), (9 * 64, 26 * 3 * 64, 16)),
        (square(8, 8, 3), (2 * 9 * 8, 2 * 64 * 8, 32)),
        (square(8, 24, 3), (9 * 32, 12 * 12 * 32, 64 * 32, 64)),
        (DepthwiseLayer(1, 23, 1, 64, 1, 1, 64, 23, 1), (2 * 23 * 64, 2 * 23 * 64, 32)),
        (square(32, 32, 5), (2 * 25 * 32, 2 * 32 * 5 * 32, 32)),
        (square(8, 6, 3), (144, 1024, 512, 3 * 4 * 8, 16)),
        (square(8, 5, 1), (16, 1024, 512, 3 * 4 * 8, 16)),
        (square(8, 3, 3, 4), (2 * 9 * 12, 2 * 64 * 3, 32)),
        (square(8, 4, 3, 2), (32,)),
        (square(8, 3, 3), (32,)),
    ],
)
def test_a_depthwise_layer(layer: DepthwiseLayer, parts: tuple[int, ...]) -> None:
    assert depthwise_scratch_bytes(layer) == sum(parts)
