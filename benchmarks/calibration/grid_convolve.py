"""Convolutions of the grid: every function of CMSIS-NN, on every ISA."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from benchmarks.calibration.sample import (
    MAX_BYTES,
    MAX_MACS,
    OUTPUT_QUANTS,
    Group,
    Sampler,
    out_size,
)
from tflopt.ir import DType, OpCode, Padding, Value
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions, TransposeConvOptions
from tflopt.target.cost.features_convolve import INT16_DEPTH_LIMIT


@dataclass(frozen=True)
class Shape:
    """One convolution before it is built."""

    h: int
    w: int
    c: int
    out_c: int
    kh: int
    kw: int
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    padding: Padding = Padding.VALID
    batches: int = 1

    @property
    def out(self) -> tuple[int, int]:
        """Output height and width."""
        return (
            out_size(self.padding, self.h, self.kh, self.stride[0], self.dilation[0]),
            out_size(self.padding, self.w, self.kw, self.stride[1], self.dilation[1]),
        )

    @property
    def fits(self) -> bool:
        """Whether it is a layer, of a size that an emulator runs at once."""
        pixels = self.batches * self.out[0] * self.out[1]
        macs = pixels * self.out_c * self.kh * self.kw * self.c // self.groups
        size = max(self.batches * self.h * self.w * self.c, pixels * self.out_c)
        return 0 < macs <= MAX_MACS and size <= MAX_BYTES


def conv_2d(s: Sampler, shape: Shape, dtype: DType = DType.INT8) -> Value:
    """CONV_2D."""
    x = s.feed((shape.batches, shape.h, shape.w, shape.c), dtype)
    weights = s.weights((shape.out_c, shape.kh, shape.kw, shape.c // shape.groups), 0, dtype)
    options = Conv2DOptions(
        padding=shape.padding,
        stride_h=shape.stride[0],
        stride_w=shape.stride[1],
        dilation_h_factor=shape.dilation[0],
        dilation_w_factor=shape.dilation[1],
    )
    return s.builder.op(
        OpCode.CONV_2D,
        [x, weights, s.bias(shape.out_c, dtype=dtype)],
        (shape.batches, *shape.out, shape.out_c),
        options=options,
        quant=OUTPUT_QUANTS.get(dtype),
        version=3,
    )


def depthwise_conv_2d(s: Sampler, shape: Shape, dtype: DType = DType.INT8) -> Value:
    """DEPTHWISE_CONV_2D; the multiplier is output by input channels."""
    x = s.feed((shape.batches, shape.h, shape.w, shape.c), dtype)
    weights = s.weights((1, shape.kh, shape.kw, shape.out_c), 3, dtype)
    options = DepthwiseConv2DOptions(
        padding=shape.padding,
        stride_h=shape.stride[0],
        stride_w=shape.stride[1],
        depth_multiplier=shape.out_c // shape.c,
        dilation_h_factor=shape.dilation[0],
        dilation_w_factor=shape.dilation[1],
    )
    return s.builder.op(
        OpCode.DEPTHWISE_CONV_2D,
        [x, weights, s.bias(shape.out_c, dtype=dtype)],
        (shape.batches, *shape.out, shape.out_c),
        options=options,
        quant=OUTPUT_QUANTS.get(dtype),
        version=3,
    )


def pointwise(s: Sampler) -> Value:
    """1x1, stride 1."""
    while True:
        shape = Shape(s.size(1, 24), s.size(1, 24), s.size(1, 160), s.size(1, 160), 1, 1)
        if shape.fits:
            return conv_2d(s, shape)


def pointwise_few(s: Sampler) -> Value:
    """1x1 over one to five pixels, as networks have that take one step at a time."""
    return conv_2d(
        s, Shape(1, s.dice.choice([1, 1, 2, 3, 5]), s.size(1, 256), s.size(1, 256), 1, 1)
    )


def pointwise_strided(s: Sampler) -> Value:
    """1x1 with a stride."""
    while True:
        stride = s.dice.choice([(2, 2), (2, 1), (1, 2), (3, 3)])
        sizes = (s.size(2, 30), s.size(2, 30), s.size(1, 128), s.size(1, 128))
        shape = Shape(*sizes, 1, 1, stride)
        if shape.fits:
            return conv_2d(s, shape)


def general(s: Sampler, dtype: DType = DType.INT8) -> Value:
    """A window of several taps."""
    while True:
        stride = s.dice.choice([(1, 1), (1, 1), (2, 2), (2, 1), (1, 2)])
        dilation = s.dice.choice([(1, 1), (1, 1), (1, 1), (2, 2), (1, 2), (3, 1)])
        shape = Shape(
            *(s.size(1, 32), s.size(1, 32), s.size(1, 96), s.size(1, 96)),
            *(s.size(1, 9), s.size(1, 9), stride, dilation),
            padding=s.padding(),
        )
        undilated = dtype is not DType.INT16 or dilation == (1, 1)
        if shape.fits and shape.kh * shape.kw > 1 and undilated:
            return conv_2d(s, shape, dtype)


def deep_int16(s: Sampler) -> Value:
    """More than 512 taps, which int16 adds up in 64 bits."""
    while True:
        sizes = (s.size(1, 12), s.size(1, 12), s.size(32, 128), s.size(1, 32))
        shape = Shape(*sizes, s.size(1, 5), s.size(2, 5), padding=s.padding())
        if shape.fits and shape.kh * shape.kw * shape.c >= INT16_DEPTH_LIMIT:
            return conv_2d(s, shape, DType.INT16)


def row(s: Sampler) -> Value:
    """One row high, as a convolution over time is; strides that MVE's function computes right."""
    while True:
        padding = s.padding()
        shape = Shape(1, s.size(4, 200), s.size(1, 64), s.size(1, 64), 1, s.size(2, 12))
        shape = Shape(1, shape.w, shape.c, shape.out_c, 1, shape.kw, padding=padding)
        if shape.fits:
            return conv_2d(s, shape)


