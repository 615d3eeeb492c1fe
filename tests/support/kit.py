"""A builder with the layers of real networks: any window, stride, dilation, groups, quantization.

Scales of weights follow the number of products, so that outputs neither vanish nor saturate.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt

import numpy as np
import numpy.typing as npt

from tests.support.graphs import QUANT, Net
from tflopt.ir import DType, Model, OpCode, Padding, Quantization, Value
from tflopt.ir.options import (
    AddOptions,
    BatchToSpaceNDOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    DequantizeOptions,
    FullyConnectedOptions,
    MaximumMinimumOptions,
    MulOptions,
    Options,
    Pool2DOptions,
    QuantizeOptions,
    ReducerOptions,
    ResizeBilinearOptions,
    ResizeNearestNeighborOptions,
    SoftmaxOptions,
    SpaceToBatchNDOptions,
    SubOptions,
    TransposeConvOptions,
)
from tflopt.ir.types import Activation

Quant = tuple[float, int]
Pair = tuple[int, int]
BINARY: dict[OpCode, Options] = {
    OpCode.ADD: AddOptions(),
    OpCode.SUB: SubOptions(),
    OpCode.MUL: MulOptions(),
    OpCode.MAXIMUM: MaximumMinimumOptions(),
    OpCode.MINIMUM: MaximumMinimumOptions(),
}
VERSIONS = {OpCode.HARD_SWISH: 1}
SPREAD = 0.0075
"""Output scale over product scale, for one product: fills half of the int8 range."""
ONE: Pair = (1, 1)


def out_extent(extent: int, window: int, stride: int, dilation: int, padding: Padding) -> int:
    """Positions of a window along one axis."""
    if padding is Padding.SAME:
        return -(-extent // stride)
    return -(-(extent - (window - 1) * dilation) // stride)


class Kit(Net):
    """Layers with all their options; weights come from ``seed`` and the position in the graph."""

    def __init__(self, seed: int = 0, model: Model | None = None) -> None:
        super().__init__(model)
        self.seed = seed

    def rng(self) -> np.random.Generator:
        """A generator that differs for each layer."""
        return np.random.default_rng((self.seed, len(self.graph.values)))

    def weights(
        self,
        shape: Sequence[int],
        products: int,
        x: Value,
        quant: Quant,
        *,
        axis: int | None = None,
    ) -> Value:
        """Random weights, per channel along ``axis``, with scales that suit ``products``."""
        rng = self.rng()
        base = quant[0] / _scale(x) * SPREAD / sqrt(products)
        count = 1 if axis is None else shape[axis]
        scales = base * rng.uniform(0.5, 2.0, count)
        if axis is None:
            scheme = Quantization.per_tensor(float(scales[0]))
        else:
            scheme = Quantization.per_channel([float(s) for s in scales], axis)
        return self.constant(rng.integers(-127, 128, shape), DType.INT8, quant=scheme)

    def bias(self, weights: Value, x: Value, count: int, axis: int = 0) -> Value:
        """A random bias of the right scale."""
        assert weights.quant is not None
        assert weights.quant.scale is not None
        scales = [float(s) * _scale(x) for s in weights.quant.scale]
        single = len(scales) == 1
        quant = (
            Quantization.per_tensor(scales[0]) if single else Quantization.per_channel(scales, axis)
        )
        dtype = DType.INT64 if x.dtype is DType.INT16 else DType.INT32
        return self.constant(self.rng().integers(-2000, 2001, (count,)), dtype, quant=quant)

    def conv2d(
        self,
        x: Value,
        channels: int,
        kernel: Pair = (3, 3),
        *,
        stride: Pair = ONE,
        dilation: Pair = ONE,
        padding: Padding = Padding.SAME,
        activation: Activation = Activation.NONE,
        groups: int = 1,
        bias: bool = True,
        per_channel: bool = True,
        quant: Quant = QUANT,
    ) -> Value:
        """CONV_2D."""
        depth = x.shape[3] // groups
        shape = (channels, *kernel, depth)
        products = prod(kernel) * depth
        axis = 0 if per_channel else None
        weights = self.weights(shape, products, x, quant, axis=axis)
        inputs = [x, weights]
        if bias:
            inputs.append(self.bias(weights, x, channels))
        options = Conv2DOptions(padding, stride[1], stride[0], activation, dilation[1], dilation[0])
        out = (x.shape[0], *self.extents(x, kernel, stride, dilation, padding), channels)
        return self.op(OpCode.CONV_2D, inputs, out, options=options, quant=quant, version=3)

    def depthwise(
        self,
        x: Value,
        kernel: Pair = (3, 3),
        *,
        multiplier: int = 1,
        stride: Pair = ONE,
        dilation: Pair = ONE,
        padding: Padding = Padding.SAME,
        activation: Activation = Activation.NONE,
        quant: Quant = QUANT,
    ) -> Value:
        """DEPTHWISE_CONV_2D."""
        channels = x.shape[3] * multiplier
        weights = self.weights((1, *kernel, channels), prod(kernel), x, quant, axis=3)
        bias = self.bias(weights, x, channels)
        options = DepthwiseConv2DOptions(
            padding, stride[1], stride[0], multiplier, activation, dilation[1], dilation[0]
        )
        out = (x.shape[0], *self.extents(x, kernel, stride, dilation, padding), channels)
        return self.op(
            OpCode.DEPTHWISE_CONV_2D,
            [x, weights, bias],
            out,
            options=options,
            quant=quant,
            version=3,
        )

    def transpose_conv(
        self, x: Value, channels: int, kernel: Pair, stride: Pair, padding: Padding, quant: Quant
    ) -> Value:
        """TRANSPOSE_CONV with bias."""
        weights = self.weights(
            (channels, *kernel, x.shape[3]), prod(kernel) * x.shape[3], x, quant, axis=0
        )
        bias = self.bias(weights, x, channels)
        extents = [
            n * s if padding is Padding.SAME else (n - 1) * s + max(k, s)
            for n, k, s in zip(x.shape[1:3], kernel, stride, strict=True)
        ]
        out = (x.shape[0], *extents, channels)
        options = TransposeConvOptions(padding, stride[1], stride[0])
        inputs = [self.constant(out), weights, x, bias]
        return self.op(
            OpCode.TRANSPOSE_CONV,
            inputs,
            out,
            options=options,
            quant=quant,
            dtype=x.dtype,
            version=3,
        )

    def fully_connected(
        self,
        x: Value,
        units: int,
        *,
        keep_num_dims: bool = False,
        activation: Activation = Activation.NONE,
        bias: bool = True,
        quant: Quant = QUANT,
    ) -> Value:
        """FULLY_CONNECTED over the last axis."""
        depth = x.shape[-1]
        weights = self.weights((units, depth), depth, x, quant)
        inputs = [x, weights, self.bias(weights, x, units) if bias else None]
        out = (*x.shape[:-1], units) if keep_num_dims else (x.elements // depth, units)
        options = FullyConnectedOptions(activation, keep_num_dims=keep_num_dims)
        return self.op(OpCode.FULLY_CONNECTED, inputs, out, options=options, quant=quant, version=4)

    def pool(
        self,
        code: OpCode,
        x: Value,
        window: Pair,
        *,
        stride: Pair = ONE,
        padding: Padding = Padding.SAME,
        activation: Activation = Activation.NONE,
    ) -> Value:
        """AVERAGE_POOL_2D or MAX_POOL_2D."""
        options = Pool2DOptions(padding, stride[1], stride[0], window[1], window[0], activation)
        out = (x.shape[0], *self.extents(x, window, stride, ONE, padding), x.shape[3])
        return self.op(code, [x], out, options=options, version=2)

    def extents(
        self, x: Value, window: Pair, stride: Pair, dilation: Pair, padding: Padding
    ) -> tuple[int, int]:
        """Height and width of what a window gives."""
        height, width = (
            out_extent(x.shape[axis + 1], window[axis], stride[axis], dilation[axis], padding)
            for axis in (0, 1)
        )
        return height, width

    def reduce(
        self,
        code: OpCode,
        x: Value,
        axes: Sequence[int],
        *,
        keep: bool = True,
        quant: Quant | None = None,
    ) -> Value:
        """MEAN, SUM, REDUCE_MAX or REDUCE_MIN."""
        picked = {axis % len(x.shape) for axis in axes}
        shape = [
            1 if axis in picked else n
            for axis, n in enumerate(x.shape)
            if keep or axis not in picked
        ]
        options = ReducerOptions(keep_dims=keep)
        inputs = [x, self.constant(list(axes))]
        return self.op(code, inputs, shape, options=options, quant=quant, version=2)

    def unary(self, code: OpCode, x: Value, *, quant: Quant | None = None) -> Value:
        """An elementwise operator of one input, without options."""
        version = VERSIONS.get(code, 2)
        return self.op(code, [x], x.shape, quant=quant, version=version)

    def binary(self, code: OpCode, x: Value, y: Value, *, quant: Quant | None = None) -> Value:
        """An elementwise operator of two inputs, with broadcast."""
        shape = np.broadcast_shapes(x.shape, y.shape)
        options = BINARY[code]
        return self.op(code, [x, y], shape, options=options, quant=quant, version=2)

    def level(self, shape: Sequence[int], quant: Quant = QUANT) -> Value:
        """A random int8 constant operand."""
        return self.constant(self.rng().integers(-128, 128, shape), DType.INT8, quant=quant)

    def softmax(self, x: Value) -> Value:
        """SOFTMAX over the last axis."""
        options = SoftmaxOptions(1.0)
        return self.op(OpCode.SOFTMAX, [x], x.shape, options=options, quant=(1 / 256, -128))

    def quantize(self, x: Value, quant: Quant, dtype: DType = DType.INT8) -> Value:
        """QUANTIZE, of a float or as a requantization."""
        options = QuantizeOptions()
        return self.op(
            OpCode.QUANTIZE, [x], x.shape, options=options, quant=quant, dtype=dtype, version=2
        )

    def dequantize(self, x: Value) -> Value:
        """DEQUANTIZE to float."""
        options = DequantizeOptions()
        return self.op(
            OpCode.DEQUANTIZE, [x], x.shape, options=options, dtype=DType.FLOAT32, version=2
        )

    def resize_nearest(self, x: Value, height: int, width: int) -> Value:
        """RESIZE_NEAREST_NEIGHBOR."""
        shape = (x.shape[0], height, width, x.shape[3])
        inputs = [x, self.constant([height, width])]
        options = ResizeNearestNeighborOptions()
        return self.op(OpCode.RESIZE_NEAREST_NEIGHBOR, inputs, shape, options=options, version=2)

    def resize_bilinear(
        self, x: Value, height: int, width: int, *, half_pixel_centers: bool = False
    ) -> Value:
        """RESIZE_BILINEAR."""
        shape = (x.shape[0], height, width, x.shape[3])
        inputs = [x, self.constant([height, width])]
        options = ResizeBilinearOptions(half_pixel_centers=half_pixel_centers)
        return self.op(OpCode.RESIZE_BILINEAR, inputs, shape, options=options, version=2)

    def space_to_batch(self, x: Value, block: Pair, pads: Sequence[Pair]) -> Value:
        """SPACE_TO_BATCH_ND over height and width."""
        extents = [(n + sum(p)) // b for n, p, b in zip(x.shape[1:3], pads, block, strict=True)]
        shape = (x.shape[0] * prod(block), *extents, x.shape[3])
        inputs = [x, self.constant(block), self.constant(pads)]
        options = SpaceToBatchNDOptions()
        return self.op(OpCode.SPACE_TO_BATCH_ND, inputs, shape, options=options, version=2)

    def batch_to_space(self, x: Value, block: Pair, crops: Sequence[Pair]) -> Value:
        """BATCH_TO_SPACE_ND over height and width."""
        extents = [n * b - sum(c) for n, c, b in zip(x.shape[1:3], crops, block, strict=True)]
        shape = (x.shape[0] // prod(block), *extents, x.shape[3])
        inputs = [x, self.constant(block), self.constant(crops)]
        options = BatchToSpaceNDOptions()
        return self.op(OpCode.BATCH_TO_SPACE_ND, inputs, shape, options=options, version=2)

    def floats(self, values: npt.ArrayLike) -> Value:
        """A float constant."""
        return self.constant(values, DType.FLOAT32)


def _scale(x: Value) -> float:
    assert x.quant is not None
    assert x.quant.scale is not None
    return float(x.quant.scale[0])
