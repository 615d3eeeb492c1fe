"""Pooling, elementwise operators and reductions of the grid."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from benchmarks.calibration.sample import QUANT, Group, Sampler, out_size
from tflopt.ir import DType, OpCode, Options, Value
from tflopt.ir.options import (
    AddOptions,
    DivOptions,
    HardSwishOptions,
    LeakyReluOptions,
    MaximumMinimumOptions,
    MulOptions,
    Pool2DOptions,
    ReducerOptions,
    SoftmaxOptions,
    SquaredDifferenceOptions,
    SubOptions,
)

BINARY: dict[OpCode, Options] = {
    OpCode.ADD: AddOptions(),
    OpCode.MUL: MulOptions(),
    OpCode.SUB: SubOptions(),
    OpCode.DIV: DivOptions(),
    OpCode.MAXIMUM: MaximumMinimumOptions(),
    OpCode.MINIMUM: MaximumMinimumOptions(),
    OpCode.SQUARED_DIFFERENCE: SquaredDifferenceOptions(),
}
UNARY: dict[OpCode, Options | None] = {
    OpCode.RELU: None,
    OpCode.RELU6: None,
    OpCode.LOGISTIC: None,
    OpCode.TANH: None,
    OpCode.LEAKY_RELU: LeakyReluOptions(alpha=0.1),
    OpCode.HARD_SWISH: HardSwishOptions(),
    OpCode.ELU: None,
    OpCode.ABS: None,
    OpCode.EXP: None,
    OpCode.SQRT: None,
    OpCode.RSQRT: None,
    OpCode.NEG: None,
}
FIXED_OUTPUT = {OpCode.LOGISTIC: (1 / 256, -128), OpCode.TANH: (1 / 128, 0)}
FIXED_INT16 = {OpCode.LOGISTIC: (1 / 32768, 0), OpCode.TANH: (1 / 32768, 0)}


def _out_quant(code: OpCode, dtype: DType) -> tuple[float, int] | None:
    if dtype is DType.INT16:
        return FIXED_INT16.get(code, (0.0015, 0))
    return FIXED_OUTPUT.get(code, QUANT) if dtype is DType.INT8 else None


def pool(s: Sampler, code: OpCode) -> Value:
    """AVERAGE_POOL_2D or MAX_POOL_2D, sometimes over the whole input."""
    while True:
        n, h, w, c = 1, s.size(1, 32), s.size(1, 32), s.size(1, 96)
        kh, kw = (h, w) if s.dice.random() < 0.3 else (s.size(1, 8), s.size(1, 8))
        padding, stride = s.padding(), s.dice.choice([1, 2, 2, 3])
        out = (n, out_size(padding, h, kh, stride), out_size(padding, w, kw, stride), c)
        if 0 < out[1] * out[2] * kh * kw * c <= 80_000 and h * w * c <= 30_000:
            break
    options = Pool2DOptions(padding, stride, stride, kw, kh)
    return s.builder.op(code, [s.feed((n, h, w, c))], out, options=options, version=2)


def binary(s: Sampler, code: OpCode, dtype: DType = DType.INT8) -> Value:
    """Two operands of one shape."""
    shape = s.shape(4, elements=3_000)
    inputs = [s.feed(shape, dtype), s.feed(shape, dtype)]
    options, quant = BINARY[code], _out_quant(code, dtype)
    return s.builder.op(code, inputs, shape, options=options, quant=quant, dtype=dtype, version=2)


def broadcast(s: Sampler, code: OpCode, dtype: DType = DType.INT8) -> Value:
    """One operand is a scalar, a vector of channels, or lacks some axis."""
    shape = s.shape(s.dice.choice([1, 2, 3, 4, 4, 4]), elements=3_000)
    ones = (1,) * (len(shape) - 1)
    small = s.dice.choice([(), (1,), shape[-1:], (*ones, shape[-1]), (*shape[:-1], 1)])
    if len(shape) == 4 and s.dice.random() < 0.2:
        small = (1, shape[1], 1, shape[3])
    inputs = [_operand(s, shape, dtype), _operand(s, small, dtype)]
    if s.dice.random() < 0.3:
        inputs.reverse()
    options, quant = BINARY[code], _out_quant(code, dtype)
    return s.builder.op(code, inputs, shape, options=options, quant=quant, dtype=dtype, version=2)


def _operand(s: Sampler, shape: tuple[int, ...], dtype: DType) -> Value:
    """A graph input; of int8, half of them without negative numbers, as behind a RELU."""
    if dtype is not DType.INT8:
        return s.feed(shape, dtype)
    zero_point = s.dice.choice([-128, -128, s.dice.randint(-60, 60), 127])
    return s.builder.input(shape, dtype, (QUANT[0], zero_point))


def unary(s: Sampler, code: OpCode, dtype: DType = DType.INT8) -> Value:
    """One operand."""
    shape = s.shape(4, elements=3_000)
    quant = _out_quant(code, dtype)
    options = UNARY[code]
    return s.builder.op(code, [s.feed(shape, dtype)], shape, options=options, quant=quant)


def prelu(s: Sampler) -> Value:
    """PRELU with a slope for each channel."""
    shape = s.shape(4, elements=3_000)
    alpha = s.weights((1, 1, shape[3]))
    return s.builder.op(OpCode.PRELU, [s.feed(shape), alpha], shape, quant=QUANT)


def convert(s: Sampler, source: DType, target: DType) -> Value:
    """QUANTIZE to int8 or int16, DEQUANTIZE to float."""
    shape = s.shape(4, elements=3_000)
    to_float = target is DType.FLOAT32
    code = OpCode.DEQUANTIZE if to_float else OpCode.QUANTIZE
    quants = {DType.INT8: (0.07, -4), DType.INT16: (0.001, 0), DType.INT32: (0.0001, 0)}
    x = s.feed(shape, source)
    quant = quants.get(target)
    return s.builder.op(code, [x], shape, quant=quant, dtype=target, version=2)


def softmax(s: Sampler, dtype: DType = DType.INT8) -> Value:
    """Rows of up to 100 values; the scale decides how many exponentials are computed."""
    rows = s.dice.choice([1, 1, s.size(2, 20)])
    shape = (rows, s.size(2, 100))
    x = s.builder.input(shape, quant=(s.dice.choice([0.02, 0.05, 0.1, 0.2, 0.4, 0.8]), 3))
    quant = (1 / 256, -128) if dtype is DType.INT8 else (1 / 65536, -32768)
    options = SoftmaxOptions(beta=1.0)
    return s.builder.op(OpCode.SOFTMAX, [x], shape, options=options, quant=quant, dtype=dtype)


def softmax_float(s: Sampler) -> Value:
    """In float."""
    shape = (s.dice.choice([1, s.size(2, 20)]), s.size(2, 60))
    x = s.feed(shape, DType.FLOAT32)
    return s.builder.op(OpCode.SOFTMAX, [x], shape, options=SoftmaxOptions(beta=1.0))


def reduction(s: Sampler, code: OpCode, dtype: DType = DType.INT8) -> Value:
    """Over the last, the spatial or all axes, ranks 2 to 4."""
    rank = s.dice.choice([2, 3, 4, 4])
    shape = s.shape(rank, elements=3_000)
    choices: dict[int, list[tuple[int, ...]]] = {
        2: [(1,), (0,)],
        3: [(1,), (2,), (1, 2)],
        4: [(1, 2), (1, 2), (3,), (1,), (2, 3)],
    }
    axes = s.dice.choice(choices[rank])
    keep = s.dice.random() < 0.5
    out = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
    quant = None if dtype is not DType.INT8 else QUANT if code is OpCode.REDUCE_MAX else (0.04, 5)
    inputs = [s.feed(shape, dtype), s.builder.constant(axes)]
    options = ReducerOptions(keep_dims=keep)
    return s.builder.op(code, inputs, out, options=options, quant=quant, dtype=dtype, version=2)


class _Coded(Protocol):
    """A maker of one operator's layers."""

    def __call__(self, s: Sampler, code: OpCode) -> Value: ...


