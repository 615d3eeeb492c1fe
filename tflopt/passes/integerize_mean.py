"""A float MEAN between DEQUANTIZE and QUANTIZE as the int8 MEAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.ir import Op, OpCode
from tflopt.passes.float_mean import find_mean, mean_distance, replace_mean
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Rule, require


@dataclass(frozen=True)
class IntegerizeMean(Rule):
    """Replace DEQUANTIZE, a float MEAN and QUANTIZE by the int8 MEAN where every sum agrees.

    Exact: the float sum of N elements is off by at most N roundings of its largest partial sum,
    in whatever order it is taken. For each integer sum both ends of that range are quantized and
    compared with the integer kernel.
    """

    name: ClassVar[str] = "integerize-mean"
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.QUANTIZE})
    exactness: ClassVar[Exactness] = BY_ENUMERATION

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Take the mean of the integers."""
        found = find_mean(op)
        if found is None:
            return
        distance = mean_distance(found, op)
        require(distance.largest == 0, f"the int8 MEAN is not equal: {distance}", at=op)
        replace_mean(found, op, rw)
        rw.prove("enumeration", distance.values)
