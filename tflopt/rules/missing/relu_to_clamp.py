"""Write RELU_N1_TO_1 and RELU_0_TO_1, which TFLM lacks, by MAXIMUM and MINIMUM."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.ir import DType, Op, OpCode, Value, same_quantization
from tflopt.ir.node import Array
from tflopt.ir.options import MaximumMinimumOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Rule, Why, require

LOWEST = {OpCode.RELU_N1_TO_1: -1.0, OpCode.RELU_0_TO_1: 0.0}
HIGHEST = 1.0
VERSIONS = {DType.FLOAT32: 1, DType.INT8: 2}
"""The first version of MAXIMUM and MINIMUM for an element type."""


class ReluToClamp(Rule):
    """Turn RELU_N1_TO_1 and RELU_0_TO_1, which TFLM lacks, into MAXIMUM and MINIMUM.

    Exact: with equal parameters on both sides LiteRT's kernel multiplies by exactly 1 and then
    clamps to the integers nearest to the bounds (halves away from 0), which is what the two do.
    """

    name: ClassVar[str] = "relu-to-clamp"
    number: ClassVar[int] = 30
    rank: ClassVar[int] = 290
    anchors: ClassVar[frozenset[OpCode]] = frozenset(LOWEST)
    exactness: ClassVar[Exactness] = BY_ARITHMETIC

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Put two operators in its place."""
        source, output = op.input(0), op.output
        if source is None or op.code not in LOWEST:
            return
        require(
            source.dtype in VERSIONS,
            Why.NOT_QUANTIZED("the element type is not int8 or float32"),
            at=op,
        )
        same = same_quantization(source.quant, output.quant)
        require(same, Why.QUANTIZATION("it changes the quantization"), at=op)
        low, high = _bound(output, LOWEST[op.code]), _bound(output, HIGHEST)
        require(
            low is not None and high is not None,
            Why.NOT_QUANTIZED("it is not quantized per tensor"),
            at=op,
        )
        assert low is not None
        assert high is not None
        middle = rw.value(output)
        result = rw.value(output, same_elements=True)
        options, version = MaximumMinimumOptions(), VERSIONS[source.dtype]
        steps = ((OpCode.MAXIMUM, source, low, middle), (OpCode.MINIMUM, middle, high, result))
        for code, before, bound, after in steps:
            constant = rw.constant(bound, output, quant=output.quant)
            rw.insert(op, code, [before, constant], [after], options, version)
        rw.bypass(op, result)


def _bound(value: Value, real: float) -> Array | None:
    if value.dtype is DType.FLOAT32:
        return np.asarray([real], dtype=np.float32)
    if value.quant is None or not value.quant.is_set or value.quant.is_per_channel:
        return None
    scale, zero_point = value.quant.scalar()
    quotient = float(np.float32(real) / np.float32(scale))
    nearest = int(np.trunc(quotient + np.copysign(0.5, quotient))) + zero_point
    return np.asarray([min(max(nearest, -128), 127)], dtype=np.int8)
