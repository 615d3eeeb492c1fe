"""Examples: the same function by other operators, where that is better for the goal."""

from __future__ import annotations

import numpy as np

from tests.support.graphs import QUANT
from tests.support.kit import Kit
from tests.support.rule_examples.example import TFLM, example
from tflopt.ir import DType, OpCode, Padding, Value
from tflopt.ir.options import BatchMatMulOptions, FullyConnectedOptions, GatherOptions


@example()
def fold_diamond(n: Kit) -> Value:
    x = n.feed(1, 4, 4, 3)
    scaled = n.binary(OpCode.MUL, x, n.constant([127], DType.INT8, quant=(0.1 / 127, 0)))
    return n.binary(OpCode.MAXIMUM, x, scaled)


@example()
def merge_depthwise(n: Kit) -> Value:
    """Two branches of a MixConv."""
    one, two = n.split(n.feed(1, 6, 6, 4), 2, axis=3)
    return n.concat(n.depthwise(one, (3, 3)), n.depthwise(two, (5, 5)), axis=3)


@example()
def fold_channel_shuffle(n: Kit) -> Value:
    """ShuffleNet's shuffle of two groups."""
    x = n.relu(n.feed(1, 4, 4, 4))
    inputs = [x, n.constant([0, 2, 1, 3], DType.INT32)]
    y = n.op(OpCode.GATHER, inputs, x.shape, options=GatherOptions(3), version=2)
    return n.conv2d(y, 2, (1, 1))


@example()
def conv_to_depthwise(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 5, 5, 4), 4, groups=4)


@example()
def replicate_channels(n: Kit) -> Value:
    return n.depthwise(n.conv2d(n.feed(1, 5, 5, 2), 3, (1, 1)), multiplier=3)


@example()
def expand_depth_multiplier(n: Kit) -> Value:
    return n.conv2d(n.depthwise(n.feed(1, 5, 5, 3), multiplier=2), 4, (1, 1))


@example()
def fill_dilation(n: Kit) -> Value:
    return n.depthwise(n.feed(1, 9, 8, 3), (3, 3), dilation=(2, 2))


@example(note="Where arena is short: `--goal memory`, or a limit.")
def dilate_flat_kernel(n: Kit) -> Value:
    return n.depthwise(n.feed(1, 9, 1, 8), (9, 1), padding=Padding.VALID)


@example()
def depthwise_to_conv(n: Kit) -> Value:
    return n.depthwise(n.feed(1, 6, 6, 1), multiplier=3)


@example()
def merge_groups(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 5, 5, 6), 4, groups=2)


@example()
def split_groups(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 4, 4, 4), 6, groups=2)


@example()
def mean_to_convolution(n: Kit) -> Value:
    return n.reduce(OpCode.MEAN, n.input((1, 8, 8, 3), quant=(0.05, -128)), [1, 2])


@example()
def flatten_mean(n: Kit) -> Value:
    return n.reduce(OpCode.MEAN, n.input((1, 8, 8, 3), quant=(0.05, -128)), [1, 2])


@example(runners=TFLM)
def batch_matmul_to_fully_connected(n: Kit) -> Value:
    matrix = np.random.default_rng(1).integers(-127, 128, (4, 5))
    inputs = [n.feed(1, 5), n.constant(matrix, DType.INT8, quant=(0.01, 0))]
    options = BatchMatMulOptions(adj_y=True)
    return n.op(OpCode.BATCH_MATMUL, inputs, (1, 4), options=options, version=2)


@example(runners=TFLM, note="With `--runtime tflm`.")
def look_up_elu(n: Kit) -> Value:
    return n.unary(OpCode.RELU, n.feed(1, 600), quant=(0.031, -128))


@example()
def look_up_table(n: Kit) -> Value:
    return n.unary(OpCode.LOGISTIC, n.input((1, 64), quant=(0.02, 3)), quant=(1 / 256, -128))


@example()
def look_up_layers(n: Kit) -> Value:
    """A network of one number."""
    return n.fully_connected(n.fully_connected(n.input((1, 1), quant=(0.02, 0)), 8), 1)


@example()
def look_up_island(n: Kit) -> Value:
    """SiLU in float."""
    x = n.dequantize(n.input((1, 64), quant=(0.06, -10)))
    return n.quantize(n.binary(OpCode.MUL, x, n.unary(OpCode.LOGISTIC, x)), (0.03, -119))


@example()
def avoid_broadcast(n: Kit) -> Value:
    """Squeeze-and-excite: a computed factor for each channel."""
    return n.binary(OpCode.MUL, n.feed(1, 3, 4, 5), n.relu(n.feed(1, 1, 1, 5)))


@example(runners=TFLM)
def conv_to_fully_connected(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 3, 2, 3), 4, (3, 2), padding=Padding.VALID)


@example(runners=TFLM)
def fully_connected_to_conv(n: Kit) -> Value:
    """With scales whose product is the same in single and in double precision."""
    numbers = np.random.default_rng(1).integers(-127, 128, (4, 5))
    weights = n.constant(numbers, DType.INT8, quant=(2.0**-10, 0))
    inputs = [n.input((1, 5), quant=(0.5, 3)), weights, None]
    options = FullyConnectedOptions()
    return n.op(OpCode.FULLY_CONNECTED, inputs, (1, 4), options=options, quant=QUANT, version=4)
