"""Give layers that the device computes wrongly without a bias a bias of zeros."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.facts.biases import bias_quantization
from tflopt.facts.operators import CONVOLUTIONS, data_of, facts_of
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter
from tflopt.rules.defects.route import RouteRule
from tflopt.target.hazards import is_routed_by


class AddZeroBias(RouteRule):
    """Add a bias of zeros where the device's kernel goes wrong without one.

    Exact: the kernels start each sum at the bias, and at zero where there is none.
    """

    name: ClassVar[str] = "add-zero-bias"
    number: ClassVar[int] = 36
    rank: ClassVar[int] = 340
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = CONVOLUTIONS | {OpCode.TRANSPOSE_CONV}

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Append the bias."""
        position = facts_of(op).bias
        if position is None or op.input(position) is not None:
            return
        if not is_routed_by(self.name, op, self.device):
            return
        inputs = [*op.inputs[:position], _zeros(op, rw)]
        rw.set_inputs(op, inputs)


def _zeros(op: Op, rw: Rewriter) -> Value:
    """One zero for each output channel, with the quantization that LiteRT asks for."""
    data, weights = data_of(op), op.input(1)
    wide = data is not None and data.dtype is DType.INT16
    zeros = np.zeros(op.output.shape[-1], dtype=np.int64 if wide else np.int32)
    return rw.constant(zeros, op.output, quant=bias_quantization(data, weights))
