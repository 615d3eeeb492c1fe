"""Layers that TFLM's or CMSIS-NN's kernels compute wrongly: one model for each known defect."""

from __future__ import annotations

import numpy as np

from tflopt.io import write_bytes
from tflopt.ir import Activation, DType, Graph, OpCode, Padding, Quantization, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    MaximumMinimumOptions,
    PadOptions,
    Pool2DOptions,
    ReshapeOptions,
    ResizeNearestNeighborOptions,
    SoftmaxOptions,
    SpaceToBatchNDOptions,
    SVDFOptions,
    TransposeConvOptions,
    TransposeOptions,
    UnidirectionalSequenceLSTMOptions,
)

SCALE = 0.05
WEIGHT_SCALE = 0.005


class _Layers(Builder):
    """A builder with seeded weights."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = np.random.default_rng(seed)

    def weights(self, *shape: int, axis: int = 0) -> Value:
        """Per-channel int8 weights."""
        quant = Quantization.per_channel([WEIGHT_SCALE] * shape[axis], axis)
        return self.constant(self.rng.integers(-127, 128, shape), DType.INT8, quant)

    def bias(self, channels: int) -> Value:
        """An int32 bias."""
        quant = Quantization.per_channel([SCALE * WEIGHT_SCALE] * channels, 0)
        return self.constant(self.rng.integers(-3000, 3000, channels), quant=quant)

    def conv(
        self,
        x: Value,
        weights: Value,
        bias: Value | None,
        shape: tuple[int, ...],
        stride_w: int = 1,
    ) -> Value:
        """CONV_2D, SAME."""
        options = Conv2DOptions(padding=Padding.SAME, stride_h=1, stride_w=stride_w)
        inputs = [x, weights] if bias is None else [x, weights, bias]
        return self.op(OpCode.CONV_2D, inputs, shape, options=options, quant=(SCALE, -4), version=3)

    def transpose_conv(
        self,
        x: Value,
        weights: Value,
        bias: Value | None,
        shape: tuple[int, ...],
        stride: tuple[int, int],
        padding: Padding,
    ) -> Value:
        """TRANSPOSE_CONV."""
        inputs = [self.constant(shape), weights, x, *([] if bias is None else [bias])]
        options = TransposeConvOptions(padding=padding, stride_h=stride[0], stride_w=stride[1])
        return self.op(
            OpCode.TRANSPOSE_CONV,
            inputs,
            shape,
            options=options,
            quant=(SCALE, 0),
            dtype=x.dtype,
            version=3,
        )

    def transpose(self, x: Value, *perm: int) -> Value:
        """TRANSPOSE."""
        shape = [x.shape[axis] for axis in perm]
        inputs = [x, self.constant(perm)]
        return self.op(OpCode.TRANSPOSE, inputs, shape, options=TransposeOptions(), version=2)

    def done(self, *outputs: Value) -> bytes:
        """The file."""
        self.output(*outputs)
        return write_bytes(self.model)


def conv_1xn_strided() -> bytes:
    """Keras ``Conv1D(6, 5, strides=2, padding="same")`` on 20 steps of 4 channels."""
    b = _Layers(1)
    x = b.input((1, 1, 20, 4), quant=(SCALE, 3))
    return b.done(b.conv(x, b.weights(6, 1, 5, 4), b.bias(6), (1, 1, 10, 6), stride_w=2))


def conv_s16_without_bias() -> bytes:
    """A convolution of int16 activations without a bias."""
    b = _Layers(13)
    x = b.input((1, 5, 5, 8), DType.INT16, quant=(SCALE / 256, 0))
    weights = b.weights(4, 3, 3, 8)
    options = Conv2DOptions(padding=Padding.SAME, stride_h=1, stride_w=1)
    shape, quant = (1, 5, 5, 4), (SCALE / 256, 0)
    out = b.op(OpCode.CONV_2D, [x, weights], shape, options=options, quant=quant, version=4)
    return b.done(out)


def depthwise_row_scratch() -> bytes:
    """A depthwise convolution over one row of one channel."""
    b = _Layers(2)
    x = b.input((1, 1, 40, 1), quant=(SCALE, 3))
    options = DepthwiseConv2DOptions(
        padding=Padding.SAME, stride_h=1, stride_w=1, depth_multiplier=8
    )
    inputs = [x, b.weights(1, 1, 5, 8, axis=3), b.bias(8)]
    shape = (1, 1, 40, 8)
    out = b.op(OpCode.DEPTHWISE_CONV_2D, inputs, shape, options=options, quant=(SCALE, 0))
    return b.done(out)


def fully_connected_debug_assert() -> bytes:
    """A dense layer on every step of a sequence, with per-tensor weights, and a view of it."""
    b = _Layers(3)
    x = b.input((1, 6, 8), quant=(SCALE, 3))
    weights = b.constant(b.rng.integers(-127, 128, (4, 8)), DType.INT8, (WEIGHT_SCALE, 0))
    bias = b.constant(b.rng.integers(-3000, 3000, 4), quant=(SCALE * WEIGHT_SCALE, 0))
    options = FullyConnectedOptions(keep_num_dims=True)
    inputs = [x, weights, bias]
    shape = (1, 6, 4)
    code = OpCode.FULLY_CONNECTED
    steps = b.op(code, inputs, shape, options=options, quant=(SCALE, 0), version=4)
    flat = (1, 24)
    return b.done(b.op(OpCode.RESHAPE, [steps], flat, options=ReshapeOptions(flat)))


def fully_connected_s16_bias() -> bytes:
    """A dense layer of int16 activations with a bias of int32."""
    b = _Layers(23)
    x = b.input((2, 8), DType.INT16, quant=(SCALE / 256, 0))
    weights = b.constant(b.rng.integers(-127, 128, (4, 8)), DType.INT8, (WEIGHT_SCALE, 0))
    bias = b.constant(b.rng.integers(-3000, 3000, 4), quant=(SCALE / 256 * WEIGHT_SCALE, 0))
    inputs = [x, weights, bias]
    shape, quant = (2, 4), (SCALE / 256, 0)
    options = FullyConnectedOptions()
    code = OpCode.FULLY_CONNECTED
    return b.done(b.op(code, inputs, shape, options=options, quant=quant, version=7))


def grouped_conv_scratch() -> bytes:
    """A 1x1 convolution in two groups."""
    b = _Layers(4)
    x = b.input((1, 5, 5, 16), quant=(SCALE, 3))
    return b.done(b.conv(x, b.weights(8, 1, 1, 8), b.bias(8), (1, 5, 5, 8)))


def grouped_conv_without_bias() -> bytes:
    """A 3x3 convolution in two groups, without a bias."""
    b = _Layers(5)
    x = b.input((1, 5, 5, 8), quant=(SCALE, 3))
    return b.done(b.conv(x, b.weights(8, 3, 3, 4), None, (1, 5, 5, 8)))


def lstm_state() -> bytes:
    """An LSTM over three steps of a sequence."""
    b = _Layers(17)
    x = b.input((1, 3, 4), quant=(SCALE, 3))

    def matrix(columns: int) -> Value:
        return b.constant(b.rng.integers(-127, 128, (6, columns)), DType.INT8, (WEIGHT_SCALE, 0))

    inner = [matrix(4) for _ in range(4)]
    recurrent = [matrix(6) for _ in range(4)]
    quant = (SCALE * WEIGHT_SCALE, 0)
    biases = [b.constant(b.rng.integers(-2000, 2001, 6), quant=quant) for _ in range(4)]
    states = [b.value((1, 6), DType.INT8, (1 / 128, 0)), b.value((1, 6), DType.INT16, (2**-11, 0))]
    for state in states:
        state.is_variable = True
    none: list[Value | None] = [None]
    inputs = [x, *inner, *recurrent, *none * 3, *biases, *none * 2, *states, *none * 4]
    options = UnidirectionalSequenceLSTMOptions(Activation.TANH, cell_clip=10.0)
    code, quant = OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM, (1 / 128, 0)
    return b.done(b.op(code, inputs, (1, 3, 6), options=options, quant=quant, version=3))


def maximum_of_vector() -> bytes:
    """A MAXIMUM of two vectors."""
    b = _Layers(20)
    x, y = b.input((12,), quant=(SCALE, 3)), b.input((12,), quant=(SCALE, 3))
    out = b.op(OpCode.MAXIMUM, [x, y], (12,), options=MaximumMinimumOptions(), quant=(SCALE, 3))
    return b.done(out)


def pad_below_rank_four() -> bytes:
    """A PAD of three dimensions."""
    b = _Layers(21)
    x = b.input((4, 5, 3), quant=(SCALE, 3))
    inputs = [x, b.constant([[1, 1], [2, 0], [0, 0]])]
    return b.done(b.op(OpCode.PAD, inputs, (6, 7, 3), options=PadOptions(), quant=(SCALE, 3)))


def pool_batches() -> bytes:
    """A MAX_POOL_2D of two images."""
    b = _Layers(22)
    x = b.input((2, 4, 4, 3), quant=(SCALE, 3))
    options = Pool2DOptions(
        padding=Padding.VALID, stride_w=2, stride_h=2, filter_width=2, filter_height=2
    )
    shape = (2, 2, 2, 3)
    return b.done(b.op(OpCode.MAX_POOL_2D, [x], shape, options=options, quant=(SCALE, 3)))


def resize_nearest_centers() -> bytes:
    """A RESIZE_NEAREST_NEIGHBOR from 4 to 3 rows and from 4 to 6 columns."""
    b = _Layers(23)
    x = b.input((1, 4, 4, 3), quant=(SCALE, 3))
    options = ResizeNearestNeighborOptions(half_pixel_centers=True)
    inputs, shape = [x, b.constant([3, 6])], (1, 3, 6, 3)
    out = b.op(OpCode.RESIZE_NEAREST_NEIGHBOR, inputs, shape, options=options, quant=(SCALE, 3))
    return b.done(out)


def softmax_s16_single() -> bytes:
    """A softmax over one class, in int16."""
    b = _Layers(14)
    x = b.input((3, 1), DType.INT16, quant=(SCALE / 256, 0))
    quant = (1 / 32768, 0)
    out = b.op(OpCode.SOFTMAX, [x], (3, 1), options=SoftmaxOptions(1.0), quant=quant, version=3)
    return b.done(out)


def space_to_batch_padding() -> bytes:
    """A SPACE_TO_BATCH_ND that pads a tensor whose zero point is not 0."""
    b = _Layers(16)
    x = b.input((1, 5, 5, 3), quant=(SCALE, 40))
    inputs = [x, b.constant([2, 2]), b.constant([[1, 2], [2, 1]])]
    shape = (4, 4, 4, 3)
    options = SpaceToBatchNDOptions()
    return b.done(b.op(OpCode.SPACE_TO_BATCH_ND, inputs, shape, options=options, version=2))


def svdf_for_size() -> bytes:
    """An SVDF of int8 whose state can't saturate."""
    b = _Layers(24)
    x = b.input((1, 16), quant=(SCALE, 0))
    weights = b.constant(b.rng.integers(-127, 128, (4, 16)), DType.INT8, (0.004, 0))
    time = b.constant(b.rng.integers(-127, 128, (4, 3)), DType.INT8, (0.005, 0))
    bias = b.constant(b.rng.integers(-500, 500, 4), quant=(0.5 * 0.005, 0))
    state = b.value((1, 12), DType.INT8, (0.5, 0))
    state.is_variable = True
    inputs, options = [x, weights, time, bias, state], SVDFOptions(rank=1)
    out = b.op(OpCode.SVDF, inputs, (1, 4), options=options, quant=(SCALE, -3), version=3)
    return b.done(out)


