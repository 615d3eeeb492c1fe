"""What LiteRT's tables of int8 hold for operators that rest on its C library.

LiteRT fills a table of 256 bytes with floats of its C library (``lut.h``): the input's number times
its scale, the function, times one over the output's scale, rounded with halves away from zero.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tflopt.arith import c_library
from tflopt.arith.affine import affine_of
from tflopt.arith.c_library import End
from tflopt.arith.fixed_point import INT8_MAX, INT8_MIN, Ints, Reals, Singles, clamp, ints
from tflopt.facts.tables import EVERY_INT8
from tflopt.ir.node import Op
from tflopt.ir.opcodes import OpCode
from tflopt.ir.record import Record
from tflopt.ir.types import DType

Function = Callable[[Op, Singles, End], Reals]
ROUNDINGS = 3 * 2.0**-24
"""Of the scale's reciprocal, of the product with it, and of the function's own last product."""
LARGEST = 2.0**30
"""Rounded numbers up to here fit into the 32 bits that C converts them to."""


def library_table(op: Op) -> tuple[Ints, Ints] | None:
    """The lowest and the highest output for each int8 value, shaped (256,) each.

    None for other operators, and where C leaves the result undefined.
    """
    function = _FUNCTIONS.get(op.code)
    if function is None or len(op.inputs) != 1 or op.inputs[0] is None:
        return None
    source, target = affine_of(op.inputs[0]), affine_of(op.output)
    types = {op.inputs[0].dtype, op.output.dtype}
    if source is None or target is None or types != {DType.INT8}:
        return None
    with np.errstate(over="ignore"):
        x = np.asarray(source.scale * (EVERY_INT8 - source.zero_point).astype(np.float32))
        ends = [_scaled(function(op, x, end), float(target.double), end) for end in End]
    if not all(np.all(np.abs(end) < LARGEST) for end in ends):
        return None
    low, high = (_rounded(end) + target.zero_point for end in ends)
    return clamp(low, INT8_MIN, INT8_MAX), clamp(high, INT8_MIN, INT8_MAX)


def _scaled(real: Reals, scale: float, end: End) -> Reals:
    quotient = real / scale
    room = np.abs(quotient) * ROUNDINGS
    return np.asarray(quotient - room if end is End.LOW else quotient + room)


def _rounded(real: Reals) -> Ints:
    """``round`` of C: halves away from zero."""
    return ints(np.trunc(real + np.copysign(0.5, real)))


def _gelu(op: Op, x: Singles, end: End) -> Reals:
    told = op.options.fields.get("approximate", False) if isinstance(op.options, Record) else False
    return c_library.gelu(x, end, approximate=bool(told))


def _exp(_: Op, x: Singles, end: End) -> Reals:
    return c_library.exp(x, end).astype(np.float64)


_FUNCTIONS: dict[OpCode, Function] = {OpCode.GELU: _gelu, OpCode.EXP: _exp}
FROM_A_LIBRARY = frozenset(_FUNCTIONS)
"""Operators of one int8 tensor for which LiteRT makes a table, and TFLM has no int8 kernel."""
