"""Compose chains of TRANSPOSE; inverse pairs vanish."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.facts.transposes import permutation_of
from tflopt.ir import Op, OpCode
from tflopt.rewrite import Rewriter, Rule, Why, require, require_no_variable


class MergeTransposes(Rule):
    """Compose TRANSPOSE after TRANSPOSE into one; an inverse pair becomes nothing.

    Exact: both only move bytes, and so does the composition.
    """

    name: ClassVar[str] = "merge-transposes"
    number: ClassVar[int] = 4
    rank: ClassVar[int] = 40
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.TRANSPOSE})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Read what the TRANSPOSE before this one reads."""
        middle = op.input(0)
        first = None if middle is None else middle.producer
        if middle is None or first is None or first.code is not op.code:
            return
        source, before, after = first.input(0), permutation_of(first), permutation_of(op)
        if source is None or before is None or after is None:
            return
        composed = tuple(before[axis] for axis in after)
        inverse = composed == tuple(range(len(composed)))
        shared = middle.is_graph_output or len(middle.uses) > 1
        require(
            inverse or not shared,
            Why.SHARED("another operator reads the tensor in between"),
            at=first,
        )
        require_no_variable(source, at=first)
        perm = rw.constant(np.asarray(composed, dtype=np.int32), op.output)
        rw.set_inputs(op, [source, perm])
        if not middle.uses:
            rw.remove(first)
