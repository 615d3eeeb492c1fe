"""Float operators between DEQUANTIZE and QUANTIZE as int8 operators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tflopt.config import Config
from tflopt.facts.clamps import is_private
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Rule, Why, require
from tflopt.rules.constants.fold_constants import GROWTH_BYTES
from tflopt.rules.islands.float_softmax import find_softmax
from tflopt.rules.islands.island_rewrite import (
    constant_result,
    float_input,
    nearest_form,
    replace_island,
    require_known,
    store_result,
)
from tflopt.rules.islands.islands import Island, find_island


@dataclass(frozen=True)
class IntegerizeIslands(Rule):
    """Replace float operators between DEQUANTIZE and QUANTIZE by the int8 operator that is equal.

    Exact: an island over one int8 tensor is a map of 256 values, over two one of 65,536 pairs.
    All are computed as TFLM computes the floats, and compared with RELU, QUANTIZE, ADD, SUB, MUL
    and their fused activations, with and without a QUANTIZE before the sum. Over constants alone it
    is a constant.

    Args:
        postpone: leave islands whose float result others read as well, so that
            ``round-islands`` can give these others the int8 result.
    """

    name: ClassVar[str] = "integerize-islands"
    number: ClassVar[int] = 12
    rank: ClassVar[int] = 120
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.QUANTIZE})
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False
    postpone: bool = False

    @classmethod
    def from_config(cls, config: Config) -> IntegerizeIslands:
        """The rule with what it needs of the options."""
        return cls(postpone=config.allow_lsb > 0)

    def later(self) -> IntegerizeIslands:
        """Islands that could not be rounded are still made integers where that is exact."""
        return replace(self, postpone=False)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Compute the output of a QUANTIZE in integers."""
        root = float_input(op)
        if root is None or (self.postpone and not is_private(root)):
            return
        island = find_island(root)
        if not island.leaves:
            unequal = Why.NEAREST("no int8 form is equal: SOFTMAX rounds differently")
            require(find_softmax(op) is None, unequal, at=op)
            return
        result = constant_result(island, op)
        if result is not None and result.size <= _constant_bytes(island) + GROWTH_BYTES:
            store_result(result, op, rw)
            rw.prove("enumeration", result.size)
            return
        if island.bounded and not island.blocked and len(island.tensors) == 1:
            return  # weigh-islands
        require_known(island, op)
        leaves = island.tensors
        form, distance = nearest_form(island, leaves, op)
        require(distance.largest == 0, distance.reason(Why.NEAREST, "no int8 form is equal"), at=op)
        replace_island(form, leaves, op, rw)
        rw.prove("enumeration", distance.values)


def _constant_bytes(island: Island) -> int:
    return sum(leaf.value.size_bytes or 0 for leaf in island.tensors)