def column(s: Sampler) -> Value:
    """One column wide, with a stride or a dilation along the height."""
    while True:
        stride, dilation = s.dice.choice([(1, 1), (2, 1), (1, 2), (1, 4), (3, 1)])
        sizes = (s.size(8, 200), 1, s.size(1, 64), s.size(1, 64), s.size(2, 12), 1)
        shape = Shape(*sizes, (stride, 1), (dilation, 1), padding=s.padding())
        if shape.fits:
            return conv_2d(s, shape)


def grouped(s: Sampler) -> Value:
    """Several groups, up to one for each channel."""
    while True:
        groups, each, outs = s.size(2, 64), s.size(1, 16), s.size(1, 16)
        kernel = s.dice.choice([1, 2, 3, 3, 3, 5])
        shape = Shape(
            *(s.size(2, 24), s.size(2, 24), groups * each, groups * outs, kernel, kernel),
            stride=s.dice.choice([(1, 1), (1, 1), (2, 2)]),
            groups=groups,
            padding=s.padding(),
        )
        if shape.fits:
            return conv_2d(s, shape)


def depthwise_3x3(s: Sampler) -> Value:
    """The commonest depthwise layer."""
    while True:
        channels = s.size(2, 200)
        stride = s.dice.choice([(1, 1), (1, 1), (2, 2)])
        sizes = (s.size(3, 40), s.size(3, 40), channels, channels, 3, 3)
        shape = Shape(*sizes, stride, padding=s.padding())
        if shape.fits:
            return depthwise_conv_2d(s, shape)


def depthwise(s: Sampler) -> Value:
    """Multiplier 1 with any window."""
    while True:
        channels = s.size(2, 300)
        stride = s.dice.choice([(1, 1), (1, 1), (2, 2), (2, 1)])
        sizes = (s.size(1, 40), s.size(1, 40), channels, channels, s.size(1, 9), s.size(1, 9))
        shape = Shape(*sizes, stride, padding=s.padding())
        if shape.fits:
            return depthwise_conv_2d(s, shape)


def depthwise_multiplied(s: Sampler, dtype: DType = DType.INT8) -> Value:
    """A multiplier above 1, or a dilation, or several batches: the generic function."""
    while True:
        channels, factor = s.size(2, 48), s.dice.choice([1, 1, 2, 2, 3, 5, 6])
        dilation = s.dice.choice([(1, 1), (2, 2), (1, 2), (2, 1)])
        batches = s.dice.choice([1, 1, 1, 2])
        sizes = (s.size(2, 24), s.size(2, 24), channels, channels * factor)
        kernel = (s.size(1, 7), s.size(1, 7))
        shape = Shape(*sizes, *kernel, (1, 1), dilation, padding=s.padding(), batches=batches)
        if shape.fits and (factor > 1 or dilation != (1, 1) or batches > 1):
            return depthwise_conv_2d(s, shape, dtype)


