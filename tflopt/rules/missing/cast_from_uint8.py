"""Write CAST from uint8, which TFLM lacks, with operators that it has."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.ir import DType, Op, OpCode, Quantization, Value
from tflopt.ir.options import CastOptions, DequantizeOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Rule, require
from tflopt.rewrite.sketch import Sketch

TO = frozenset({DType.FLOAT32, DType.INT8, DType.INT16, DType.INT32, DType.UINT32, DType.BOOL})
"""What TFLM's CAST makes of int32 (``kernels/cast.cc``, tflite-micro 90b983c)."""
BYTES = Quantization.per_tensor(1.0, 0)
"""As uint8: a byte means its own number."""
SHIFTED = Quantization.per_tensor(1.0, -128)
"""The same number as int8."""
OFFSET = 128


class CastFromUint8(Rule):
    """Turn CAST from uint8, which TFLM lacks, into DEQUANTIZE, or QUANTIZE, CAST and ADD.

    Where the number of a byte is meant, a RESHAPE to the same shape gives the bytes the scale 1 and
    the zero point 0. Then DEQUANTIZE makes floats of them, and QUANTIZE to int8 with the zero point
    -128 subtracts 128, which ADD gives back behind the CAST to int32.

    Exact: every number from 0 to 255 is a float; QUANTIZE between equal scales multiplies by
    exactly 1; sums of int32 don't wrap. int32 is cast on as uint8 would have been.
    """

    name: ClassVar[str] = "cast-from-uint8"
    number: ClassVar[int] = 81
    rank: ClassVar[int] = 320
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CAST})
    exactness: ClassVar[Exactness] = BY_ARITHMETIC

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        source = op.input(0)
        if source is None or source.dtype is not DType.UINT8:
            return
        require(op.output.dtype in TO, "TFLM casts nothing to its type", at=op)
        require(len(source.shape) > 0, "it casts a scalar", at=op)
        sketch = Sketch()
        number = _as_numbers(sketch, source)
        if op.output.dtype is DType.FLOAT32:
            options = DequantizeOptions()
            result = sketch.op(
                OpCode.DEQUANTIZE, [number], source.shape, options=options, dtype=DType.FLOAT32
            )
        else:
            result = _as_integers(sketch, number, op.output.dtype)
        sketch.results[op.output] = result
        sketch.graft(rw, op)


def _as_numbers(sketch: Sketch, source: Value) -> Value:
    """The bytes with the scale 1 and the zero point 0."""
    return sketch.reshape(sketch.read(source), source.shape, BYTES)


def _as_integers(sketch: Sketch, number: Value, dtype: DType) -> Value:
    low = sketch.quantize(number, SHIFTED, DType.INT8, version=1)
    wide = _cast(sketch, low, DType.INT32)
    offset = sketch.constant(np.array([OFFSET]))
    whole = sketch.add_integers(wide, offset)
    return whole if dtype is DType.INT32 else _cast(sketch, whole, dtype)


def _cast(sketch: Sketch, value: Value, dtype: DType) -> Value:
    options = CastOptions(value.dtype.value, dtype.value)
    return sketch.bare(sketch.op(OpCode.CAST, [value], value.shape, options=options, dtype=dtype))
