"""Replace a TRANSPOSE that moves only dimensions of size 1."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.transposes import permutation_of
from tflopt.ir import Op, OpCode
from tflopt.rewrite import Rewriter, Rule
from tflopt.rules.views.merge_views import become_reshape


class TransposeToReshape(Rule):
    """Turn a TRANSPOSE that moves only dimensions of size 1 into a RESHAPE.

    Exact: the other dimensions keep their order, so every element keeps its place.
    """

    name: ClassVar[str] = "transpose-to-reshape"
    number: ClassVar[int] = 5
    rank: ClassVar[int] = 50
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.TRANSPOSE})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Become a RESHAPE where the large dimensions keep their order."""
        source, perm = op.input(0), permutation_of(op)
        if source is None or perm is None:
            return
        large = [axis for axis in perm if source.shape[axis] != 1]
        if large == sorted(large):
            become_reshape(op, source, rw)
