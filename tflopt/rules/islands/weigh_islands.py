"""Float operators between DEQUANTIZE and QUANTIZE as int8 operators where that is better."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.clamps import reachable
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, require
from tflopt.rules.islands.island_rewrite import float_input, unknown
from tflopt.rules.islands.islands import find_island
from tflopt.rules.islands.rounding import ops_between, remove_unread
from tflopt.rules.islands.weighed_forms import weigh
from tflopt.search.worth import FormRule


class WeighIslands(FormRule):
    """Run LOGISTIC, TANH or a change of scale between DEQUANTIZE and QUANTIZE on int8, if better.

    Exact: all 256 values are compared, and for LOGISTIC and TANH both ends of what C libraries
    within 4 units in the last place can give. A change of scale that QUANTIZE rounds differently
    is MUL by 128 times 1/128, or a one-tap depthwise convolution, which round once. With a
    floating-point unit the float operators may take fewer instructions.
    """

    name: ClassVar[str] = "weigh-islands"
    number: ClassVar[int] = 65
    rank: ClassVar[int] = 160
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.QUANTIZE})
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Compute the output of a QUANTIZE in integers."""
        root = float_input(op)
        island = None if root is None else find_island(root)
        if island is None or len(island.tensors) != 1 or unknown(island) is not None:
            return
        (leaf,) = island.tensors
        sketches, why_not = weigh(island, leaf, op.output)
        if not sketches and not island.bounded:
            return  # integerize-islands says how far its forms are off
        require(bool(sketches), why_not, at=op)
        sketch, choice = self.worth.best(ops_between(leaf.value, op), sketches)
        require(choice.is_worth_it, choice.why_not("an int8 form"), at=op)
        sketch.graft(rw, op)
        remove_unread(root, rw)
        rw.prove("enumeration", len(reachable(leaf.value)))
