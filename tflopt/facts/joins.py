"""What a CONCATENATION without activation joins, and along which axis."""

from __future__ import annotations

from tflopt.data import dataclass
from tflopt.facts.operators import JOINS
from tflopt.ir import Activation, Op, Value
from tflopt.ir.options import ConcatenationOptions


@dataclass(frozen=True)
class Join:
    """Tensors one behind the other: what rules speak of.

    ``axis`` counts from the front.
    """

    op: Op
    parts: tuple[Value, ...]
    axis: int


def join_of(op: Op | None) -> Join | None:
    """The view of a CONCATENATION without activation, all of whose inputs are there; else None."""
    if op is None or op.code not in JOINS or not isinstance(op.options, ConcatenationOptions):
        return None
    parts = tuple(value for value in op.inputs if value is not None)
    rank = len(op.output.shape)
    if len(parts) != len(op.inputs) or not rank:
        return None
    if op.options.fused_activation_function is not Activation.NONE:
        return None
    return Join(op, parts, op.options.axis % rank)
