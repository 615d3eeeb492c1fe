"""Write an int16 SOFTMAX over one element, which wraps around on the device, as MAXIMUM."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.ir import Op, OpCode
from tflopt.ir.options import MaximumMinimumOptions
from tflopt.rewrite import Rewriter
from tflopt.rules.defects.route import RouteRule
from tflopt.target.hazards import is_routed_by

LARGEST = np.full(1, np.iinfo(np.int16).max, dtype=np.int16)
MAXIMUM_VERSION = 4
"""The first version of MAXIMUM with int16."""


class SoftmaxToMaximum(RouteRule):
    """Write an int16 SOFTMAX over one element as MAXIMUM with the largest number.

    Exact: one element has all of the probability, which the reference kernel saturates to 32767
    whatever the element is; and the larger of any int16 and 32767 is 32767.
    """

    name: ClassVar[str] = "softmax-to-maximum"
    number: ClassVar[int] = 41
    rank: ClassVar[int] = 390
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.SOFTMAX})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Exchange the operator."""
        if not is_routed_by(self.name, op, self.device):
            return
        largest = rw.constant(LARGEST, op.output, quant=op.output.quant)
        rw.set_code(op, OpCode.MAXIMUM, MaximumMinimumOptions(), MAXIMUM_VERSION)
        rw.set_inputs(op, [op.inputs[0], largest])
