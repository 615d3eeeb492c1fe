"""Models of one operator with given element types, for every operator that TFLM's types are known
of: valid in shapes and options, so that only the types decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tflopt.io import write_bytes
from tflopt.ir import DType, OpCode, Options, Padding, Quantization, Value
from tflopt.ir import options as o
from tflopt.ir.builder import Builder
from tflopt.ir.node import Buffer

Types = Sequence[DType]
BYTE = (DType.INT8, DType.UINT8)
OUTPUT_SCALES: dict[OpCode, dict[DType, tuple[float, int]]] = {
    OpCode.LOGISTIC: {DType.INT8: (1 / 256, -128), DType.INT16: (1 / 32768, 0)},
    OpCode.SOFTMAX: {DType.INT8: (1 / 256, -128), DType.INT16: (1 / 32768, 0)},
    OpCode.TANH: {DType.INT8: (1 / 128, 0), DType.INT16: (1 / 32768, 0)},
    OpCode.LOG_SOFTMAX: {DType.INT8: (16 / 256, 127)},
    OpCode.L2_NORMALIZATION: {DType.INT8: (1 / 128, 0)},
}
OPTIONS: dict[OpCode, Options] = {
    OpCode.SOFTMAX: o.SoftmaxOptions(1.0),
    OpCode.LEAKY_RELU: o.LeakyReluOptions(0.1),
    OpCode.SQUEEZE: o.SqueezeOptions((0,)),
    OpCode.ADD: o.AddOptions(),
    OpCode.SUB: o.SubOptions(),
    OpCode.MUL: o.MulOptions(),
    OpCode.DIV: o.DivOptions(),
    OpCode.CONCATENATION: o.ConcatenationOptions(axis=0),
    OpCode.PACK: o.PackOptions(2, 0),
    OpCode.STRIDED_SLICE: o.StridedSliceOptions(),
    OpCode.MIRROR_PAD: o.MirrorPadOptions(),
    OpCode.RESIZE_BILINEAR: o.ResizeBilinearOptions(),
    OpCode.RESIZE_NEAREST_NEIGHBOR: o.ResizeNearestNeighborOptions(),
    OpCode.SPACE_TO_DEPTH: o.SpaceToDepthOptions(2),
    OpCode.DEPTH_TO_SPACE: o.DepthToSpaceOptions(2),
    OpCode.CUMSUM: o.CumsumOptions(),
    OpCode.GATHER: o.GatherOptions(0),
    OpCode.BATCH_MATMUL: o.BatchMatMulOptions(),
    **dict.fromkeys(
        (OpCode.MEAN, OpCode.SUM, OpCode.REDUCE_MAX, OpCode.REDUCE_MIN, OpCode.REDUCE_ALL),
        o.ReducerOptions(),
    ),
    **dict.fromkeys(
        (OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D, OpCode.L2_POOL_2D),
        o.Pool2DOptions(Padding.VALID, 2, 2, 2, 2),
    ),
}
PADS = [[0, 0], [1, 1], [1, 1], [0, 0]]
STEERS: dict[OpCode, tuple[Sequence[object], Sequence[int]]] = {
    OpCode.SLICE: (([0, 1, 1, 0], [1, 2, 2, 4]), (1, 2, 2, 4)),
    OpCode.STRIDED_SLICE: (([0, 1, 1, 0], [1, 3, 3, 4], [1, 1, 1, 1]), (1, 2, 2, 4)),
    OpCode.PAD: ((PADS,), (1, 6, 6, 4)),
    OpCode.MIRROR_PAD: ((PADS,), (1, 6, 6, 4)),
    OpCode.TRANSPOSE: (([0, 2, 1, 3],), (1, 4, 4, 4)),
    OpCode.RESIZE_BILINEAR: (([8, 8],), (1, 8, 8, 4)),
    OpCode.RESIZE_NEAREST_NEIGHBOR: (([8, 8],), (1, 8, 8, 4)),
    OpCode.SPACE_TO_BATCH_ND: (([2, 2], [[0, 0], [0, 0]]), (4, 2, 2, 4)),
    OpCode.SPACE_TO_DEPTH: ((), (1, 2, 2, 16)),
    OpCode.DEPTH_TO_SPACE: ((), (1, 8, 8, 1)),
    OpCode.REVERSE_V2: (([1],), (1, 4, 4, 4)),
    OpCode.BROADCAST_TO: (([2, 4, 4, 4],), (2, 4, 4, 4)),
    OpCode.CUMSUM: ((1,), (1, 4, 4, 4)),
    OpCode.EXPAND_DIMS: ((0,), (1, 1, 4, 4, 4)),
    **dict.fromkeys(
        (OpCode.MEAN, OpCode.SUM, OpCode.REDUCE_MAX, OpCode.REDUCE_MIN, OpCode.REDUCE_ALL),
        (([1, 2],), (1, 4)),
    ),
    **dict.fromkeys(
        (OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D, OpCode.L2_POOL_2D), ((), (1, 2, 2, 4))
    ),
    OpCode.ARG_MAX: ((3,), (1, 4, 4)),
    OpCode.ARG_MIN: ((3,), (1, 4, 4)),
    OpCode.SQUEEZE: ((), (4, 4, 4)),
}
"""What steers an operator on an input of 1,4,4,4, and the shape that it then makes."""
INPUT = (1, 4, 4, 4)


def quant_of(dtype: DType) -> tuple[float, int] | None:
    """A quantization for types that have one."""
    return (0.05, 3) if dtype in BYTE else (0.05, 0) if dtype is DType.INT16 else None


def probe(code: OpCode, types: Types) -> bytes:
    """The model; ``types`` are those of the tensors that count for the operator, in order."""
    n = Builder()
    make = SPECIAL.get(code, plain)
    for value in make(n, code, types):
        n.output(value)
    return write_bytes(n.model)


def _input(n: Builder, dtype: DType, shape: Sequence[int] = INPUT) -> Value:
    return n.input(shape, dtype, quant=quant_of(dtype))


def _constant(n: Builder, dtype: DType, data: object) -> Value:
    raw = np.asarray(data).astype(dtype.numpy)
    quant = quant_of(dtype)
    return n.constant(raw, dtype, quant=None if quant is None else (quant[0], 0))


def _op(
    n: Builder, code: OpCode, inputs: Sequence[Value], shape: Sequence[int], dtype: DType
) -> list[Value]:
    quant = OUTPUT_SCALES.get(code, {}).get(dtype, quant_of(dtype))
    result = n.op(code, inputs, shape, options=OPTIONS.get(code), dtype=dtype, quant=(1.0, 0))
    result.quant = None if quant is None else Quantization.per_tensor(*quant)
    return [result]


def plain(n: Builder, code: OpCode, types: Types) -> list[Value]:
    """One input, what steers it, one output."""
    steers, shape = STEERS.get(code, ((), INPUT))
    inputs = [_input(n, types[0]), *(n.constant(np.asarray(each)) for each in steers)]
    return _op(n, code, inputs, shape, types[-1])


def _two(n: Builder, code: OpCode, types: Types) -> list[Value]:
    dtype = types[2] if len(types) > 2 else DType.BOOL
    divides = code in (OpCode.DIV, OpCode.FLOOR_DIV, OpCode.FLOOR_MOD)
    second = _constant(n, types[1], np.ones(INPUT)) if divides else _input(n, types[1])
    return _op(n, code, [_input(n, types[0]), second], INPUT, dtype)


def _of_positives(n: Builder, code: OpCode, types: Types) -> list[Value]:
    """On a constant: the kernel fails where an element is zero."""
    return _op(n, code, [_constant(n, types[0], np.ones(INPUT))], INPUT, types[1])


def _quantize(n: Builder, code: OpCode, types: Types) -> list[Value]:
    result = _op(n, code, [_input(n, types[0])], INPUT, types[1])
    for value in (n.graph.inputs[0], *result):
        if value.dtype is DType.INT32:
            value.quant = Quantization.per_tensor(0.05)
    return result


def _joined(n: Builder, code: OpCode, types: Types) -> list[Value]:
    shape = (2, *INPUT) if code is OpCode.PACK else INPUT
    shape = (2, 4, 4, 4) if code is OpCode.CONCATENATION else shape
    return _op(n, code, [_input(n, types[0]), _input(n, types[0])], shape, types[1])


def _parts(n: Builder, code: OpCode, types: Types) -> list[Value]:
    options: dict[OpCode, Options] = {
        OpCode.UNPACK: o.UnpackOptions(2, 0),
        OpCode.SPLIT: o.SplitOptions(2),
        OpCode.SPLIT_V: o.SplitVOptions(2),
    }
    data = _input(n, types[0], (2, 4))
    inputs = {
        OpCode.UNPACK: [data],
        OpCode.SPLIT: [n.constant(0), data],
        OpCode.SPLIT_V: [data, n.constant([1, 1]), n.constant(0)],
    }[code]
    shape = (4,) if code is OpCode.UNPACK else (1, 4)
    outputs = n.ops(code, inputs, [shape, shape], options[code], dtype=types[0], quant=(1.0, 0))
    for value in outputs:
        value.quant = data.quant
    return outputs


def _prelu(n: Builder, code: OpCode, types: Types) -> list[Value]:
    slopes = _constant(n, types[1], np.ones((1, 1, 4)))
    return _op(n, code, [_input(n, types[0]), slopes], INPUT, types[2])


def _padv2(n: Builder, code: OpCode, types: Types) -> list[Value]:
    filler = _constant(n, types[0], [1])
    inputs = [_input(n, types[0]), n.constant(PADS), filler]
    filler.quant = inputs[0].quant
    return _op(n, code, inputs, (1, 6, 6, 4), types[1])


def _batch_to_space(n: Builder, code: OpCode, types: Types) -> list[Value]:
    inputs = [_input(n, types[0], (4, 2, 2, 4)), n.constant([2, 2]), n.constant([[0, 0], [0, 0]])]
    return _op(n, code, inputs, INPUT, types[1])


def _fill(n: Builder, code: OpCode, types: Types) -> list[Value]:
    return _op(n, code, [n.constant([2, 3]), _input(n, types[0], ())], (2, 3), types[1])


def _select(n: Builder, code: OpCode, types: Types) -> list[Value]:
    inputs = [n.input(INPUT, DType.BOOL), _input(n, types[0]), _input(n, types[1])]
    return _op(n, code, inputs, INPUT, types[2])


def _gather(n: Builder, code: OpCode, types: Types) -> list[Value]:
    places = [[1], [2]] if code is OpCode.GATHER_ND else [1, 2]
    inputs = [_input(n, types[0], (4, 8)), n.constant(places, types[1])]
    return _op(n, code, inputs, (2, 8), types[0])


def _update(n: Builder, code: OpCode, types: Types) -> list[Value]:
    inputs = [_input(n, types[0], (2, 8)), _input(n, types[0], (1, 8)), n.constant([0, 0])]
    return _op(n, code, inputs, (2, 8), types[1])


def _shape(n: Builder, code: OpCode, types: Types) -> list[Value]:
    return _op(n, code, [_input(n, DType.FLOAT32)], (4,), types[0])


def _broadcast_args(n: Builder, code: OpCode, types: Types) -> list[Value]:
    inputs = [n.constant([1, 8], types[0]), n.constant([2, 8], types[0])]
    return _op(n, code, inputs, (2,), types[1])


def _embedding(n: Builder, code: OpCode, types: Types) -> list[Value]:
    inputs = [n.constant([1, 2]), _constant(n, types[0], np.ones((4, 8)))]
    return _op(n, code, inputs, (2, 8), types[1])


def _reduce_all(n: Builder, code: OpCode, types: Types) -> list[Value]:
    return _op(n, code, [_input(n, types[0]), n.constant([1, 2])], (1, 4), types[0])


def _ones(n: Builder, dtype: DType, shape: tuple[int, ...]) -> Value:
    """A constant; of int4 two elements in a byte."""
    if dtype is not DType.INT4:
        return n.constant(np.ones(shape).astype(dtype.numpy), dtype)
    value = Value(n.graph, dtype, shape)
    value.buffer = Buffer(np.full((value.elements + 1) // 2, 0x11, np.uint8))
    n.model.buffers.append(value.buffer)
    return n.graph.add_value(value)


def _layer(n: Builder, code: OpCode, types: Types) -> list[Value]:
    data, weights = types
    shape, kernel = _SHAPES[code]
    kind: Options = {
        OpCode.CONV_2D: o.Conv2DOptions(Padding.SAME, 1, 1),
        OpCode.DEPTHWISE_CONV_2D: o.DepthwiseConv2DOptions(Padding.SAME, 1, 1, 1),
        OpCode.FULLY_CONNECTED: o.FullyConnectedOptions(),
        OpCode.TRANSPOSE_CONV: o.TransposeConvOptions(Padding.SAME, 2, 2),
    }[code]
    factor = _ones(n, weights, kernel)
    if weights is not DType.FLOAT32:
        factor.quant = Quantization.per_tensor(0.01)
    source = _input(n, data, (1, 8) if code is OpCode.FULLY_CONNECTED else INPUT)
    inputs = [source, factor]
    if code is OpCode.TRANSPOSE_CONV:
        inputs = [n.constant(shape), factor, source]
    result = n.op(code, inputs, shape, options=kind, dtype=data, quant=(1.0, 0))
    result.quant = source.quant
    return [result]


def _matmul(n: Builder, code: OpCode, types: Types) -> list[Value]:
    inputs = [_input(n, types[0], (1, 4, 4)), _input(n, types[1], (1, 4, 4))]
    return _op(n, code, inputs, (1, 4, 4), types[0])


_SHAPES = {
    OpCode.CONV_2D: (INPUT, (4, 1, 1, 4)),
    OpCode.DEPTHWISE_CONV_2D: (INPUT, (1, 2, 2, 4)),
    OpCode.FULLY_CONNECTED: ((1, 4), (4, 8)),
    OpCode.TRANSPOSE_CONV: ((1, 8, 8, 4), (4, 2, 2, 4)),
}
SPECIAL: dict[OpCode, Callable[[Builder, OpCode, Types], list[Value]]] = {
    **dict.fromkeys(
        (
            *(OpCode.ADD, OpCode.SUB, OpCode.MUL, OpCode.DIV, OpCode.MAXIMUM, OpCode.MINIMUM),
            *(OpCode.SQUARED_DIFFERENCE, OpCode.FLOOR_DIV, OpCode.FLOOR_MOD),
            *(OpCode.EQUAL, OpCode.NOT_EQUAL, OpCode.GREATER, OpCode.GREATER_EQUAL),
            *(OpCode.LESS, OpCode.LESS_EQUAL),
        ),
        _two,
    ),
    **dict.fromkeys((OpCode.CONCATENATION, OpCode.PACK, OpCode.ADD_N), _joined),
    **dict.fromkeys((OpCode.UNPACK, OpCode.SPLIT, OpCode.SPLIT_V), _parts),
    **dict.fromkeys((OpCode.GATHER, OpCode.GATHER_ND), _gather),
    **dict.fromkeys(_SHAPES, _layer),
    OpCode.PRELU: _prelu,
    OpCode.RSQRT: _of_positives,
    OpCode.QUANTIZE: _quantize,
    OpCode.PADV2: _padv2,
    OpCode.BATCH_TO_SPACE_ND: _batch_to_space,
    OpCode.FILL: _fill,
    OpCode.SELECT_V2: _select,
    OpCode.DYNAMIC_UPDATE_SLICE: _update,
    OpCode.SHAPE: _shape,
    OpCode.BROADCAST_ARGS: _broadcast_args,
    OpCode.EMBEDDING_LOOKUP: _embedding,
    OpCode.REDUCE_ALL: _reduce_all,
    OpCode.BATCH_MATMUL: _matmul,
}
