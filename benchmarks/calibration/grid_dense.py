"""Dense and recurrent layers of the grid."""

from __future__ import annotations

from benchmarks.calibration.sample import QUANT, Group, Sampler
from tflopt.ir import DType, OpCode, Quantization, Value
from tflopt.ir.options import (
    BatchMatMulOptions,
    FullyConnectedOptions,
    SVDFOptions,
    UnidirectionalSequenceLSTMOptions,
)
from tflopt.ir.types import Activation

INPUT_SCALE = 0.05


def _fully_connected(
    s: Sampler, shape: tuple[int, ...], units: int, dimension: int | None, keep: bool = False
) -> Value:
    weights = s.weights((units, shape[-1]), dimension)
    scale = None
    if dimension is None and weights.quant is not None:
        scale = INPUT_SCALE * weights.quant.scalar()[0]
    out = (*shape[:-1], units)
    options = FullyConnectedOptions(keep_num_dims=keep)
    inputs = [s.feed(shape), weights, s.bias(units, scale)]
    code = OpCode.FULLY_CONNECTED
    return s.builder.op(code, inputs, out, options=options, quant=QUANT, version=4)


def dense_float(s: Sampler) -> Value:
    """In float."""
    shape, units = (s.size(1, 6), s.size(1, 200)), s.size(1, 60)
    float32 = DType.FLOAT32
    weights = s.weights((units, shape[1]), None, float32)
    inputs = [s.feed(shape, float32), weights, s.bias(units, dtype=float32)]
    out, options = (shape[0], units), FullyConnectedOptions()
    return s.builder.op(OpCode.FULLY_CONNECTED, inputs, out, options=options, version=1)


def dense(s: Sampler) -> Value:
    """Per-tensor weights, sometimes several rows."""
    rows = s.dice.choice([1, 1, 1, s.size(2, 12)])
    return _fully_connected(s, (rows, s.size(1, 800)), s.size(1, 140), None)


def dense_per_channel(s: Sampler) -> Value:
    """A scale for each unit."""
    rows = s.dice.choice([1, 1, s.size(2, 12)])
    return _fully_connected(s, (rows, s.size(1, 600)), s.size(2, 100), 0)


def dense_3d(s: Sampler) -> Value:
    """A three-dimensional output, which runs as a 1x1 convolution if the depth divides by 4."""
    shape = (1, s.size(1, 40), 4 * s.size(1, 32))
    return _fully_connected(s, shape, s.size(2, 128), s.dice.choice([None, 0]), keep=True)


def batch_matmul(s: Sampler) -> Value:
    """Two activations, the right one sometimes stored transposed."""
    batches, rows, depth, columns = s.size(1, 6), s.size(1, 24), s.size(2, 64), s.size(2, 64)
    adj_x, adj_y = s.dice.random() < 0.3, s.dice.random() < 0.5
    lhs = (batches, depth, rows) if adj_x else (batches, rows, depth)
    rhs = (batches, columns, depth) if adj_y else (batches, depth, columns)
    options = BatchMatMulOptions(adj_x=adj_x, adj_y=adj_y)
    inputs = [s.feed(lhs), s.feed(rhs)]
    out = (batches, rows, columns)
    return s.builder.op(OpCode.BATCH_MATMUL, inputs, out, options=options, quant=QUANT, version=2)


def svdf(s: Sampler) -> Value:
    """SVDF with an int8 state."""
    rank, units, steps, depth = s.dice.choice([1, 2]), s.size(4, 128), s.size(2, 20), s.size(4, 128)
    filters = rank * units
    state = s.builder.value((1, filters * steps), DType.INT8, (0.01, 0))
    state.is_variable = True
    time = s.weights((filters, steps), scale=0.005)
    bias = s.builder.constant([0] * units, DType.INT32, quant=(0.01 * 0.005, 0))
    inputs = [s.feed((1, depth)), s.weights((filters, depth)), time, bias, state]
    options = SVDFOptions(rank=rank, fused_activation_function=Activation.RELU)
    return s.builder.op(
        OpCode.SVDF, inputs, (1, units), options=options, quant=(0.05, -128), version=3
    )


def lstm(s: Sampler) -> Value:
    """UNIDIRECTIONAL_SEQUENCE_LSTM without peepholes or projection, sometimes of a single step."""
    steps = s.dice.choice([1, s.size(2, 24)])
    depth, units = s.size(2, 260), s.size(2, 128)
    x = s.feed((1, steps, depth))
    scale = s.dice.uniform(0.0002, 0.002)
    into = [s.weights((units, depth), scale=scale) for _ in range(4)]
    back = [s.weights((units, units), scale=scale) for _ in range(4)]
    biases = [s.bias(units) for _ in range(4)]
    hidden = s.builder.value((1, units), DType.INT8, (1 / 128, 0))
    cell = s.builder.value((1, units), DType.INT16, Quantization.per_tensor(2.0**-12))
    hidden.is_variable = cell.is_variable = True
    inputs = [x, *into, *back, *[None] * 3, *biases, None, None, hidden, cell, *[None] * 4]
    options = UnidirectionalSequenceLSTMOptions(fused_activation_function=Activation.TANH)
    return s.builder.op(
        OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM,
        inputs,
        (1, steps, units),
        options=options,
        quant=(1 / 128, 0),
    )


GROUPS = (
    Group("dense", 90, dense),
    Group("dense per channel", 60, dense_per_channel),
    Group("dense 3-D", 90, dense_3d),
    Group("dense f32", 40, dense_float),
    Group("batch matmul", 90, batch_matmul),
    Group("svdf", 40, svdf),
    Group("lstm", 100, lstm),
)
