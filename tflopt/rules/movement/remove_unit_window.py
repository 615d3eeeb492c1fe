"""Remove pooling with a window of one element, and resizing to the same size."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.arith.affine import affine_of
from tflopt.arith.fixed_point import INT8_MAX, INT8_MIN
from tflopt.arith.reduction import average_pool, max_pool
from tflopt.facts.operators import POOLS, RESIZES
from tflopt.ir import DType, Op, OpCode, same_quantization
from tflopt.ir.options import Pool2DOptions
from tflopt.rewrite import (
    BETWEEN_PORTS,
    BY_ENUMERATION,
    Exactness,
    Rewriter,
    Rule,
    Why,
    require,
    require_no_variable,
)


class RemoveUnitWindow(Rule):
    """Remove AVERAGE_POOL_2D and MAX_POOL_2D of one element, and RESIZE to the same size.

    Exact: the pooling of one element is done for all 256 values, with the fused activation; a
    RESIZE by 1 reads each element at its own place, where bilinear weights are 1 and 0.
    """

    name: ClassVar[str] = "remove-unit-window"
    number: ClassVar[int] = 43
    rank: ClassVar[int] = 410
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    anchors: ClassVar[frozenset[OpCode]] = POOLS | RESIZES

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Let the readers of the output read the input."""
        source = op.input(0)
        if source is None or source.shape != op.output.shape or len(source.shape) != 4:
            return
        if source.dtype is not DType.INT8 or op.output.dtype is not DType.INT8:
            return
        if op.code in POOLS and not hands_on(op):
            return
        same = same_quantization(source.quant, op.output.quant)
        require(same, Why.QUANTIZATION("it changes the quantization of what it hands on"), at=op)
        require_no_variable(source, at=op)
        require(rw.can_replace(op.output, source), BETWEEN_PORTS, at=op)
        is_pool = op.code in POOLS
        rw.prove("enumeration" if is_pool else "structure", 256 if is_pool else 0)
        rw.bypass(op, source)


def hands_on(op: Op) -> bool:
    """Whether a pooling has a window of one element and an activation that changes none."""
    options, out = op.options, affine_of(op.output)
    if not isinstance(options, Pool2DOptions) or out is None:
        return False
    sizes = (options.filter_height, options.filter_width, options.stride_h, options.stride_w)
    if sizes != (1, 1, 1, 1):
        return False
    every = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)
    fused = options.fused_activation_function
    if op.code is OpCode.MAX_POOL_2D:
        return bool((max_pool(every, out, fused) == every).all())
    return bool((average_pool(every, 1, out, fused) == every).all())