def _each(count: int, make: _Coded, *codes: OpCode) -> list[Group]:
    return [Group(code.name, count, partial(make, code=code)) for code in codes]


class _Typed(Protocol):
    """A maker of one operator's layers in one element type."""

    def __call__(self, s: Sampler, code: OpCode, dtype: DType = ...) -> Value: ...


def _each_type(
    count: int, make: _Typed, dtype: DType, *codes: OpCode, name: str = ""
) -> list[Group]:
    return [
        Group(f"{code.name}{name} {dtype.short}", count, partial(make, code=code, dtype=dtype))
        for code in codes
    ]


_ARITHMETIC = (OpCode.ADD, OpCode.MUL, OpCode.SUB)
_EXTREMA = (OpCode.MAXIMUM, OpCode.MINIMUM)
_INT8_UNARY = (
    *(OpCode.RELU, OpCode.RELU6, OpCode.LEAKY_RELU),
    *(OpCode.HARD_SWISH, OpCode.ELU, OpCode.ABS),
)
_FLOAT_UNARY = (
    *(OpCode.RELU, OpCode.RELU6, OpCode.LOGISTIC, OpCode.TANH, OpCode.LEAKY_RELU),
    *(OpCode.HARD_SWISH, OpCode.ABS, OpCode.EXP, OpCode.NEG, OpCode.SQRT, OpCode.RSQRT),
)
FLOAT, INT8, INT16 = DType.FLOAT32, DType.INT8, DType.INT16
GROUPS = (
    *_each(80, pool, OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D),
    *_each_type(24, binary, INT8, *_ARITHMETIC, *_EXTREMA, OpCode.SQUARED_DIFFERENCE),
    *_each_type(70, broadcast, INT8, *_ARITHMETIC, *_EXTREMA, name=" broadcast"),
    *_each_type(16, binary, FLOAT, *_ARITHMETIC, *_EXTREMA, OpCode.DIV),
    *_each_type(60, broadcast, FLOAT, *_ARITHMETIC, OpCode.DIV, name=" broadcast"),
    *_each_type(16, binary, INT16, OpCode.ADD, OpCode.MUL),
    *_each_type(16, unary, INT8, *_INT8_UNARY),
    *_each_type(16, unary, FLOAT, *_FLOAT_UNARY),
    *_each_type(16, unary, INT16, OpCode.LEAKY_RELU, OpCode.LOGISTIC, OpCode.TANH),
    Group("PRELU", 60, prelu),
    Group("QUANTIZE f32 to i8", 16, partial(convert, source=FLOAT, target=DType.INT8)),
    Group("QUANTIZE i8 to i8", 16, partial(convert, source=DType.INT8, target=DType.INT8)),
    Group("QUANTIZE i8 to i16", 16, partial(convert, source=DType.INT8, target=DType.INT16)),
    Group("QUANTIZE i16 to i8", 16, partial(convert, source=DType.INT16, target=DType.INT8)),
    Group("DEQUANTIZE i8", 16, partial(convert, source=DType.INT8, target=FLOAT)),
    Group("QUANTIZE i32 to i16", 16, partial(convert, source=DType.INT32, target=INT16)),
    Group("QUANTIZE i16", 16, partial(convert, source=INT16, target=INT16)),
    Group("QUANTIZE i16 to i32", 16, partial(convert, source=INT16, target=DType.INT32)),
    Group("DEQUANTIZE i16", 16, partial(convert, source=INT16, target=FLOAT)),
    Group("SOFTMAX", 60, softmax),
    Group("SOFTMAX i8 to i16", 30, partial(softmax, dtype=INT16)),
    Group("SOFTMAX f32", 24, softmax_float),
    *_each_type(50, reduction, INT8, OpCode.MEAN, OpCode.SUM, OpCode.REDUCE_MAX),
    *_each_type(90, reduction, FLOAT, OpCode.MEAN, OpCode.SUM),
)
