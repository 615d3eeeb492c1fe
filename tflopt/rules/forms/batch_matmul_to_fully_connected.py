"""Turn a BATCH_MATMUL with a constant right-hand side into a FULLY_CONNECTED."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import numpy as np

from tflopt.arith.affine import affine_of
from tflopt.ir import Activation, DType, Op, OpCode
from tflopt.ir.options import BatchMatMulOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.forms.dense_forms import Dense, as_fully_connected
from tflopt.search.worth import FormRule


class BatchMatMulToFullyConnected(FormRule):
    """Run BATCH_MATMUL with a constant matrix as FULLY_CONNECTED, if that is better.

    The matrix is transposed ahead of time, where BATCH_MATMUL keeps a transposed copy in the
    arena. Exact: both sum up the same products and compute one multiplier in single precision.
    """

    name: ClassVar[str] = "batch-matmul-to-fully-connected"
    number: ClassVar[int] = 60
    rank: ClassVar[int] = 110
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    alike_on_litert: ClassVar[bool] = False
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.BATCH_MATMUL})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        options, data, matrix = op.options, op.input(0), op.input(1)
        if data is None or matrix is None or not matrix.has_array:
            return
        if not isinstance(options, BatchMatMulOptions) or len(matrix.shape) < 2:
            return
        parts = (data, matrix, op.output)
        if any(v.dtype is not DType.INT8 or affine_of(v) is None for v in parts):
            return
        require(
            not options.adj_x, Why.COMPUTED("the left-hand side is transposed at run time"), at=op
        )
        single = prod(matrix.shape[:-2]) == 1
        require(single, "the right-hand side has several matrices", at=op)
        quant = matrix.quant
        assert quant is not None and quant.zero_point is not None
        require(not quant.zero_point.any(), "the constant has a zero point", at=op)
        weights = matrix.array().reshape(matrix.shape[-2:])
        rows = weights if options.adj_y else np.ascontiguousarray(weights.T)
        shape = (*data.shape[:-1], len(rows))
        fits = data.shape[-1:] == rows.shape[1:] and op.output.elements == prod(shape)
        require(fits, "its shapes don't fit", at=op)
        sketch = as_fully_connected(Dense(op, data, rows, quant, None, Activation.NONE))
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("FULLY_CONNECTED"), at=op)
        sketch.graft(rw, op)
