"""Give a TRANSPOSE that the device refuses fewer dimensions."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import numpy as np

from tflopt.facts.transposes import permutation_of
from tflopt.ir import Op, OpCode
from tflopt.rewrite import Rewriter, require
from tflopt.rewrite.makers import insert_reshape, insert_transpose, turn_into_reshape
from tflopt.rules.defects.route import RouteRule
from tflopt.target.hazards import is_routed_by
from tflopt.target.hazards.entries.transpose_rank_five import RANK_LIMIT


class MergeTransposedAxes(RouteRule):
    """Merge the axes that a TRANSPOSE of more than four dimensions moves together.

    Exact: axes that stay neighbours in their order are one axis to every element.
    """

    name: ClassVar[str] = "merge-transposed-axes"
    number: ClassVar[int] = 40
    rank: ClassVar[int] = 380
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.TRANSPOSE})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """RESHAPE, TRANSPOSE of fewer axes, RESHAPE."""
        source, perm = op.input(0), permutation_of(op)
        if source is None or perm is None:
            return
        if not is_routed_by(self.name, op, self.device):
            return
        large = [dim for dim in source.shape if dim != 1]
        axes = [axis for axis, dim in enumerate(source.shape) if dim != 1]
        groups = _groups([axes.index(axis) for axis in perm if axis in axes])
        require(len(groups) <= RANK_LIMIT, "more than four axes move apart", at=op)
        order = sorted(groups)
        shape = tuple(prod(large[axis] for axis in group) for group in order)
        merged = tuple(order.index(group) for group in groups)
        flat = rw.value(source, shape=shape, same_elements=True)
        moved = rw.value(op.output, shape=[shape[axis] for axis in merged], same_elements=True)
        control = rw.constant(np.asarray(merged, dtype=np.int32), op.output)
        insert_reshape(rw, op, source, flat)
        insert_transpose(rw, op, [flat, control], moved, version=2)
        turn_into_reshape(rw, op)
        rw.set_inputs(op, [moved])


def _groups(perm: list[int]) -> list[tuple[int, ...]]:
    """Runs of axes that follow one another before and after."""
    groups: list[tuple[int, ...]] = []
    last = -2
    for axis in perm:
        if groups and axis == last + 1:
            groups[-1] = (*groups[-1], axis)
        else:
            groups.append((axis,))
        last = axis
    return groups
