"""Widen the filter of a TRANSPOSE_CONV whose scratch the device sizes too small."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from tflopt.ir import DType, Op, OpCode
from tflopt.ir.options import TransposeConvOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Rule, require
from tflopt.search.worth import MOST_ELEMENTS
from tflopt.target.hazards import is_routed_by
from tflopt.target.kernels import padding_before
from tflopt.target.memory import Device


@dataclass(frozen=True)
class WidenTransposeConv(Rule):
    """Add columns of zeros to a TRANSPOSE_CONV's filter where its scratch is too small without.

    Exact: a weight of zero adds nothing, whatever the input; the padding stays 0.
    """

    name: ClassVar[str] = "widen-transpose-conv"
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.TRANSPOSE_CONV})

    device: Device = field(default_factory=Device)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Extend the filter to the stride's width."""
        options, weights = op.options, op.input(1)
        if weights is None or not isinstance(options, TransposeConvOptions):
            return
        if not is_routed_by(self.name, op, self.device):
            return
        plain = weights.has_data and weights.dtype is DType.INT8
        require(plain, "the weights are no int8 constant", at=op)
        width, stride, out = weights.shape[2], options.stride_w, op.output.shape[2]
        few = weights.elements // max(width, 1) * stride <= MOST_ELEMENTS
        require(few, "the filter would be too large", at=op)
        pads = [padding_before(options.padding, out, wide, stride) for wide in (width, stride)]
        require(pads == [0, 0], "a wider filter changes the padding", at=op)
        more = np.pad(weights.array(), ((0, 0), (0, 0), (0, stride - width), (0, 0)))
        rw.set_input(op, 1, rw.constant(more, weights, quant=weights.quant, name=weights.name))
