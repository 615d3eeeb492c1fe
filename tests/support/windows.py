"""Layers with windows, and what data movement stands around them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from tests.support.graphs import QUANT, Net
from tflopt.facts.windows import extents
from tflopt.ir import Activation, DType, OpCode, Padding, Quantization, Value
from tflopt.ir.options import (
    BatchToSpaceNDOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    PadV2Options,
    Pool2DOptions,
    SpaceToBatchNDOptions,
)

Two = tuple[int, int]
HEIGHT_WIDTH = (1, 2)


class Windows(Net):
    """A ``Net`` with convolutions and pooling of every shape."""

    def conv2d(
        self,
        x: Value,
        channels: int = 4,
        kernel: Two = (3, 3),
        *,
        stride: Two = (1, 1),
        dilation: Two = (1, 1),
        padding: Padding = Padding.VALID,
        quant: tuple[float, int] = QUANT,
    ) -> Value:
        """CONV_2D."""
        options = Conv2DOptions(padding, stride[1], stride[0], Activation.NONE, *dilation[::-1])
        shape = (x.shape[0], *self._extents(x, kernel, options), channels)
        inputs = [x, *self._parameters(channels, (*kernel, x.shape[3]), 0)]
        return self.op(OpCode.CONV_2D, inputs, shape, options=options, quant=quant, version=3)

    def depthwise2d(
        self,
        x: Value,
        kernel: Two = (3, 3),
        *,
        stride: Two = (1, 1),
        dilation: Two = (1, 1),
        padding: Padding = Padding.VALID,
    ) -> Value:
        """DEPTHWISE_CONV_2D."""
        row = (padding, stride[1], stride[0], 1, Activation.NONE, *dilation[::-1])
        options = DepthwiseConv2DOptions(*row)
        channels = x.shape[3]
        shape = (x.shape[0], *self._extents(x, kernel, options), channels)
        inputs = [x, *self._parameters(channels, kernel, 3)]
        code = OpCode.DEPTHWISE_CONV_2D
        return self.op(code, inputs, shape, options=options, quant=QUANT, version=3)

    def pool(
        self,
        x: Value,
        code: OpCode = OpCode.MAX_POOL_2D,
        kernel: Two = (2, 2),
        stride: Two = (1, 1),
        padding: Padding = Padding.VALID,
    ) -> Value:
        """MAX_POOL_2D or AVERAGE_POOL_2D."""
        options = Pool2DOptions(padding, stride[1], stride[0], kernel[1], kernel[0])
        shape = (x.shape[0], *self._extents(x, kernel, options), x.shape[3])
        return self.op(code, [x], shape, options=options, version=2)

    def padv2(self, x: Value, number: int, *amounts: Two) -> Value:
        """PADV2."""
        shape = [n + a + b for n, (a, b) in zip(x.shape, amounts, strict=True)]
        value = self.constant([number], DType.INT8, quant=x.quant)
        inputs = [x, self.constant(amounts), value]
        return self.op(OpCode.PADV2, inputs, shape, options=PadV2Options(), version=2)

    def space_to_batch(self, x: Value, blocks: Sequence[int], amounts: Sequence[Two]) -> Value:
        """SPACE_TO_BATCH_ND."""
        shape = list(x.shape)
        for axis, (block, (before, after)) in enumerate(zip(blocks, amounts, strict=True), 1):
            shape[0] *= block
            shape[axis] = (shape[axis] + before + after) // block
        inputs = [x, self.constant(blocks), self.constant(amounts)]
        code, options = OpCode.SPACE_TO_BATCH_ND, SpaceToBatchNDOptions()
        return self.op(code, inputs, shape, options=options, version=2)

    def batch_to_space(self, x: Value, blocks: Sequence[int], crops: Sequence[Two]) -> Value:
        """BATCH_TO_SPACE_ND."""
        shape = list(x.shape)
        for axis, (block, (before, after)) in enumerate(zip(blocks, crops, strict=True), 1):
            shape[0] //= block
            shape[axis] = shape[axis] * block - before - after
        inputs = [x, self.constant(blocks), self.constant(crops)]
        code, options = OpCode.BATCH_TO_SPACE_ND, BatchToSpaceNDOptions()
        return self.op(code, inputs, shape, options=options, version=2)

    def _parameters(self, channels: int, taps: Sequence[int], axis: int) -> list[Value]:
        rng = np.random.default_rng(len(self.graph.values))
        shape = (channels, *taps) if axis == 0 else (1, *taps, channels)
        scales = [0.01 + 0.001 * channel for channel in range(channels)]
        quant = Quantization.per_channel(scales, axis)
        weights = self.constant(rng.integers(-127, 128, shape), DType.INT8, quant=quant)
        numbers = rng.integers(-500, 500, (channels,))
        bias = self.constant(
            numbers, quant=Quantization.per_channel([0.05 * scale for scale in scales], 0)
        )
        return [weights, bias]

    @staticmethod
    def _extents(
        x: Value, kernel: Two, options: Conv2DOptions | DepthwiseConv2DOptions | Pool2DOptions
    ) -> list[int]:
        strides, dilations = (options.stride_h, options.stride_w), (1, 1)
        if not isinstance(options, Pool2DOptions):
            dilations = (options.dilation_h_factor, options.dilation_w_factor)
        rows = zip(HEIGHT_WIDTH, kernel, strides, dilations, strict=True)
        return [
            extents(options.padding, x.shape[axis], (taps - 1) * dilation + 1, stride)[1]
            for axis, taps, stride, dilation in rows
        ]


def image(*sides: Two) -> tuple[Two, ...]:
    """Amounts of padding for NHWC: of the height, and of the width (like the height by default)."""
    height, width = (*sides, sides[0])[:2]
    return ((0, 0), height, width, (0, 0))


def padded_layers(sides: Sequence[Two], depthwise: bool) -> Windows:
    """A PAD with each of the amounts before a layer of each size, stride and dilation."""
    n = Windows()
    for size, stride, dilation, side in product((7, 8), (1, 2, 3), (1, 2), sides):
        x = n.pad(n.relu(n.feed(1, size, 3, 2)), *image(side, (0, 0)))
        strides, dilations = (stride, 1), (dilation, 1)
        if depthwise:
            n.output(n.depthwise2d(x, (3, 1), stride=strides, dilation=dilations))
        else:
            n.output(n.conv2d(x, 2, (3, 1), stride=strides, dilation=dilations))
    return n
