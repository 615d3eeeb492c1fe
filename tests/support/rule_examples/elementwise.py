"""Examples: activations, chains of elementwise operators, float islands."""

from __future__ import annotations

from tests.support.kit import Kit
from tests.support.rule_examples.example import example
from tests.support.worth import Always
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import ReducerOptions, SoftmaxOptions
from tflopt.rules.islands.round_islands import RoundIslands
from tflopt.rules.islands.round_mean import RoundMean
from tflopt.rules.islands.round_softmax import RoundSoftmax

EVEN = (0.0625, 0)
"""A power of two: floats are exact, so that sums round as integers do."""
ROUNDED = "Only with `--allow-lsb N`; here N is 1."


@example()
def fuse_activation(n: Kit) -> Value:
    return n.relu(n.conv2d(n.feed(1, 6, 6, 4), 8))


@example()
def fold_unary_chain(n: Kit) -> Value:
    x = n.quantize(n.relu(n.feed(1, 8)), (0.05, 3))
    return n.unary(OpCode.LOGISTIC, x, quant=(1 / 256, -128))


@example()
def sink_dequantize(n: Kit) -> Value:
    return n.unary(OpCode.RELU, n.dequantize(n.feed(1, 8)))


def _sum(n: Kit, *scales: tuple[float, int]) -> Value:
    x, y = (n.dequantize(n.input((1, 8), quant=quant)) for quant in scales[:2])
    return n.quantize(n.binary(OpCode.ADD, x, y), scales[2])


@example()
def integerize_islands(n: Kit) -> Value:
    return _sum(n, EVEN, EVEN, EVEN)


@example(RoundIslands(1), note=ROUNDED)
def round_islands(n: Kit) -> Value:
    x, y = (n.dequantize(n.input((1, 8), quant=quant)) for quant in ((0.05, 3), (0.031, -7)))
    return n.quantize(n.binary(OpCode.MUL, x, y), (0.0413, 5))


def _mean(n: Kit, source: tuple[float, int], target: tuple[float, int]) -> Value:
    x = n.dequantize(n.input((1, 2, 2, 5), quant=source))
    options = ReducerOptions(keep_dims=True)
    y = n.op(OpCode.MEAN, [x, n.constant([1, 2])], (1, 1, 1, 5), options=options)
    return n.quantize(y, target)


@example()
def select_before_dequantize(n: Kit) -> Value:
    return n.pool(OpCode.MAX_POOL_2D, n.dequantize(n.feed(1, 6, 6, 3)), (2, 2), stride=(2, 2))


@example()
def hoist_quantize(n: Kit) -> Value:
    parts = [
        n.dequantize(n.input((1, 4, 4, 3), quant=quant)) for quant in ((0.05, 3), (0.0413, -7))
    ]
    return n.quantize(n.concat(*parts, axis=3), (0.05, 3))


@example()
def weigh_islands(n: Kit) -> Value:
    x = n.unary(OpCode.LOGISTIC, n.dequantize(n.feed(1, 8)))
    return n.quantize(x, (1 / 256, -128))


@example(RoundSoftmax(Always(), 1), note=ROUNDED)
def round_softmax(n: Kit) -> Value:
    x = n.op(OpCode.SOFTMAX, [n.dequantize(n.feed(1, 8))], (1, 8), options=SoftmaxOptions(1.0))
    return n.quantize(x, (1 / 256, -128))


@example()
def integerize_mean(n: Kit) -> Value:
    return _mean(n, (0.0801, 3), (0.0203, -11))


@example(RoundMean(1), note=ROUNDED)
def round_mean(n: Kit) -> Value:
    return _mean(n, (0.0531, 3), (0.0531, 3))


@example()
def remove_identity(n: Kit) -> Value:
    return n.relu(n.binary(OpCode.ADD, n.relu(n.feed(1, 3)), n.level((1, 3), (0.0001, 0))))


@example()
def sub_to_add(n: Kit) -> Value:
    return n.binary(OpCode.SUB, n.feed(2, 4), n.level((2, 4), (0.05, -5)), quant=(0.1, 3))


@example()
def requantize_with_kernel(n: Kit) -> Value:
    return n.unary(OpCode.RELU, n.feed(1, 2, 3, 4), quant=(0.03, -128))


@example()
def fold_constants(n: Kit) -> Value:
    x = n.input((1, 4), DType.FLOAT32)
    return n.binary(OpCode.MUL, x, n.dequantize(n.level((1, 4))))
