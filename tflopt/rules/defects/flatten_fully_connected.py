"""Give a FULLY_CONNECTED that debug builds refuse an output of rank 2."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import ClassVar

from tflopt.facts.operators import VIEWS
from tflopt.ir import Op, OpCode
from tflopt.ir.options import FullyConnectedOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Stage, require
from tflopt.rules.defects.route import RouteRule
from tflopt.rules.views.merge_views import become_reshape
from tflopt.target.hazards import is_routed_by


class FlattenFullyConnected(RouteRule):
    """Flatten the output of a FULLY_CONNECTED that debug builds of TFLM stop at.

    Exact: rows times channels stay, and both functions requantize alike. Only where a view
    follows anyway, so that no byte more is moved; an EXPAND_DIMS or SQUEEZE there, whose axes
    count those of its input, becomes a RESHAPE.
    """

    name: ClassVar[str] = "flatten-fully-connected"
    number: ClassVar[int] = 37
    stages: ClassVar[tuple[Stage, ...]] = (Stage.SIMPLIFY, Stage.SETTLE)
    rank: ClassVar[int] = 350
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.FULLY_CONNECTED})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Set the output's shape to rows and channels."""
        options = op.options
        if len(op.output.shape) <= 2 or not isinstance(options, FullyConnectedOptions):
            return
        if not is_routed_by(self.name, op, self.device):
            return
        views = all(user.code in VIEWS for user in op.output.users)
        require(views and not op.output.is_graph_output, "its readers need the rank", at=op)
        *rows, channels = op.output.shape
        rw.set_options(op, replace(options, keep_num_dims=False))
        rw.set_shape(op.output, (prod(rows), channels))
        for user in op.output.users:
            if user.code is not OpCode.RESHAPE:
                become_reshape(user, op.output, rw)