def svdf_int8_state() -> bytes:
    """An SVDF whose int8 state saturates."""
    b = _Layers(15)
    x = b.input((1, 16), quant=(SCALE, -128))
    weights = b.constant(b.rng.integers(-127, 128, (4, 16)), DType.INT8, (0.004, 0))
    time = b.constant(b.rng.integers(-127, 128, (4, 3)), DType.INT8, (0.005, 0))
    bias = b.constant(b.rng.integers(-500, 500, 4), quant=(0.03 * 0.005, 0))
    state = b.value((1, 12), DType.INT8, (0.03, 0))
    state.is_variable = True
    inputs = [x, weights, time, bias, state]
    options = SVDFOptions(rank=1)
    out = b.op(OpCode.SVDF, inputs, (1, 4), options=options, quant=(SCALE, -3), version=3)
    return b.done(out)


def transpose_conv_rows() -> bytes:
    """An upsampling by two, whose padding at the top is no multiple of its stride."""
    b = _Layers(6)
    x = b.input((1, 4, 4, 8), quant=(SCALE, 3))
    weights, bias = b.weights(4, 4, 4, 8), b.bias(4)
    shape = (1, 8, 8, 4)
    return b.done(b.transpose_conv(x, weights, bias, shape, (2, 2), Padding.SAME))