def depthwise_by_four(s: Sampler) -> Value:
    """A multiplier divisible by four."""
    while True:
        channels, factor = s.size(2, 32), s.dice.choice([4, 4, 8, 12])
        sizes = (s.size(2, 24), s.size(2, 24), channels, channels * factor)
        kernel = (s.size(1, 7), s.size(1, 7))
        shape = Shape(*sizes, *kernel, s.dice.choice([(1, 1), (2, 2)]), padding=s.padding())
        if shape.fits:
            return depthwise_conv_2d(s, shape)


def depthwise_one_input(s: Sampler) -> Value:
    """One input channel, which MVE runs as a convolution; sometimes one row high."""
    while True:
        height = 1 if s.dice.random() < 0.25 else s.size(2, 50)
        kernel_h = 1 if height == 1 else s.size(1, 10)
        stride = s.dice.choice([(1, 1), (2, 2)]) if height > 1 else (1, 1)
        sizes = (height, s.size(4, 60), 1, s.size(2, 40), kernel_h, s.size(1, 10))
        shape = Shape(*sizes, stride, padding=s.padding())
        if shape.fits:
            return depthwise_conv_2d(s, shape)


def transpose_conv(s: Sampler, dtype: DType = DType.INT8) -> Value:
    """TRANSPOSE_CONV, direct and (from 17 input channels with strides up to 2) reversed."""
    while True:
        h, w, c, out_c = s.size(1, 14), s.size(2, 14), s.size(1, 64), s.size(1, 40)
        kh, kw = s.size(1, 6), s.size(1, 6)
        stride_h, stride_w = s.dice.choice([(1, 1), (2, 2), (2, 2), (1, 2), (3, 3), (4, 4)])
        macs = h * w * c * out_c * kh * kw
        if macs <= MAX_MACS and kh >= stride_h and kw >= stride_w:
            break
    out = (1, (h - 1) * stride_h + kh, (w - 1) * stride_w + kw, out_c)
    options = TransposeConvOptions(padding=Padding.VALID, stride_h=stride_h, stride_w=stride_w)
    weights, bias = s.weights((out_c, kh, kw, c), 0, dtype), s.bias(out_c, dtype=dtype)
    inputs = [s.builder.constant(out), weights, s.feed((1, h, w, c), dtype), bias]
    code, quant = OpCode.TRANSPOSE_CONV, OUTPUT_QUANTS.get(dtype)
    return s.builder.op(code, inputs, out, options=options, quant=quant, dtype=dtype, version=3)


GROUPS = (
    Group("conv 1x1", 120, pointwise),
    Group("conv 1x1 few", 60, pointwise_few),
    Group("conv 1x1 strided", 90, pointwise_strided),
    Group("conv", 200, general),
    Group("conv 1xN", 80, row),
    Group("conv Nx1", 40, column),
    Group("conv grouped", 140, grouped),
    Group("depthwise 3x3", 80, depthwise_3x3),
    Group("depthwise", 140, depthwise),
    Group("depthwise multiplied", 80, depthwise_multiplied),
    Group("depthwise by four", 50, depthwise_by_four),
    Group("depthwise one input", 140, depthwise_one_input),
    Group("transpose conv", 200, transpose_conv),
    Group("conv i16", 60, partial(general, dtype=DType.INT16)),
    Group("conv i16 long", 40, deep_int16),
    Group("conv f32", 40, partial(general, dtype=DType.FLOAT32)),
    Group("depthwise i16", 50, partial(depthwise_multiplied, dtype=DType.INT16)),
    Group("depthwise f32", 40, partial(depthwise_multiplied, dtype=DType.FLOAT32)),
    Group("transpose conv i16", 40, partial(transpose_conv, dtype=DType.INT16)),
    Group("transpose conv f32", 30, partial(transpose_conv, dtype=DType.FLOAT32)),
)
