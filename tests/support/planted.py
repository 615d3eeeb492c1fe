"""Channels with a known fate, planted into the layers of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tflopt.ir import Buffer, Op, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ranges import ranges_of

FAR_BELOW = -(1 << 26)
"""A bias that no sum of a small layer outweighs."""


def set_data(value: Value, data: Array) -> None:
    """Give a constant other numbers."""
    assert value.shape == data.shape
    raw = np.frombuffer(np.ascontiguousarray(data).tobytes(), dtype=np.uint8)
    value.buffer = Buffer(raw)
    value.graph.model.buffers.append(value.buffer)


def weights_of(op: Op) -> Value:
    """The weights of a layer."""
    weights = op.inputs[1]
    assert weights is not None
    return weights


def bias_of(op: Op) -> Value:
    """The bias of a layer."""
    bias = op.inputs[3 if op.code is OpCode.TRANSPOSE_CONV else 2]
    assert bias is not None
    return bias


def output_axis(op: Op) -> int:
    """The axis of the weights that has the output channels."""
    return 3 if op.code is OpCode.DEPTHWISE_CONV_2D else 0


def kill(value: Value, channels: Sequence[int]) -> None:
    """Let these channels be what the bias makes of them: all their weights are zero."""
    op = value.producer
    assert op is not None
    weights = weights_of(op)
    data = np.moveaxis(weights.array().copy(), output_axis(op), 0)
    data[list(channels)] = 0
    set_data(weights, np.moveaxis(data, 0, output_axis(op)))


def saturate(value: Value, channels: Sequence[int], bias: int = FAR_BELOW) -> None:
    """Let these channels never leave the lower clamp, or another one by the sign of ``bias``."""
    op = value.producer
    assert op is not None
    data = bias_of(op).array().copy()
    data[list(channels)] = bias
    set_data(bias_of(op), data)


def ignore(value: Value, channels: Sequence[int]) -> None:
    """Let a CONV_2D or FULLY_CONNECTED multiply these input channels by zero."""
    op = value.producer
    assert op is not None
    data = weights_of(op).array().copy()
    depth = data.shape[-1]
    data[..., [index for index in range(depth) if index in channels]] = 0
    set_data(weights_of(op), data)


def halve(value: Value) -> None:
    """Let a layer's weights be so small that two of them make one."""
    op = value.producer
    assert op is not None
    set_data(weights_of(op), weights_of(op).array() // 2)


def almost_constant(value: Value, channel: int) -> None:
    """Let one channel of a 1x1 convolution of one input channel leave its clamp for 127 alone."""
    op = value.producer
    assert op is not None
    data = weights_of(op).array().copy()
    data[channel] = 127
    set_data(weights_of(op), data)
    low, high = FAR_BELOW, -FAR_BELOW
    clamp = _largest(value, channel, low)
    while high - low > 1:
        middle = (low + high) // 2
        above = _largest(value, channel, middle) > clamp
        low, high = (low, middle) if above else (middle, high)
    saturate(value, [channel], high)


def _largest(value: Value, channel: int, bias: int) -> int:
    saturate(value, [channel], bias)
    bounds = ranges_of(value.graph).along(value, 3)
    assert bounds is not None
    return int(bounds[1][channel])


def twin(value: Value, channel: int, other: int) -> None:
    """Let a layer compute a channel as it computes another one."""
    op = value.producer
    assert op is not None
    axis = output_axis(op)
    weights, bias = weights_of(op), bias_of(op)
    data = np.moveaxis(weights.array().copy(), axis, 0)
    data[channel] = data[other]
    set_data(weights, np.moveaxis(data, 0, axis))
    numbers = bias.array().copy()
    numbers[channel] = numbers[other]
    set_data(bias, numbers)
    for each in (weights, bias):
        if each.quant is not None and each.quant.scale is not None and each.quant.is_per_channel:
            scale = each.quant.scale.copy()
            scale[channel] = scale[other]
            each.quant = replace(each.quant, scale=scale)
