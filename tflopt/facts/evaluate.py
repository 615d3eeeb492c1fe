"""What operators give for constant inputs: data movement and integers, as TFLM's kernels do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tflopt.facts.operators import Trait, facts_of
from tflopt.ir import Activation, DType, Op, OpCode
from tflopt.ir.node import Array
from tflopt.ir.options import (
    AddOptions,
    ConcatenationOptions,
    DivOptions,
    GatherOptions,
    MulOptions,
    PackOptions,
    ReducerOptions,
    StridedSliceOptions,
    SubOptions,
    UnpackOptions,
)

Arrays: TypeAlias = Sequence[Array]
Evaluator: TypeAlias = "Callable[[Op, Arrays], list[Array] | None]"
INTEGERS = frozenset({DType.INT8, DType.INT16, DType.INT32, DType.INT64, DType.BOOL})
MOST_BYTES = 1 << 24
"""The largest result that is computed; flash of a microcontroller is seldom larger."""
MOST_FACTORS = 64
"""REDUCE_PROD is for shapes."""
NUMBERS = frozenset({DType.INT32, DType.INT64})
"""Element types whose arithmetic has no quantization."""


def evaluate(op: Op, inputs: Arrays) -> list[Array] | None:
    """The outputs of ``op`` in the shapes and types of its values.

    None for operators, types and options that aren't covered, where the result doesn't fit the
    output's shape, and where it takes more than ``MOST_BYTES``. Sizes are compared before anything
    is computed: a few bytes of a file may ask for gigabytes.
    """
    function = _EVALUATORS.get(op.code)
    if sum(value.size_bytes or 0 for value in op.outputs) > MOST_BYTES:
        return None
    try:
        if not _fits(op, inputs):
            return None
        results = None if function is None else function(op, inputs)
    except (ValueError, IndexError, ZeroDivisionError):
        return None  # the model's own numbers don't fit each other
    if results is None or len(results) != len(op.outputs):
        return None
    pairs = list(zip(results, op.outputs, strict=True))
    if any(array.shape != value.shape for array, value in pairs):
        return None
    if any(value.dtype.numpy is None or array.dtype != value.dtype.numpy for array, value in pairs):
        return None
    return results


def sources_of(op: Op) -> npt.NDArray[np.int64] | None:
    """For each element of the output, in order, which element of the first input it is a copy of.

    Of operators that move one tensor's elements, with constant controls; None for all others.
    """
    data, function = op.input(0), _EVALUATORS.get(op.code)
    controls = [value for value in op.inputs[1:] if value is not None and value.has_array]
    moves = Trait.REARRANGES in facts_of(op).traits
    if not moves or data is None or function is None or len(controls) != len(op.inputs) - 1:
        return None
    numbers = np.arange(data.elements, dtype=np.int64).reshape(data.shape)
    try:
        results = function(op, [numbers, *(value.array() for value in controls)])
    except (ValueError, IndexError):
        return None  # the model's own numbers don't fit each other
    if results is None or results[0].shape != op.output.shape:
        return None
    return results[0].ravel().astype(np.int64)


def _fits(op: Op, inputs: Arrays) -> bool:
    """Whether an operator that can give more than it reads gives as much as its output declares."""
    size = _SIZES.get(op.code)
    return size is None or size(op, inputs) == op.output.elements


def _tile_elements(_: Op, inputs: Arrays) -> int:
    return prod(inputs[0].shape) * prod(_ints(inputs[1]))


def _range_elements(_: Op, inputs: Arrays) -> int:
    return len(range(*(_ints(value)[0] for value in inputs)))


def _gather_elements(op: Op, inputs: Arrays) -> int:
    axis = op.options.axis if isinstance(op.options, GatherOptions) else 0
    rows = prod(inputs[0].shape) // inputs[0].shape[axis]
    return int(rows * inputs[1].size)


def _broadcast_elements(_: Op, inputs: Arrays) -> int:
    return prod(np.broadcast_shapes(*(array.shape for array in inputs)))


def _select_elements(op: Op, inputs: Arrays) -> int:
    return _broadcast_elements(op, [_condition(op, inputs), *inputs[1:]])


def _view(op: Op, inputs: Arrays) -> list[Array]:
    return [inputs[0].reshape(op.output.shape)]


def _transpose(op: Op, inputs: Arrays) -> list[Array]:
    return [inputs[0].transpose(_ints(inputs[1]))]


def _slice(op: Op, inputs: Arrays) -> list[Array]:
    begins, shape = _ints(inputs[1]), op.output.shape
    rows = zip(begins, shape, strict=True)
    return [inputs[0][tuple(slice(begin, begin + size) for begin, size in rows)]]


def _strided_slice(op: Op, inputs: Arrays) -> list[Array] | None:
    options, data = op.options, inputs[0]
    if not isinstance(options, StridedSliceOptions):
        return None
    if options.ellipsis_mask or options.new_axis_mask or options.offset:
        return None
    index: list[int | slice] = []
    rows = zip(*(_ints(control) for control in inputs[1:4]), strict=True)
    for axis, (begin, end, step) in enumerate(rows):
        first = None if options.begin_mask >> axis & 1 else begin
        last = None if options.end_mask >> axis & 1 else end
        shrinks = options.shrink_axis_mask >> axis & 1
        index.append(begin if shrinks else slice(first, last, step))
    return [np.asarray(data[tuple(index)])]


def _concatenation(op: Op, inputs: Arrays) -> list[Array] | None:
    options = op.options
    if not isinstance(options, ConcatenationOptions) or _is_fused(options):
        return None
    return [np.concatenate(inputs, axis=options.axis)]


def _pack(op: Op, inputs: Arrays) -> list[Array] | None:
    axis = op.options.axis if isinstance(op.options, PackOptions) else None
    return None if axis is None else [np.stack(inputs, axis=axis)]


def _unpack(op: Op, inputs: Arrays) -> list[Array] | None:
    axis = op.options.axis if isinstance(op.options, UnpackOptions) else None
    if axis is None:
        return None
    return [np.take(inputs[0], index, axis) for index in range(inputs[0].shape[axis])]


def _split(op: Op, inputs: Arrays) -> list[Array]:
    return list(np.split(inputs[1], len(op.outputs), axis=_ints(inputs[0])[0]))


def _split_v(op: Op, inputs: Arrays) -> list[Array]:
    axis = _ints(inputs[2])[0]
    sizes = [value.shape[axis] for value in op.outputs]
    return list(np.split(inputs[0], np.cumsum(sizes)[:-1].tolist(), axis=axis))


def _gather(op: Op, inputs: Arrays) -> list[Array] | None:
    options, data = op.options, inputs[0]
    if not isinstance(options, GatherOptions) or options.batch_dims:
        return None
    positions = np.asarray(inputs[1], dtype=np.int64)
    if positions.size and not 0 <= positions.min() <= positions.max() < data.shape[options.axis]:
        return None
    return [np.take(data, positions, axis=options.axis)]


def _tile(op: Op, inputs: Arrays) -> list[Array]:
    return [np.tile(inputs[0], _ints(inputs[1]))]


def _broadcast(op: Op, inputs: Arrays) -> list[Array]:
    return [np.broadcast_to(inputs[0], op.output.shape)]


def _fill(op: Op, inputs: Arrays) -> list[Array]:
    return [np.full(op.output.shape, inputs[1].reshape(-1)[0], dtype=inputs[1].dtype)]


def _zeros(op: Op, inputs: Arrays) -> list[Array] | None:
    return [np.zeros_like(inputs[0])] if op.output.dtype in NUMBERS | {DType.FLOAT32} else None


def _range(op: Op, inputs: Arrays) -> list[Array] | None:
    if op.output.dtype not in NUMBERS:
        return None
    start, limit, delta = (_ints(value)[0] for value in inputs)
    return [np.arange(start, limit, delta, dtype=inputs[0].dtype)]


def _condition(op: Op, inputs: Arrays) -> Array:
    condition = inputs[0]
    missing = len(op.output.shape) - len(condition.shape)
    if op.code is OpCode.SELECT and len(condition.shape) == 1 and missing > 0:
        return condition.reshape(-1, *[1] * missing)
    return condition


def _select(op: Op, inputs: Arrays) -> list[Array]:
    return [np.where(_condition(op, inputs), inputs[1], inputs[2])]


def _cast(op: Op, inputs: Arrays) -> list[Array] | None:
    value = op.operand(0)
    target = op.output.dtype
    exact = value.dtype in INTEGERS and target in INTEGERS | {DType.FLOAT32}
    return [inputs[0].astype(target.numpy)] if exact else None


def _dequantize(op: Op, inputs: Arrays) -> list[Array] | None:
    """``float(double(scale) * (q - zero_point))``; float16 is only widened."""
    value = op.operand(0)
    if value.dtype is DType.FLOAT16:
        return [inputs[0].astype(np.float32)]
    if value.dtype not in (DType.INT8, DType.INT16) or value.quant is None:
        return None
    scale, zero_point = value.quant.scalar()
    numbers = inputs[0].astype(np.int64) - zero_point
    return [(np.float64(scale) * numbers).astype(np.float32)]


def _quantize(op: Op, inputs: Arrays) -> list[Array] | None:
    """Divides as float32, rounds halves away from 0, adds the zero point and clamps."""
    dtype, quant = op.output.dtype.numpy, op.output.quant
    if inputs[0].dtype != np.float32 or op.output.dtype not in (DType.INT8, DType.INT16):
        return None
    if quant is None or dtype is None or not np.isfinite(inputs[0]).all():
        return None
    scale, zero_point = quant.scalar()
    quotient = (inputs[0].astype(np.float32) / np.float32(scale)).astype(np.float64)
    rounded = np.trunc(quotient + np.copysign(0.5, quotient))
    if (np.abs(rounded) >= 2**31 - 2**16).any():
        return None
    limits = np.iinfo(f"i{dtype.itemsize}")
    return [np.clip(rounded + zero_point, limits.min, limits.max).astype(dtype)]


def _arithmetic(function: Callable[[Array, Array], Array]) -> Evaluator:
    def run(op: Op, inputs: Arrays) -> list[Array] | None:
        value = op.input(0)
        if value is None or value.dtype not in NUMBERS or _is_fused(op.options):
            return None
        wide = [array.astype(np.int64) for array in inputs]
        if op.code in _DIVISIONS and not wide[1].all():
            return None
        result = function(wide[0], wide[1])
        limits = np.iinfo(inputs[0].dtype.name)
        fits = not result.size or limits.min <= result.min() <= result.max() <= limits.max
        return [result.astype(inputs[0].dtype)] if fits else None

    return run


def _comparison(function: Callable[[Array, Array], Array]) -> Evaluator:
    def run(op: Op, inputs: Arrays) -> list[Array] | None:
        value = op.input(0)
        known = value is not None and value.dtype in NUMBERS | {DType.BOOL}
        return [np.asarray(function(inputs[0], inputs[1]))] if known else None

    return run


def _product(op: Op, inputs: Arrays) -> list[Array] | None:
    if op.output.dtype not in NUMBERS or inputs[0].size > MOST_FACTORS:
        return None
    options = op.options if isinstance(op.options, ReducerOptions) else ReducerOptions()
    axes = tuple(axis % inputs[0].ndim for axis in _ints(inputs[1]))
    numbers = inputs[0].astype(np.int64)
    product = np.asarray(numbers.prod(axis=axes, keepdims=options.keep_dims))
    return [product.astype(op.output.dtype.numpy)]


def _truncated_quotient(a: Array, b: Array) -> Array:
    wide_a, wide_b = a.astype(np.int64), b.astype(np.int64)
    signs = np.sign(wide_a) * np.sign(wide_b)
    return np.asarray(signs * (np.abs(wide_a) // np.abs(wide_b)))


def _is_fused(options: object) -> bool:
    fused = (AddOptions, SubOptions, MulOptions, DivOptions, ConcatenationOptions)
    if not isinstance(options, fused):
        return False
    return options.fused_activation_function is not Activation.NONE


def _ints(array: Array) -> tuple[int, ...]:
    return tuple(int(number) for number in array.reshape(-1).astype(np.int64))


_DIVISIONS = frozenset({OpCode.DIV, OpCode.FLOOR_DIV, OpCode.FLOOR_MOD})
_EVALUATORS: dict[OpCode, Evaluator] = {
    OpCode.RESHAPE: _view,
    OpCode.EXPAND_DIMS: _view,
    OpCode.SQUEEZE: _view,
    OpCode.TRANSPOSE: _transpose,
    OpCode.SLICE: _slice,
    OpCode.STRIDED_SLICE: _strided_slice,
    OpCode.CONCATENATION: _concatenation,
    OpCode.PACK: _pack,
    OpCode.UNPACK: _unpack,
    OpCode.SPLIT: _split,
    OpCode.SPLIT_V: _split_v,
    OpCode.GATHER: _gather,
    OpCode.TILE: _tile,
    OpCode.BROADCAST_TO: _broadcast,
    OpCode.FILL: _fill,
    OpCode.ZEROS_LIKE: _zeros,
    OpCode.RANGE: _range,
    OpCode.REDUCE_PROD: _product,
    OpCode.SELECT: _select,
    OpCode.SELECT_V2: _select,
    OpCode.CAST: _cast,
    OpCode.DEQUANTIZE: _dequantize,
    OpCode.QUANTIZE: _quantize,
    OpCode.ADD: _arithmetic(np.add),
    OpCode.SUB: _arithmetic(np.subtract),
    OpCode.MUL: _arithmetic(np.multiply),
    OpCode.DIV: _arithmetic(_truncated_quotient),
    OpCode.FLOOR_DIV: _arithmetic(np.floor_divide),
    OpCode.FLOOR_MOD: _arithmetic(np.mod),
    OpCode.MAXIMUM: _arithmetic(np.maximum),
    OpCode.MINIMUM: _arithmetic(np.minimum),
    OpCode.EQUAL: _comparison(np.equal),
    OpCode.NOT_EQUAL: _comparison(np.not_equal),
    OpCode.LESS: _comparison(np.less),
    OpCode.LESS_EQUAL: _comparison(np.less_equal),
    OpCode.GREATER: _comparison(np.greater),
    OpCode.GREATER_EQUAL: _comparison(np.greater_equal),
}
_BROADCASTING = frozenset(
    {
        *(OpCode.ADD, OpCode.SUB, OpCode.MUL, OpCode.DIV, OpCode.FLOOR_DIV, OpCode.FLOOR_MOD),
        *(OpCode.MAXIMUM, OpCode.MINIMUM, OpCode.EQUAL, OpCode.NOT_EQUAL, OpCode.LESS),
        *(OpCode.LESS_EQUAL, OpCode.GREATER, OpCode.GREATER_EQUAL),
    }
)
_SIZES: dict[OpCode, Callable[[Op, Arrays], int]] = {
    **dict.fromkeys(_BROADCASTING, _broadcast_elements),
    OpCode.TILE: _tile_elements,
    OpCode.RANGE: _range_elements,
    OpCode.GATHER: _gather_elements,
    OpCode.SELECT: _select_elements,
    OpCode.SELECT_V2: _select_elements,
}
"""How many elements come of inputs whose number doesn't bound it."""
COVERED = frozenset(_EVALUATORS)
