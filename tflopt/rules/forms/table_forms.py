"""Maps of int8 as tables that GATHER looks up."""

from __future__ import annotations

from math import prod

import numpy as np

from tflopt.arith.fixed_point import INT8_MIN, Ints
from tflopt.facts.tables import EVERY_INT8
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import CastOptions, GatherOptions
from tflopt.rewrite.sketch import Sketch

GATHER_VERSION = 2
"""The first version of GATHER that takes int8."""


def as_lookup(source: Value, output: Value, table: Ints) -> Sketch:
    """CAST to int32, ADD 128, GATHER, element by element.

    Args:
        table: the output for each int8 value, shaped (256,).
    """
    return _gathered(source, source.shape, output, table)


def as_row_lookup(source: Value, output: Value, rows: Ints) -> Sketch:
    """As :func:`as_lookup`, the whole output by one element.

    Args:
        source: int8 of one element.
        rows: what each int8 value gives, shaped (256, elements of ``output``).
    """
    if output.elements == 1:
        return _gathered(source, output.shape, output, rows[:, 0])
    table = rows.reshape(len(rows), *output.shape[1:])
    return _gathered(source, (1,), output, table)


def _gathered(source: Value, shape: tuple[int, ...], output: Value, table: Ints) -> Sketch:
    sketch = Sketch()
    numbers = sketch.op(
        OpCode.CAST,
        [sketch.view(sketch.read(source), shape)],
        shape,
        options=CastOptions(int(DType.INT8), int(DType.INT32)),
        dtype=DType.INT32,
    )
    alike = shape if prod(shape) == 1 else (1,)  # equal shapes take the loop without broadcasting
    offset = sketch.constant(np.full(alike, -INT8_MIN))
    plain = sketch.unscaled(numbers)  # TFLM's ADD of int32 takes no other
    places = sketch.add_integers(plain, offset)
    entries = sketch.constant(np.asarray(table, np.int8), DType.INT8, output.quant)
    assert len(table) == EVERY_INT8.size
    sketch.results[output] = sketch.op(
        OpCode.GATHER,
        [entries, places],
        (*shape, *table.shape[1:]),
        options=GatherOptions(0),
        version=GATHER_VERSION,
    )
    return sketch
