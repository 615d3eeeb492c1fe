"""Float operators between DEQUANTIZE and QUANTIZE as the nearest int8 operators; not exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.config import Config
from tflopt.facts.clamps import is_private
from tflopt.facts.floats import MONOTONE
from tflopt.ir import Op, OpCode
from tflopt.rewrite import APPROXIMATE, Exactness, Rewriter, Rule, Why, require
from tflopt.rules.islands.island_rewrite import (
    float_input,
    nearest_form,
    replace_island,
    require_known,
)
from tflopt.rules.islands.islands import find_island
from tflopt.rules.islands.rounding import forget_origins


@dataclass(frozen=True)
class RoundIslands(Rule):
    """Replace float operators by int8 ones that differ by up to N steps (``--allow-lsb N``).

    Not exact. The distance is measured on every value or pair of the int8 tensors under the
    island. A residual that stays in float between blocks is taken from the int8 tensor that
    another reader made of it; the distance then counts every float that is rounded to a value,
    and leaves out floats beyond the range of that QUANTIZE, where it saturates.

    Args:
        max_steps: N; 0 turns the rule off.
    """

    name: ClassVar[str] = "round-islands"
    number: ClassVar[int] = 14
    rank: ClassVar[int] = 140
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.QUANTIZE})
    exactness: ClassVar[Exactness] = APPROXIMATE
    max_steps: int = 0

    @classmethod
    def from_config(cls, config: Config) -> RoundIslands:
        """The rule with what it needs of the options."""
        return cls(config.allow_lsb)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Compute the output of a QUANTIZE in integers, approximately."""
        root = float_input(op)
        if self.max_steps == 0 or root is None:
            return
        island = find_island(root, rounding=True)
        if not island.leaves or not island.ops or not is_private(root):
            return
        require_known(island, op)
        require(not island.bounded, "what a C library gives is not rounded", at=op)
        leaves = island.tensors
        rounded = any(leaf.rounded for leaf in leaves)
        steady = all(inner.code in MONOTONE for inner in island.ops)
        require(steady or not rounded, "an operator on a rounded float isn't monotone", at=op)
        form, distance = nearest_form(island, leaves, op)
        require(
            distance.largest <= self.max_steps,
            distance.reason(Why.OTHER, "the nearest form"),
            at=op,
        )
        replace_island(form, leaves, op, rw)
        forget_origins(op, rw)
        rw.prove(f"not exact: {distance}")
