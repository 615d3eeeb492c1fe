"""Scratch that TFLM's reference kernels ask for: what an x86-64 build of TFLM uses.

On Cortex-M with CMSIS-NN the sizes come from `tflopt.target`; these here are for the comparison
with the tflite-micro Python package, whose kernels are the reference ones. Sources: the
``Prepare`` functions in ``tensorflow/lite/micro/kernels`` of tflite-micro 90b983c. Operators that
are not listed ask for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tflopt.facts.operators import Kind, Trait, facts_of, kind_of
from tflopt.facts.tflm import KERNELS
from tflopt.ir import DType, Op, Value
from tflopt.ir.options import SVDFOptions

INT_BYTES = 4
POINTER_BYTES = 8

Scratch = tuple[int, ...]


def reference_scratch(op: Op) -> Scratch:
    """Bytes of each scratch request, in order, on a 64-bit host."""
    if op.opcode.custom_code == "SignalRfft":
        return _rfft(op)
    rule = _RULES.get(kind_of(op))
    return () if rule is None else rule(op)


def _reduce(op: Op) -> Scratch:
    """MEAN and SUM of integers have an accumulator for each element of their output too."""
    data, axes = _value(op, 0), _value(op, 1)
    accumulates = Trait.ACCUMULATES in facts_of(op).traits and _is_int8_or_int16(data)
    accumulator = (INT_BYTES * op.output.elements,) if accumulates else ()
    return (*accumulator, INT_BYTES * len(data.shape), INT_BYTES * axes.elements)


def _unpacked_filter(op: Op) -> Scratch:
    weights = _value(op, 1)
    return (weights.elements,) if weights.dtype is DType.INT4 else ()


def _transpose_conv(op: Op) -> Scratch:
    data, bias = _value(op, 2), op.input(3)
    if data.dtype is DType.INT8:
        return (INT_BYTES * op.output.elements,)
    if data.dtype is not DType.INT16:
        return ()
    widened = bias is not None and bias.dtype is DType.INT16
    converted = (8 * bias.elements,) if widened and bias is not None else ()
    return (8 * op.output.elements, *converted)


def _svdf(op: Op) -> Scratch:
    batch = _value(op, 0).shape[0]
    filters = _value(op, 1).shape[0]
    first = INT_BYTES * batch * filters
    if _value(op, 1).dtype is not DType.INT8:
        return (first,)
    return (first, INT_BYTES * batch * op.output.shape[-1])


def _recurrent(op: Op) -> Scratch:
    if isinstance(op.options, SVDFOptions):
        return _svdf(op)
    return _lstm(op) if op.code in KERNELS else ()


_LSTM_OUTPUT_STATE, _LSTM_CELL_STATE = 18, 19


def _lstm(op: Op) -> Scratch:
    batch, units = _value(op, _LSTM_OUTPUT_STATE).shape
    element_bytes = 2 if _value(op, _LSTM_CELL_STATE).dtype is DType.INT16 else 4
    return (batch * units * element_bytes,) * 4


def _mirror_pad(op: Op) -> Scratch:
    return (INT_BYTES * len(_value(op, 0).shape),) * 2


def _add_n(op: Op) -> Scratch:
    return (POINTER_BYTES * len(op.inputs),)


def _rfft(op: Op) -> Scratch:
    """One element per point of the transform; the output has half of them plus one, complex."""
    dtype = op.output.dtype.numpy
    return () if dtype is None else (dtype.itemsize * (op.output.shape[-1] - 2),)


def _is_int8_or_int16(value: Value) -> bool:
    return value.dtype in (DType.INT8, DType.INT16)


def _value(op: Op, index: int) -> Value:
    value = op.input(index)
    if value is None:
        raise ValueError(f"{op!r} has no input {index}")
    return value


_RULES: Mapping[Kind, Callable[[Op], Scratch]] = {
    Kind.REDUCTION: _reduce,
    Kind.CONVOLUTION: _unpacked_filter,
    Kind.DEPTHWISE: _unpacked_filter,
    Kind.DENSE: _unpacked_filter,
    Kind.TRANSPOSE_CONV: _transpose_conv,
    Kind.RECURRENT: _recurrent,
    Kind.MIRROR_PAD: _mirror_pad,
    Kind.SUM_OF_MANY: _add_n,
}
