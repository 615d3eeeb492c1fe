"""Let DEQUANTIZE come after clamps, which then work on bytes and fuse into what comes before."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.arith import floating
from tflopt.arith.affine import Affine, affine_of
from tflopt.facts.clamps import is_private
from tflopt.facts.tables import EVERY_INT8, unary_table
from tflopt.ir import DType, Op, OpCode
from tflopt.ir.options import DequantizeOptions
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Rule, Why, require

FLOAT_CLAMPS = {OpCode.RELU: floating.relu, OpCode.RELU6: floating.relu6}


class SinkDequantize(Rule):
    """Exchange DEQUANTIZE and the RELU or RELU6 that alone reads it: the clamp works on int8.

    Exact: DEQUANTIZE is an increasing map that sends the zero point to 0, so that RELU commutes
    with it; RELU6 does where no value beyond 6 exists. The 256 floats are compared bit for bit.
    """

    name: ClassVar[str] = "sink-dequantize"
    number: ClassVar[int] = 10
    rank: ClassVar[int] = 100
    anchors: ClassVar[frozenset[OpCode]] = frozenset(FLOAT_CLAMPS)
    exactness: ClassVar[Exactness] = BY_ENUMERATION

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Let each take the other's place."""
        real = op.input(0)
        before = None if real is None else real.producer
        if real is None or before is None or before.code is not OpCode.DEQUANTIZE:
            return
        source = before.input(0)
        if source is None or source.dtype is not DType.INT8 or source.is_variable:
            return
        params = affine_of(source)
        if params is None:
            return
        require(is_private(real), Why.SHARED("others read the dequantized tensor as well"), at=op)
        require(_commutes(op.code, params), "its limit lies between two quantized values", at=op)
        clamped = rw.value(source)
        rw.set_outputs(before, [clamped])
        rw.set_code(before, op.code, None, version=2)
        rw.set_inputs(op, [clamped])
        rw.set_code(op, OpCode.DEQUANTIZE, DequantizeOptions(), version=2)
        rw.prove("enumeration", len(EVERY_INT8))


def _commutes(code: OpCode, params: Affine) -> bool:
    """Whether the clamp of the floats is the int8 operator on the numbers, bit for bit."""
    results = unary_table(code, None, params, params)
    if results is None or not np.array_equal(results[0], results[1]):
        return False
    expected = FLOAT_CLAMPS[code](floating.dequantize(EVERY_INT8, params))
    actual = floating.dequantize(results[0], params)
    return bool(np.array_equal(expected.view(np.uint32), actual.view(np.uint32)))
