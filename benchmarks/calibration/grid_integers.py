"""Conversions, integer arithmetic outside int8, and saturating operators of the grid."""

from __future__ import annotations

from functools import partial

from benchmarks.calibration.grid_other import BINARY, FIXED_OUTPUT, broadcast
from benchmarks.calibration.sample import Group, Sampler
from tflopt.facts.operators import Kind, of_kind
from tflopt.ir import DType, OpCode, Quantization, Value
from tflopt.ir.options import (
    BatchMatMulOptions,
    CastOptions,
    FullyConnectedOptions,
)

I8, I16, I32, U8, F32 = (
    DType.INT8,
    DType.INT16,
    DType.INT32,
    DType.UINT8,
    DType.FLOAT32,
)


def cast(s: Sampler, source: DType, target: DType) -> Value:
    """CAST."""
    shape = s.shape(4, elements=3_000)
    x = s.builder.input(shape, source, None)
    return s.builder.op(OpCode.CAST, [x], shape, options=CastOptions(), dtype=target)


def requantize(s: Sampler, source: DType, target: DType) -> Value:
    """QUANTIZE between int8 and uint8, as the converter puts it at the ends of a model."""
    shape = s.shape(4, elements=3_000)
    offset = 128 if target is U8 else -128
    x = s.builder.input(shape, source, (0.05, 3 if source is I8 else 131))
    quant = (0.05, 3 + offset if source is I8 else 3)
    return s.builder.op(OpCode.QUANTIZE, [x], shape, quant=quant, dtype=target, version=2)


def saturating(s: Sampler, code: OpCode) -> Value:
    """LOGISTIC and TANH of int8, from inputs that nearly all saturate to ones that never do.

    With so many elements that their share is the one of the range, or few that are all computed.
    """
    shape = (1, s.size(4, 24), s.size(5, 16), s.size(5, 16))
    quant = (s.dice.choice([0.02, 0.05, 0.1, 0.15, 0.3, 0.6, 2.0]), s.dice.randint(-60, 60))
    if s.dice.random() < 0.25:
        shape, quant = (1, 1, 1, s.size(1, 40)), (0.02, 0)
    x = s.builder.input(shape, I8, quant)
    return s.builder.op(code, [x], shape, quant=FIXED_OUTPUT[code])


def binary_int32(s: Sampler, code: OpCode) -> Value:
    """Two operands of one shape, without quantization: shape arithmetic and counters."""
    shape = s.shape(4, elements=3_000)
    inputs = [s.builder.input(shape, I32, None) for _ in range(2)]
    return s.builder.op(code, inputs, shape, options=BINARY[code], version=2)


def broadcast_int32(s: Sampler) -> Value:
    """ADD of one number, or of one for each channel."""
    shape = s.shape(s.dice.choice([2, 4]), elements=3_000)
    small = s.dice.choice([(1,), (1,), (1,), shape[-1:]])
    inputs = [s.builder.input(each, I32, None) for each in (shape, small)]
    return s.builder.op(OpCode.ADD, inputs, shape, options=BINARY[OpCode.ADD], version=2)


def comparison(s: Sampler, code: OpCode, dtype: DType) -> Value:
    """Two operands of one shape, often scalars as in the condition of a loop."""
    shape = s.dice.choice([(), s.shape(4, elements=3_000)])
    inputs = [s.feed(shape, dtype) if dtype is I8 else s.builder.input(shape, dtype, None)]
    inputs += [s.feed(shape, dtype) if dtype is I8 else s.builder.input(shape, dtype, None)]
    return s.builder.op(code, inputs, shape, dtype=DType.BOOL)


def argument(s: Sampler, code: OpCode) -> Value:
    """ARG_MAX or ARG_MIN along any axis."""
    shape = s.shape(s.dice.choice([2, 4]), elements=3_000)
    axis = s.dice.choice([len(shape) - 1, s.dice.randint(0, len(shape) - 1)])
    out = (*shape[:axis], *shape[axis + 1 :])
    inputs = [s.feed(shape), s.builder.constant([axis])]
    return s.builder.op(code, inputs, out, dtype=I32, quant=Quantization())


def dense_int16(s: Sampler) -> Value:
    """int16 activations, int8 weights with one scale."""
    rows, depth, units = s.dice.choice([1, 1, s.size(2, 12)]), s.size(1, 600), s.size(2, 100)
    inputs = [s.feed((rows, depth), I16), s.weights((units, depth)), None]
    return s.builder.op(
        OpCode.FULLY_CONNECTED,
        inputs,
        (rows, units),
        options=FullyConnectedOptions(),
        quant=(0.002, 0),
        version=7,
    )


def batch_matmul_int16(s: Sampler) -> Value:
    """Two int16 activations, the right one sometimes stored transposed."""
    batches, rows, depth, columns = s.size(1, 6), s.size(1, 24), s.size(2, 64), s.size(2, 64)
    adj_y = s.dice.random() < 0.5
    rhs = (batches, columns, depth) if adj_y else (batches, depth, columns)
    inputs = [s.feed((batches, rows, depth), I16), s.feed(rhs, I16)]
    out, quant = (batches, rows, columns), Quantization.per_tensor(0.002)
    options = BatchMatMulOptions(adj_y=adj_y)
    return s.builder.op(OpCode.BATCH_MATMUL, inputs, out, options=options, quant=quant, version=3)


CASTS = (
    *((I8, I32), (I32, I8), (I8, F32), (F32, I8), (I32, F32), (F32, I32)),
    *((I16, I32), (I32, I16)),
)
_ARITHMETIC = (OpCode.ADD, OpCode.SUB, OpCode.MUL, OpCode.MAXIMUM, OpCode.MINIMUM)
GROUPS = (
    *(
        Group(f"CAST {a.short} to {b.short}", 16, partial(cast, source=a, target=b))
        for a, b in CASTS
    ),
    Group("QUANTIZE i8 to u8", 16, partial(requantize, source=I8, target=U8)),
    Group("QUANTIZE u8 to i8", 16, partial(requantize, source=U8, target=I8)),
    *(
        Group(f"{code.name} i8 saturating", 60, partial(saturating, code=code))
        for code in (OpCode.LOGISTIC, OpCode.TANH)
    ),
    *(Group(f"{code.name} i32", 16, partial(binary_int32, code=code)) for code in _ARITHMETIC),
    Group("ADD i32 broadcast", 40, broadcast_int32),
    *(
        Group(f"{code.name} f32 broadcast", 60, partial(broadcast, code=code, dtype=F32))
        for code in (OpCode.MAXIMUM, OpCode.MINIMUM)
    ),
    *(
        Group(f"{code.name} {dtype.short}", 16, partial(comparison, code=code, dtype=dtype))
        for code in sorted(of_kind(Kind.COMPARISON), key=lambda code: code.name)
        for dtype in (I8, I32, F32)
    ),
    *(
        Group(code.name, 40, partial(argument, code=code))
        for code in (OpCode.ARG_MAX, OpCode.ARG_MIN)
    ),
    Group("dense i16", 60, dense_int16),
    Group("batch matmul i16", 60, batch_matmul_int16),
)
