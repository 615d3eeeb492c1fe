"""How each operator takes part when channels go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tflopt.ir import Op, OpCode
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


ELEMENTWISE = Role(moving.link_elementwise, moving.cut_constants)
BY_CHANNEL = Role(moving.link_by_channel, moving.cut_constants)
VIEW = Role(shaped.link_view, shaped.cut_view)
SLICE = Role(moving.link_slice, moving.cut_slice)
SPLIT = Role(moving.link_split, moving.cut_split)
PAD = Role(moving.link_pad, moving.cut_pad)
REDUCTION = Role(shaped.link_reduction, moving.cut_constants)
ROLES: dict[OpCode, Role] = {
    OpCode.CONV_2D: Role(weighted.link_convolution, weighted.cut_convolution),
    OpCode.DEPTHWISE_CONV_2D: Role(weighted.link_depthwise, weighted.cut_depthwise),
    OpCode.FULLY_CONNECTED: Role(weighted.link_dense, weighted.cut_dense),
    OpCode.TRANSPOSE_CONV: Role(weighted.link_transposed, weighted.cut_transposed),
    OpCode.CONCATENATION: Role(moving.link_concatenation, moving.cut_constants),
    OpCode.TRANSPOSE: Role(shaped.link_transpose, moving.cut_constants),
    OpCode.RESHAPE: VIEW,
    OpCode.EXPAND_DIMS: VIEW,
    OpCode.SQUEEZE: VIEW,
    OpCode.SLICE: SLICE,
    OpCode.STRIDED_SLICE: SLICE,
    OpCode.SPLIT: SPLIT,
    OpCode.SPLIT_V: SPLIT,
    OpCode.PAD: PAD,
    OpCode.PADV2: PAD,
    OpCode.MEAN: REDUCTION,
    OpCode.SUM: REDUCTION,
    OpCode.REDUCE_MAX: REDUCTION,
    OpCode.REDUCE_MIN: REDUCTION,
    **dict.fromkeys(moving.ELEMENTWISE, ELEMENTWISE),
    **dict.fromkeys(moving.BY_CHANNEL, BY_CHANNEL),
}
