"""How each operator takes part when channels go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tflopt.facts.operators import Kind, kind_of
from tflopt.ir import Op
from tflopt.ranges.reductions import REDUCTIONS
from tflopt.rewrite import Rewriter
from tflopt.rules.channels import moving, shaped, weighted
from tflopt.rules.channels.links import Links
from tflopt.rules.channels.plan import Plan


@dataclass(frozen=True)
class Role:
    """An operator's part.

    Args:
        link: ties and holds indices of what it reads and produces; False, and nothing done, where
            the operator is not understood.
        cut: edits its constants and options; shapes are still the old ones.
    """

    link: Callable[[Op, Links], bool]
    cut: Callable[[Op, Plan, Rewriter], None]


ELEMENTWISE = Role(moving.link_elementwise, moving.cut_elementwise)
BY_CHANNEL = Role(moving.link_by_channel, moving.cut_constants)
VIEW = Role(shaped.link_view, shaped.cut_view)
SLICE = Role(moving.link_slice, moving.cut_slice)
SPLIT = Role(moving.link_split, moving.cut_split)
PAD = Role(moving.link_pad, moving.cut_pad)
REDUCTION = Role(shaped.link_reduction, moving.cut_constants)
ROLES: dict[Kind, Role] = {
    **dict.fromkeys((Kind.SLICE, Kind.STRIDED_SLICE), SLICE),
    Kind.CONVOLUTION: Role(weighted.link_convolution, weighted.cut_convolution),
    Kind.DEPTHWISE: Role(weighted.link_depthwise, weighted.cut_depthwise),
    Kind.DENSE: Role(weighted.link_dense, weighted.cut_dense),
    Kind.TRANSPOSE_CONV: Role(weighted.link_transposed, weighted.cut_transposed),
    Kind.JOIN: Role(moving.link_concatenation, moving.cut_constants),
    Kind.TRANSPOSE: Role(shaped.link_transpose, moving.cut_constants),
    Kind.VIEW: VIEW,
    Kind.SPLIT: SPLIT,
    Kind.PAD: PAD,
}


def role_of(op: Op) -> Role | None:
    """The part of an operator, None where it is not understood."""
    if op.code in moving.ELEMENTWISE:
        return ELEMENTWISE
    if op.code in moving.BY_CHANNEL:
        return BY_CHANNEL
    if kind_of(op) is Kind.REDUCTION:
        return REDUCTION if op.code in REDUCTIONS else None
    return ROLES.get(kind_of(op))
