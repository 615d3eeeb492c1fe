"""Examples: operators that TFLM lacks, and computed shapes."""

from __future__ import annotations

from tests.support.graphs import QUANT
from tests.support.kit import Kit
from tests.support.rule_examples.example import LITERT, TFLM, example
from tflopt.ir import DType, OpCode, Record, Value
from tflopt.ir.options import CastOptions, FullyConnectedOptions, ReducerOptions, TileOptions

NOBODY: tuple[str, ...] = ()
"""Neither TFLM nor LiteRT's reference kernels have an int8 TILE."""


@example(runners=NOBODY)
def repeat_to_resize(n: Kit) -> Value:
    """UpSampling1D."""
    x = n.reshape(n.relu(n.feed(1, 1, 8, 3)), 1, 8, 1, 3)
    inputs = [x, n.constant([1, 1, 2, 1])]
    y = n.op(OpCode.TILE, inputs, (1, 8, 2, 3), options=TileOptions(), version=3)
    return n.reshape(y, 1, 1, 16, 3)


@example(runners=LITERT)
def look_up_missing(n: Kit) -> Value:
    x = n.feed(1, 8)
    return n.op(OpCode.GELU, [x], x.shape)


@example()
def merge_resizes(n: Kit) -> Value:
    """UpSampling2D, once its two TILE are RESIZE."""
    x = n.reshape(n.relu(n.feed(1, 8, 4, 3)), 1, 8, 1, 12)
    x = n.reshape(n.resize_nearest(x, 8, 2), 1, 64, 1, 3)
    return n.relu(n.reshape(n.resize_nearest(x, 64, 2), 1, 16, 8, 3))


@example(runners=LITERT)
def split_concatenation(n: Kit) -> Value:
    return n.concat(*(n.feed(1, 1, 2) for _ in range(12)), axis=1)


@example(runners=LITERT)
def relu_to_clamp(n: Kit) -> Value:
    return n.op(OpCode.RELU_N1_TO_1, [n.feed(1, 4)], (1, 4))


@example(runners=LITERT)
def select_to_select_v2(n: Kit) -> Value:
    inputs = [n.input((2, 3), DType.BOOL), n.feed(2, 3), n.feed(2, 3)]
    return n.op(OpCode.SELECT, inputs, (2, 3), quant=QUANT, dtype=DType.INT8)


@example(runners=TFLM)
def dense_s16_to_conv(n: Kit) -> Value:
    x = n.input((1, 6), DType.INT16, quant=(0.001, 0))
    inputs = [x, n.weights((4, 6), 6, x, (0.002, 0), axis=0)]
    options = FullyConnectedOptions()
    code, quant = OpCode.FULLY_CONNECTED, (0.002, 0)
    return n.op(code, inputs, (1, 4), options=options, quant=quant, version=7)


@example(runners=LITERT)
def cast_from_uint8(n: Kit) -> Value:
    x = n.input((2, 3), DType.UINT8, quant=None)
    options = CastOptions(DType.UINT8.value, DType.INT32.value)
    y = n.op(OpCode.CAST, [x], (2, 3), options=options, dtype=DType.INT32)
    y.quant = None
    return y


@example(runners=LITERT)
def narrow_arg_max(n: Kit) -> Value:
    """What reads it here takes either; an output of the model needs ``--narrow-outputs``."""
    inputs = [n.feed(2, 5), n.constant(1)]
    index = n.op(OpCode.ARG_MAX, inputs, (2,), dtype=DType.INT64)
    assert index.producer is not None
    index.producer.options = Record("ArgMaxOptions", {"output_type": DType.INT64.value})
    options = CastOptions(DType.INT64.value, DType.FLOAT32.value)
    return n.op(OpCode.CAST, [index], (2,), options=options, dtype=DType.FLOAT32)


@example(runners=LITERT)
def reduce_any_to_all(n: Kit) -> Value:
    inputs = [n.input((2, 3, 4), DType.BOOL), n.constant([1])]
    return n.op(OpCode.REDUCE_ANY, inputs, (2, 4), options=ReducerOptions(), version=1)


@example(runners=NOBODY)
def fold_shape(n: Kit) -> Value:
    rank = n.op(OpCode.RANK, [n.feed(1, 3)], (), dtype=DType.INT32)
    rank.quant = None
    return n.op(OpCode.CAST, [rank], (), options=CastOptions(), dtype=DType.FLOAT32)


@example()
def shape_to_options(n: Kit) -> Value:
    return n.relu(n.reshape(n.relu(n.feed(2, 3)), 3, 2))
