"""What an operator of the IR does to each of its 256 input values.

A table has a row for each :class:`Precision`: two forms are equal where both rows are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tflopt.arith import binary, unary
from tflopt.arith.affine import LIMITS, Affine, Precision, affine_of, quantized_limit
from tflopt.arith.fixed_point import INT8_MAX, INT8_MIN, Ints, clamp, ints
from tflopt.ir.node import Op, Value
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import (
    AddOptions,
    HardSwishOptions,
    LeakyReluOptions,
    MulOptions,
    Options,
    QuantizeOptions,
    SubOptions,
)
from tflopt.ir.types import Activation, DType

EVERY_INT8: Ints = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)
"""All values of an int8 tensor, so that a table's entry ``i`` belongs to ``i - 128``."""
LARGEST_RATIO = 2.0**20
"""Ratios of scales up to here keep every shifted int8 within 32 bits."""
TABLES_KEPT = 16384
"""Of 4 KiB each: a row of a hundred operators has ten thousand parts to try other operators for."""
Function = Callable[[object, Affine, Affine, Precision], "Ints | None"]
LOGISTIC_OUTPUT = (1 / 256, -128)
TANH_OUTPUT = (1 / 128, 0)


def table(op: Op) -> Ints | None:
    """The output of an int8 operator with one input that isn't constant, for each of its values.

    Shaped (2, 256). None for other operators, and where C leaves the result undefined, TFLM
    refuses the operator, or the result rests on the device's C library (ELU).
    """
    sources = [value for value in op.inputs if value is not None and not value.is_constant]
    if len(sources) != 1 or len(op.outputs) != 1:
        return None
    if op.code in OF_TWO:
        return _binary_table(op, sources[0])
    if len(op.inputs) != 1:
        return None
    source, target = _int8(sources[0]), _int8(op.output)
    if source is None or target is None:
        return None
    return unary_table(op.code, op.options, source, target)


def unary_table(code: OpCode, options: object, source: Affine, target: Affine) -> Ints | None:
    """The output of an int8 operator of one input between these parameters."""
    kept = options if isinstance(options, Options) else None
    numbers = (float(source.scale), int(source.zero_point))
    return _unary_table(code, kept, *numbers, float(target.scale), int(target.zero_point))


def requantized_table(source: Affine, target: Affine) -> Ints | None:
    """The output of QUANTIZE from int8 to int8."""
    return unary_table(OpCode.QUANTIZE, None, source, target)


@lru_cache(maxsize=TABLES_KEPT)
def _unary_table(
    code: OpCode, options: Options | None, scale: float, zero: int, out_scale: float, out_zero: int
) -> Ints | None:
    function = _UNARY.get(code)
    source, target = Affine.make(scale, zero), Affine.make(out_scale, out_zero)
    if function is None or not float(source.double / target.double) < LARGEST_RATIO:
        return None
    rows = [function(options, source, target, precision) for precision in Precision]
    if rows[0] is None:
        return None
    result = np.stack([row for row in rows if row is not None])
    result.flags.writeable = False
    return result


def compose(first: Ints, second: Ints) -> Ints:
    """The table of one operator after another."""
    return np.take_along_axis(second, first - INT8_MIN, axis=1)


def distinct(values: Ints) -> Ints:
    """The numbers that occur, ascending. (``np.unique`` would load ``numpy.ma``.)"""
    ordered = np.sort(values, axis=None)
    return np.asarray(ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])])


def at(results: Ints, values: Ints) -> Ints:
    """The part of a table that belongs to these input values."""
    return results[:, values - INT8_MIN]


def single_operators(source: Affine, target: Affine) -> list[SingleOperator]:
    """Operators of one input that TFLM has for int8, with their tables, the cheapest first."""
    candidates: list[tuple[OpCode, Options | None, int]] = [
        (OpCode.RELU6, None, 1),
        (OpCode.RELU, None, 2),
        (OpCode.QUANTIZE, QuantizeOptions(), 2),
        (OpCode.HARD_SWISH, HardSwishOptions(), 1),
        (OpCode.LOGISTIC, None, 2),
        (OpCode.TANH, None, 2),
    ]
    operators = []
    for code, options, version in candidates:
        result = unary_table(code, options, source, target)
        if result is not None:
            operators.append(SingleOperator(code, options, version, result))
    return operators


@dataclass(frozen=True, eq=False)
class SingleOperator:
    """An operator of one input between given parameters, and what it does."""

    code: OpCode
    options: Options | None
    version: int
    table: Ints


def _int8(value: Value) -> Affine | None:
    """None with a zero point that no int8 has: kernels clamp to ranges that are none."""
    params = affine_of(value) if value.dtype is DType.INT8 else None
    if params is None or not INT8_MIN <= int(params.zero_point) <= INT8_MAX:
        return None
    return params