def transpose_conv_s16_without_bias() -> bytes:
    """An upsampling of int16 activations without a bias."""
    b = _Layers(7)
    x = b.input((1, 4, 4, 8), DType.INT16, quant=(SCALE / 256, 0))
    weights = b.weights(4, 2, 2, 8)
    shape = (1, 8, 8, 4)
    return b.done(b.transpose_conv(x, weights, None, shape, (2, 2), Padding.SAME))


def transpose_conv_scratch() -> bytes:
    """A stride that is wider than the filter."""
    b = _Layers(8)
    x = b.input((1, 4, 4, 8), quant=(SCALE, 3))
    weights, bias = b.weights(4, 1, 2, 8), b.bias(4)
    shape = (1, 4, 12, 4)
    return b.done(b.transpose_conv(x, weights, bias, shape, (1, 3), Padding.SAME))


def transpose_identity() -> bytes:
    """A TRANSPOSE that changes nothing, between input and output."""
    b = _Layers(9)
    return b.done(b.transpose(b.input((1, 3, 4, 5), quant=(SCALE, 3)), 0, 1, 2, 3))


def transpose_rank_five() -> bytes:
    """A TRANSPOSE of five dimensions, as a channel shuffle writes it."""
    b = _Layers(10)
    return b.done(b.transpose(b.input((1, 3, 4, 2, 6), quant=(SCALE, 3)), 0, 1, 2, 4, 3))


