"""Forms that exporters of other years and other frameworks emit, written with tflopt's builder."""

from __future__ import annotations

import numpy as np

from tflopt.io import write_bytes
from tflopt.ir import Activation, DType, OpCode, Padding, Quantization, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    Conv2DOptions,
    ExpandDimsOptions,
    FullyConnectedOptions,
    ReducerOptions,
    ReshapeOptions,
    SqueezeOptions,
)

STEPS = 48
SCALE = 0.05
SPREAD = 950
"""Accumulator units per output unit: keeps random int8 activations away from saturation."""


def conv1d_pairs() -> bytes:
    """Conv1D as TensorFlow 2.2 to 2.8 wrote it: a view before and after every convolution."""
    rng = np.random.default_rng(2203)
    b = Builder()
    here = b.input((1, STEPS, 6), quant=(SCALE, 3), name="signal")
    for layer, (channels, kernel) in enumerate([(16, 5), (16, 3), (24, 3), (8, 1)]):
        here = _conv1d(b, rng, here, channels, kernel, layer)
    rows = STEPS * 8
    flat = b.op(
        OpCode.RESHAPE,
        [here, b.constant([-1, rows])],
        (1, rows),
        options=ReshapeOptions(new_shape=(-1, rows)),
    )
    weights = b.constant(
        rng.integers(-127, 128, (4, rows)), dtype=flat.dtype, quant=(1 / (SPREAD * 3), 0)
    )
    bias = b.constant(rng.integers(-2000, 2000, 4), quant=(SCALE / (SPREAD * 3), 0))
    scores = b.op(
        OpCode.FULLY_CONNECTED,
        [flat, weights, bias],
        (1, 4),
        options=FullyConnectedOptions(),
        quant=(SCALE, 0),
    )
    scores.name = "scores"
    b.output(scores)
    return write_bytes(b.model)


def _conv1d(
    b: Builder, rng: np.random.Generator, data: Value, channels: int, kernel: int, layer: int
) -> Value:
    _, steps, depth = data.shape
    wide = (1, 1, steps, depth)
    if layer % 2:
        image = b.op(OpCode.EXPAND_DIMS, [data, b.constant(1)], wide, options=ExpandDimsOptions())
    else:
        image = b.op(
            OpCode.RESHAPE,
            [data, b.constant(list(wide))],
            wide,
            options=ReshapeOptions(new_shape=wide),
        )
    scales = rng.uniform(0.5, 1.5, channels) / SPREAD * np.sqrt(48 / (kernel * depth))
    weights = b.constant(
        rng.integers(-127, 128, (channels, 1, kernel, depth)),
        dtype=data.dtype,
        quant=Quantization.per_channel(scales.tolist(), 0),
    )
    bias = b.constant(
        rng.integers(-2000, 2000, channels),
        quant=Quantization.per_channel((scales * SCALE).tolist(), 0),
    )
    convolved = b.op(
        OpCode.CONV_2D,
        [image, weights, bias],
        (1, 1, steps, channels),
        options=Conv2DOptions(
            padding=Padding.SAME,
            stride_w=1,
            stride_h=1,
            fused_activation_function=Activation.NONE if layer == 3 else Activation.RELU,
        ),
        quant=(SCALE, -128 if layer < 3 else 0),
    )
    return b.op(
        OpCode.SQUEEZE,
        [convolved],
        (1, steps, channels),
        options=SqueezeOptions(squeeze_dims=(1,)),
    )


def grouped_depthwise() -> bytes:
    """A separable network whose depthwise layers are CONV_2D with a group for each channel."""
    rng = np.random.default_rng(4711)
    b = Builder()
    here = b.input((1, 32, 32, 8), quant=(SCALE, 0), name="image")
    for channels, stride in [(16, 1), (16, 2), (24, 1)]:
        here = _conv2d(b, rng, here, here.shape[3], 3, 1, groups=here.shape[3])
        here = _conv2d(b, rng, here, here.shape[3], 3, stride, groups=here.shape[3])
        here = _conv2d(b, rng, here, channels, 1, 1, groups=1)
    options = ReducerOptions(keep_dims=False)
    pooled = b.op(
        OpCode.MEAN,
        [here, b.constant([1, 2])],
        (1, here.shape[3]),
        options=options,
        quant=(SCALE / 8, 0),
    )
    weights = b.constant(
        rng.integers(-127, 128, (4, here.shape[3])), dtype=DType.INT8, quant=(1 / 40, 0)
    )
    bias = b.constant(rng.integers(-2000, 2000, 4), quant=(SCALE / 320, 0))
    scores = b.op(
        OpCode.FULLY_CONNECTED,
        [pooled, weights, bias],
        (1, 4),
        options=FullyConnectedOptions(),
        quant=(SCALE, 0),
        version=4,
    )
    scores.name = "scores"
    b.output(scores)
    return write_bytes(b.model)


def _conv2d(
    b: Builder,
    rng: np.random.Generator,
    data: Value,
    channels: int,
    kernel: int,
    stride: int,
    groups: int,
) -> Value:
    _, height, width, depth = data.shape
    taps = kernel * kernel * depth // groups
    scales = rng.uniform(0.5, 1.5, channels) / (75 * np.sqrt(taps))
    weights = b.constant(
        rng.integers(-127, 128, (channels, kernel, kernel, depth // groups)),
        dtype=DType.INT8,
        quant=Quantization.per_channel(scales.tolist(), 0),
    )
    bias = b.constant(
        rng.integers(-2000, 2000, channels),
        quant=Quantization.per_channel((scales * SCALE).tolist(), 0),
    )
    return b.op(
        OpCode.CONV_2D,
        [data, weights, bias],
        (1, -(-height // stride), -(-width // stride), channels),
        options=Conv2DOptions(
            padding=Padding.SAME,
            stride_w=stride,
            stride_h=stride,
            fused_activation_function=Activation.RELU6 if kernel > 1 else Activation.NONE,
        ),
        quant=(SCALE, -64 if kernel > 1 else 0),
        version=3,
    )