def _same(source: Affine, target: Affine) -> bool:
    return bool(source.scale == target.scale) and bool(source.zero_point == target.zero_point)


def _is(target: Affine, scale: float, zero_point: int) -> bool:
    return bool(target.scale == np.float32(scale) and target.zero_point == zero_point)


def _relu6(_: object, source: Affine, target: Affine, __: Precision) -> Ints | None:
    """Only between equal parameters: TFLM doesn't requantize here, LiteRT does."""
    return unary.relu6(EVERY_INT8, source) if _same(source, target) else None


def _clip(low: float, high: float) -> Function:
    """The operators that TFLM lacks; LiteRT clamps to the quantized limits."""

    def function(_: object, source: Affine, target: Affine, __: Precision) -> Ints | None:
        if not _same(source, target):
            return None
        limits = (quantized_limit(low, source), quantized_limit(high, source))
        return np.clip(EVERY_INT8, *(clamp(limit) for limit in limits))

    return function


def _leaky_relu(options: object, source: Affine, target: Affine, p: Precision) -> Ints | None:
    if not isinstance(options, LeakyReluOptions):
        return None
    if not abs(options.alpha) * float(source.scale / target.scale) < LARGEST_RATIO:
        return None
    return unary.leaky_relu(EVERY_INT8, source, target, options.alpha, p)


def _logistic(_: object, source: Affine, target: Affine, __: Precision) -> Ints | None:
    """TFLM never reads the output's scale, LiteRT demands this one."""
    ok = _is(target, *LOGISTIC_OUTPUT) and _is_sigmoid_scale(source)
    return unary.logistic(EVERY_INT8, source) if ok else None


def _tanh(_: object, source: Affine, target: Affine, __: Precision) -> Ints | None:
    ok = _is(target, *TANH_OUTPUT) and _is_sigmoid_scale(source)
    return unary.tanh(EVERY_INT8, source) if ok else None


def _is_sigmoid_scale(source: Affine) -> bool:
    return 2.0**-20 <= float(source.scale) <= 4.0


def _hard_swish(_: object, source: Affine, target: Affine, p: Precision) -> Ints | None:
    """Within the exponents that TFLM accepts and 16-bit shifts can do."""
    ratio, scale = float(source.scale / target.scale), float(source.scale)
    ok = 2.0**-6 <= ratio < 127 and 2.0**-18 <= scale <= 2.0**8
    return unary.hard_swish(EVERY_INT8, source, target, p) if ok else None


_UNARY: dict[OpCode, Function] = {
    OpCode.QUANTIZE: lambda _, source, target, p: unary.requantize(EVERY_INT8, source, target),
    OpCode.RELU: lambda _, source, target, p: unary.relu(EVERY_INT8, source, target, p),
    OpCode.ABS: lambda _, source, target, p: unary.absolute(EVERY_INT8, source, target, p),
    OpCode.RELU6: _relu6,
    OpCode.RELU_N1_TO_1: _clip(-1.0, 1.0),
    OpCode.RELU_0_TO_1: _clip(0.0, 1.0),
    OpCode.LEAKY_RELU: _leaky_relu,
    OpCode.LOGISTIC: _logistic,
    OpCode.TANH: _tanh,
    OpCode.HARD_SWISH: _hard_swish,
}
_BINARY: dict[OpCode, Callable[..., Ints]] = {
    OpCode.ADD: binary.add,
    OpCode.MUL: binary.mul,
    OpCode.MAXIMUM: binary.maximum,
    OpCode.MINIMUM: binary.minimum,
}
ARITHMETIC: dict[OpCode, type[AddOptions | SubOptions | MulOptions]] = {
    OpCode.ADD: AddOptions,
    OpCode.SUB: SubOptions,
    OpCode.MUL: MulOptions,
}
"""Operators of two int8 tensors that compute, with their options."""
SUMS = frozenset({OpCode.ADD, OpCode.SUB})
EXTREMES = frozenset({OpCode.MAXIMUM, OpCode.MINIMUM})
OF_ONE = frozenset(_UNARY)
"""Operators of one int8 tensor whose output is known for each value."""
OF_TWO = ARITHMETIC.keys() | EXTREMES
"""Operators of two int8 tensors whose output is known for each pair."""


def _binary_table(op: Op, source: Value) -> Ints | None:
    """With a constant that has one value throughout, in either place."""
    if len(op.inputs) != 2 or source.elements != op.output.elements:
        return None
    constant = op.inputs[1] if op.inputs[0] is source else op.inputs[0]
    number = None if constant is None else single_number(constant)
    if number is None:
        return None
    sides = [_numbers(value) for value in (*op.inputs, op.output)]
    if None in sides:
        return None
    fused = fused_of(op)
    return _with_a_number(op.code, fused, tuple(sides), int(number[0]), op.inputs[0] is source)


