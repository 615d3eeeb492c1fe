"""Random layers that could be written in another form: one model for each seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from tests.support.graphs import Net
from tflopt.ir import Activation, DType, OpCode, Padding, Quantization, Value
from tflopt.ir.options import (
    AddOptions,
    BatchMatMulOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    MulOptions,
    PackOptions,
    Pool2DOptions,
    ReducerOptions,
    ResizeBilinearOptions,
    ResizeNearestNeighborOptions,
    SubOptions,
    UnpackOptions,
)

ACTIVATIONS = (
    Activation.NONE,
    Activation.RELU,
    Activation.RELU6,
    Activation.RELU_N1_TO_1,
)
ZERO_POINTS = (-128, -128, 127, 0, -1, 3, -100)
Quant = tuple[float, int]


@dataclass(frozen=True)
class Window:
    """Kernel, strides, dilations and padding of one convolution."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding

    def outputs(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output."""
        sizes = zip((height, width), self.kernel, self.stride, self.dilation, strict=True)
        if self.padding is Padding.SAME:
            return -(-height // self.stride[0]), -(-width // self.stride[1])
        rows, columns = (-(-(n - (k - 1) * d) // s) for n, k, s, d in sizes)
        return rows, columns


class Layers(Net):
    """Layers whose every property comes from ``rng``."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.rng = rng

    def pick(self, low: int, high: int) -> int:
        """A number in [low, high]."""
        return int(self.rng.integers(low, high + 1))

    def quant(self) -> Quant:
        """Parameters of a tensor, with zero points at the ends of int8 too."""
        return float(self.rng.uniform(0.005, 0.2)), int(self.rng.choice(ZERO_POINTS))

    def activation(self) -> Activation:
        """An activation that TFLM's integer kernels fuse."""
        return ACTIVATIONS[self.pick(0, 3)]

    def window(self, height: int, width: int) -> Window:
        """A window that fits, sometimes dilated, sometimes strided."""
        kernel = self.pick(1, min(7, height)), self.pick(1, min(7, width))
        dilation = (1, 1)
        if self.rng.random() < 0.3:
            high, wide = (
                (n - 1) // max(k - 1, 1) for n, k in zip((height, width), kernel, strict=True)
            )
            dilation = self.pick(1, min(3, max(high, 1))), self.pick(1, min(3, max(wide, 1)))
        stride = (1, 1)
        if dilation == (1, 1) and self.rng.random() < 0.5:
            stride = self.pick(1, 3), self.pick(1, 3)
        return Window(kernel, stride, dilation, Padding(self.pick(0, 1)))

    def weights(self, shape: tuple[int, ...], axis: int, taps: int) -> tuple[Value, float]:
        """Weights per tensor or per channel, and the scale that makes outputs spread."""
        spread = float(self.rng.uniform(0.3, 3.0)) / (70 * sqrt(taps))
        count = shape[axis] if self.rng.random() < 0.6 else 1
        scales = (spread * self.rng.uniform(0.5, 1.5, count)).astype(np.float32)
        quant = Quantization.per_channel(scales, axis if count > 1 else 0)
        numbers = self.rng.integers(-127, 128, shape)
        return self.constant(numbers, DType.INT8, quant), spread

    def bias(self, count: int) -> list[Value]:
        """A bias, in most layers."""
        if self.rng.random() < 0.15:
            return []
        return [self.constant(self.rng.integers(-3000, 3000, count))]

    def convolution(self, x: Value, channels: int, groups: int, window: Window) -> Value:
        """CONV_2D."""
        depth = x.shape[3] // groups
        shape = (channels, *window.kernel, depth)
        weights, _ = self.weights(shape, 0, depth * window.kernel[0] * window.kernel[1])
        (dilation_h, dilation_w), (stride_h, stride_w) = window.dilation, window.stride
        options = Conv2DOptions(
            window.padding, stride_w, stride_h, self.activation(), dilation_w, dilation_h
        )
        return self.op(
            OpCode.CONV_2D,
            [x, weights, *self.bias(channels)],
            (x.shape[0], *window.outputs(*x.shape[1:3]), channels),
            options=options,
            quant=self.quant_like(x),
            version=3,
        )

    def depthwise(self, x: Value, multiplier: int, window: Window) -> Value:
        """DEPTHWISE_CONV_2D."""
        channels = x.shape[3] * multiplier
        taps = window.kernel[0] * window.kernel[1]
        weights, _ = self.weights((1, *window.kernel, channels), 3, taps)
        (dilation_h, dilation_w), (stride_h, stride_w) = window.dilation, window.stride
        fused = self.activation()
        return self.op(
            OpCode.DEPTHWISE_CONV_2D,
            [x, weights, *self.bias(channels)],
            (x.shape[0], *window.outputs(*x.shape[1:3]), channels),
            options=DepthwiseConv2DOptions(
                window.padding, stride_w, stride_h, multiplier, fused, dilation_w, dilation_h
            ),
            quant=self.quant_like(x),
            version=3,
        )

    def quant_like(self, x: Value) -> Quant:
        """A scale near that of ``x``, so that the output neither vanishes nor saturates."""
        assert x.quant is not None
        scale, _ = x.quant.scalar()
        return scale * float(self.rng.uniform(0.6, 1.6)), int(self.rng.choice(ZERO_POINTS))

    def image(self, channels: int) -> Value:
        """An input of a few pixels, sometimes of a single row or pixel."""
        height, width = self.pick(1, 9), self.pick(1, 9)
        batches = 2 if self.rng.random() < 0.1 else 1
        return self.input((batches, height, width, channels), quant=self.quant())


def grouped(n: Layers) -> Value:
    """Groups of equal size; often one channel each."""
    groups = n.pick(2, 10)
    depth = 1 if n.rng.random() < 0.6 else n.pick(2, 4)
    x = n.image(groups * depth)
    return n.convolution(x, groups * n.pick(1, 4), groups, n.window(*x.shape[1:3]))


def one_channel(n: Layers) -> Value:
    """CONV_2D of one input channel."""
    x = n.image(1)
    return n.convolution(x, n.pick(1, 40), 1, n.window(*x.shape[1:3]))


def dense_convolution(n: Layers) -> Value:
    """CONV_2D of one group; often its kernel covers the input."""
    x = n.image(n.pick(1, 40))
    window = n.window(*x.shape[1:3])
    if n.rng.random() < 0.5:
        window = Window((x.shape[1], x.shape[2]), (1, 1), (1, 1), Padding.VALID)
    return n.convolution(x, n.pick(1, 20), 1, window)


def depthwise(n: Layers) -> Value:
    """DEPTHWISE_CONV_2D with and without a multiplier, sometimes dilated."""
    x = n.image(1 if n.rng.random() < 0.2 else n.pick(2, 40))
    multiplier = n.pick(1, 8) if x.shape[3] > 1 else n.pick(1, 40)
    return n.depthwise(x, multiplier if x.shape[3] * multiplier < 200 else 1, _window(n, x))


def between(n: Layers) -> Value:
    """A depthwise convolution with a multiplier between two layers that can absorb it."""
    x = n.image(n.pick(1, 8))
    y = n.convolution(x, n.pick(2, 12), 1, _window(n, x))
    y = n.depthwise(y, n.pick(2, 5), _window(n, y))
    if n.rng.random() < 0.3:
        y = n.depthwise(y, 1, _window(n, y))
    if n.rng.random() < 0.3:
        y = n.relu(y)
    if n.rng.random() < 0.5:
        return n.convolution(y, n.pick(1, 12), 1, _window(n, y))
    rows = y.shape[0]
    if n.rng.random() < 0.5:
        y = n.reshape(y, rows, y.elements // rows)
    return dense_layer(n, y, rows)


def _window(n: Layers, x: Value) -> Window:
    return n.window(*x.shape[1:3])


def dense_layer(n: Layers, x: Value, rows: int) -> Value:
    """FULLY_CONNECTED on ``rows`` rows."""
    inputs, units = x.elements // rows, n.pick(1, 12)
    weights, _ = n.weights((units, inputs), 0, inputs)
    assert weights.quant is not None
    bias = n.bias(units)
    scale = 1.0 if x.quant is None else x.quant.scalar()[0]
    if bias and weights.quant.count == 1:
        assert weights.quant.scale is not None
        bias[0].quant = Quantization.per_tensor(float(np.float32(scale) * weights.quant.scale[0]))
    inputs_: list[Value | None] = [x, weights, bias[0] if bias else None]
    return n.op(
        OpCode.FULLY_CONNECTED,
        inputs_,
        (rows, units),
        options=FullyConnectedOptions(n.activation()),
        quant=n.quant_like(x),
        version=4,
    )


def fully_connected(n: Layers) -> Value:
    """FULLY_CONNECTED alone."""
    rows = n.pick(1, 5)
    return dense_layer(n, n.input((rows, n.pick(1, 40)), quant=n.quant()), rows)


def mean(n: Layers) -> Value:
    """MEAN over neighbouring axes, with equal and with different parameters."""
    x = n.image(n.pick(1, 20))
    axes = [(1, 2), (1,), (2,), (3,), (2, 3), (1, 2, 3)][n.pick(0, 5)]
    keep = bool(n.pick(0, 1))
    quant = n.quant_like(x) if n.rng.random() < 0.6 else None
    shape = [1 if i in axes else d for i, d in enumerate(x.shape) if keep or i not in axes]
    code = OpCode.MEAN if n.rng.random() < 0.8 else OpCode.SUM
    inputs = [x, n.constant(axes)]
    return n.op(code, inputs, shape, options=ReducerOptions(keep), quant=quant, version=2)


def matmul(n: Layers) -> Value:
    """BATCH_MATMUL with a constant matrix."""
    rows, inputs, outputs = n.pick(1, 6), n.pick(1, 20), n.pick(1, 12)
    lead = [(), (1,), (2,), (2, 3)][n.pick(0, 3)]
    x = n.input((*lead, rows, inputs), quant=n.quant())
    adj = bool(n.pick(0, 1))
    shape = (outputs, inputs) if adj else (inputs, outputs)
    numbers = n.rng.integers(-127, 128, shape)
    matrix = n.constant(numbers, DType.INT8, (0.02 / sqrt(inputs), 0))
    options = BatchMatMulOptions(adj_y=adj)
    out = (*lead, rows, outputs)
    inputs_ = [x, matrix]
    return n.op(
        OpCode.BATCH_MATMUL, inputs_, out, options=options, quant=n.quant_like(x), version=2
    )


def with_constant(n: Layers) -> Value:
    """ADD, SUB or MUL of a constant, often one that changes nothing."""
    x = n.relu(n.input((1, n.pick(1, 4), n.pick(1, 6)), quant=n.quant()))
    code = (OpCode.ADD, OpCode.SUB, OpCode.MUL)[n.pick(0, 2)]
    assert x.quant is not None
    options = {
        OpCode.ADD: AddOptions(n.activation()),
        OpCode.SUB: SubOptions(n.activation()),
        OpCode.MUL: MulOptions(n.activation()),
    }[code]
    shape = x.shape if n.rng.random() < 0.5 else x.shape[-1:]
    if n.rng.random() < 0.4:
        neutral = 100 if code is OpCode.MUL else 7
        constant = n.constant(np.full(shape, neutral), DType.INT8, (0.01, 0 if neutral > 7 else 7))
        return n.op(code, [x, constant], x.shape, options=options, version=2)
    scale = x.quant.scalar()[0]
    quant = (scale * float(n.rng.uniform(0.5, 1.5)), int(n.rng.integers(-60, 60)))
    constant = n.constant(n.rng.integers(-50, 50, shape), DType.INT8, quant)
    out = (scale * 2, int(n.rng.choice(ZERO_POINTS)))
    return n.op(code, [x, constant], x.shape, options=options, quant=out, version=2)


def unit_pool(n: Layers) -> Value:
    """Pooling with a window of one element."""
    x = n.relu(n.image(n.pick(1, 8)))
    code = OpCode.AVERAGE_POOL_2D if n.pick(0, 1) else OpCode.MAX_POOL_2D
    fused = Activation.NONE if n.rng.random() < 0.6 else n.activation()
    options = Pool2DOptions(Padding(n.pick(0, 1)), 1, 1, 1, 1, fused)
    return n.op(code, [x], x.shape, options=options, version=2)


def resized(n: Layers) -> Value:
    """RESIZE to the same size."""
    x = n.relu(n.image(n.pick(1, 8)))
    inputs = [x, n.constant(x.shape[1:3])]
    centers = bool(n.pick(0, 1))
    if n.pick(0, 1):
        bilinear = ResizeBilinearOptions(half_pixel_centers=centers)
        return n.op(OpCode.RESIZE_BILINEAR, inputs, x.shape, options=bilinear, version=3)
    nearest = ResizeNearestNeighborOptions(half_pixel_centers=centers)
    return n.op(OpCode.RESIZE_NEAREST_NEIGHBOR, inputs, x.shape, options=nearest, version=3)


def packed(n: Layers) -> Value:
    """PACK or UNPACK of one tensor."""
    x = n.relu(n.input((1, n.pick(1, 4), n.pick(1, 6)), quant=n.quant()))
    if n.pick(0, 1):
        return n.op(OpCode.PACK, [x], (1, *x.shape), options=PackOptions(1, 0), version=2)
    return n.op(OpCode.UNPACK, [x], x.shape[1:], options=UnpackOptions(1, 0), version=2)


def twins(n: Layers) -> Value:
    """Two equal branches, joined."""
    x = n.relu(n.image(n.pick(1, 8)))
    pool = Pool2DOptions(Padding.SAME, 1, 1, 2, 2)
    one, two = (n.op(OpCode.MAX_POOL_2D, [x], x.shape, options=pool, version=2) for _ in range(2))
    return n.concat(n.relu(one), n.relu(two), axis=3)


KINDS: tuple[Callable[[Layers], Value], ...] = (
    grouped,
    grouped,
    one_channel,
    depthwise,
    depthwise,
    between,
    dense_convolution,
    fully_connected,
    mean,
    mean,
    matmul,
    with_constant,
    unit_pool,
    resized,
    packed,
    twins,
)


def random_layer(seed: int) -> Net:
    """The model of a seed: one layer of one kind, or a few around it."""
    n = Layers(np.random.default_rng(seed))
    n.output(KINDS[seed % len(KINDS)](n))
    return n