def transpose_rank_two() -> bytes:
    """A TRANSPOSE of a matrix that changes nothing, between input and output."""
    b = _Layers(11)
    return b.done(b.transpose(b.input((4, 6), quant=(SCALE, 3)), 0, 1))


def uncalled_scratch() -> bytes:
    """A second subgraph with a convolution, which nothing calls."""
    b = _Layers(13)
    x = b.input((1, 4, 4, 2), quant=(SCALE, 3))
    b.output(b.op(OpCode.RELU, [x], x.shape, quant=(SCALE, 3), version=2))
    b.graph = Graph(b.model)
    b.model.graphs.append(b.graph)
    x = b.input((1, 5, 5, 3), quant=(SCALE, 3))
    return b.done(b.conv(x, b.weights(4, 3, 3, 3), b.bias(4), (1, 5, 5, 4)))


def wide_depthwise_without_bias() -> bytes:
    """A depthwise convolution of 128 channels, without a bias."""
    b = _Layers(12)
    x = b.input((1, 5, 5, 128), quant=(SCALE, 3))
    options = DepthwiseConv2DOptions(
        padding=Padding.SAME, stride_h=1, stride_w=1, depth_multiplier=1
    )
    inputs = [x, b.weights(1, 3, 3, 128, axis=3)]
    shape = (1, 5, 5, 128)
    out = b.op(OpCode.DEPTHWISE_CONV_2D, inputs, shape, options=options, quant=(SCALE, 0))
    return b.done(out)