def _numbers(value: Value | None) -> tuple[float, int] | None:
    params = None if value is None else _int8(value)
    return None if params is None else (float(params.scale), int(params.zero_point))


@lru_cache(maxsize=TABLES_KEPT)
def _with_a_number(
    code: OpCode,
    fused: Activation | None,
    sides: tuple[tuple[float, int] | None, ...],
    number: int,
    first: bool,
) -> Ints | None:
    """As :func:`combined`, of every int8 value and a number, in this order where ``first``."""
    one, two, target = (Affine.make(*side) for side in sides if side is not None)
    values = (EVERY_INT8, ints([number])) if first else (ints([number]), EVERY_INT8)
    results = _combined(code, fused, (one, two, target), values)
    if results is not None:
        results.flags.writeable = False
    return results


def combined(op: Op, values: Sequence[Ints]) -> Ints | None:
    """The output of ADD, SUB, MUL, MAXIMUM or MINIMUM where its inputs hold these int8 ``values``.

    Values broadcast to (2, 256). None where C leaves the result undefined or TFLM refuses the
    operator.
    """
    params = [None if value is None else _int8(value) for value in (*op.inputs, op.output)]
    known = op.code in _BINARY or op.code is OpCode.SUB
    one, two, target = params if known and len(params) == 3 else (None, None, None)
    if one is None or two is None or target is None:
        return None
    return _combined(op.code, fused_of(op), (one, two, target), values)


def _combined(
    code: OpCode,
    fused: Activation | None,
    params: tuple[Affine, Affine, Affine],
    values: Sequence[Ints],
) -> Ints | None:
    one, two, target = params
    a, b = (np.broadcast_to(value, (len(Precision), EVERY_INT8.size)) for value in values)
    if code in EXTREMES:
        # LiteRT demands equal parameters; TFLM compares the stored numbers whatever they mean.
        return _BINARY[code](a, b) if _same(one, target) and _same(two, target) else None
    if fused is None or not is_defined(code, one, two, target):
        return None
    if code is not OpCode.SUB:
        return _BINARY[code](a, b, one, two, target, fused)
    rows = zip(a, b, Precision, strict=True)
    return np.stack(
        [binary.sub(x, y, one, two, target, fused, precision) for x, y, precision in rows]
    )


def pair_table(
    code: OpCode,
    one: Affine,
    two: Affine,
    out: Affine,
    fused: Activation,
    values: Sequence[Ints] = (EVERY_INT8, EVERY_INT8),
) -> Ints | None:
    """ADD, SUB or MUL of every pair of int8 values; None where undefined.

    Shaped (2, values of the first, values of the second).
    """
    if not is_defined(code, one, two, out):
        return None
    a, b = values
    layers = of_pairs(code, a[:, None], b[None, :], (one, two, out), fused)
    return np.concatenate([layers] * (len(Precision) // len(layers)))


def of_pairs(
    code: OpCode, a: Ints, b: Ints, params: tuple[Affine, Affine, Affine], fused: Activation
) -> Ints:
    """ADD, SUB or MUL of int8 values.

    A layer for each way in which versions of TFLM compute the multipliers, which SUB alone has.
    """
    if code is OpCode.SUB:
        return np.stack([binary.sub(a, b, *params, fused, precision) for precision in Precision])
    return _BINARY[code](a, b, *params, fused)[None]


def is_defined(code: OpCode, one: Affine, two: Affine, out: Affine) -> bool:
    """Whether TFLM accepts these scales in ADD, SUB or MUL, and nothing leaves 32 bits."""
    if code in SUMS:
        return binary.sum_is_legal(one, two, out)
    return product_is_defined(one, two, out)


def product_is_defined(one: Affine, two: Affine, out: Affine) -> bool:
    """The same of MUL, and of the products of PRELU."""
    return bool(np.all(one.double * two.double / out.double < 2.0**14))


def fused_of(op: Op) -> Activation | None:
    """The fused activation of ADD, SUB or MUL; None for other options, or where none fuses it."""
    if not isinstance(op.options, AddOptions | SubOptions | MulOptions):
        return None
    activation = op.options.fused_activation_function
    return activation if activation in LIMITS else None


def single_number(constant: Value) -> Ints | None:
    """The number that a constant has throughout, as an array of one; None for others."""
    if not constant.has_array or not constant.elements:
        return None
    flat = ints(constant.array().reshape(-1))
    return flat[:1] if bool(np.all(flat == flat[0])) else None
