"""Operators whose output consists of elements of their inputs, whatever these elements are."""

from __future__ import annotations

from tflopt.facts.operators import OPERATORS, Kind, Trait, having, of_kind
from tflopt.facts.tables import EXTREMES
from tflopt.ir import Activation, Op, OpCode, Options
from tflopt.ir.options import ConcatenationOptions, Pool2DOptions

JOINS = of_kind(Kind.JOIN, Kind.STACK)
REDUCTIONS = of_kind(Kind.REDUCTION) & having(Trait.PICKS)
SORTING = having(Trait.PICKS)
"""They pick by size, so that only what keeps the order commutes with them."""
COPIES = of_kind(Kind.GATHER, Kind.MIRROR_PAD, Kind.DEPTH) | {
    OpCode.BATCH_TO_SPACE_ND,
    OpCode.RESIZE_NEAREST_NEIGHBOR,
}
"""They pick by place, in one tensor."""
PARTS = {code: OPERATORS[code].data for code in of_kind(Kind.SPLIT, Kind.UNSTACK)}
"""They cut one tensor into several; by the place of that tensor among their inputs."""


def picked(op: Op) -> tuple[int, ...] | None:
    """The places of the inputs among whose elements ``op`` picks; None for other operators."""
    if not isinstance(op.options, Options | None) or not _is_without_activation(op):
        return None
    if op.code in JOINS | EXTREMES:
        return tuple(range(len(op.inputs)))
    if op.code in COPIES | REDUCTIONS or op.code is OpCode.MAX_POOL_2D:
        return (0,)
    return (PARTS[op.code],) if op.code in PARTS else None


def _is_without_activation(op: Op) -> bool:
    options = op.options
    if not isinstance(options, ConcatenationOptions | Pool2DOptions):
        return True
    return options.fused_activation_function is Activation.NONE
