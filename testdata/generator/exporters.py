"""Forms that exporters of other years and other frameworks emit, written with tflopt's builder."""

from __future__ import annotations

import numpy as np

from tflopt.io import write_bytes
from tflopt.ir import Activation, OpCode, Padding, Quantization, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    Conv2DOptions,
    ExpandDimsOptions,
    FullyConnectedOptions,
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
