"""A float MEAN or AVERAGE_POOL_2D between DEQUANTIZE and QUANTIZE as the int8 operator."""

from __future__ import annotations

from typing import ClassVar

from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Rule, Why, require
from tflopt.rules.islands.float_mean import find_mean, mean_distance, replace_mean
from tflopt.rules.islands.float_pool import find_pool, pool_distance, replace_pool


class IntegerizeMean(Rule):
    """Replace a float MEAN or AVERAGE_POOL_2D by the int8 operator where every sum agrees.

    Exact: the float sum of N elements is off by at most N roundings of its largest partial sum,
    in whatever order it is taken. For each integer sum both ends of that range are quantized and
    compared with the integer kernel.
    """

    name: ClassVar[str] = "integerize-mean"
    number: ClassVar[int] = 15
    rank: ClassVar[int] = 150
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.QUANTIZE})
    exactness: ClassVar[Exactness] = BY_ENUMERATION

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Take the mean of the integers."""
        island = find_mean(op)
        if island is None:
            self._pool(op, rw)
            return
        distance = mean_distance(island, op)
        require(
            distance.largest == 0, distance.reason(Why.NEAREST, "the int8 MEAN is not equal"), at=op
        )
        replace_mean(island, op, rw)
        rw.prove("enumeration", distance.values)

    @staticmethod
    def _pool(op: Op, rw: Rewriter) -> None:
        island = find_pool(op)
        if island is None:
            return
        distance = pool_distance(island, op)
        unequal = distance.reason(Why.NEAREST, "the int8 AVERAGE_POOL_2D is not equal")
        require(distance.largest == 0, unequal, at=op)
        replace_pool(island, op, rw)
        rw.prove("enumeration", distance.values)
