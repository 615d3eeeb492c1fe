"""What a CONCATENATION without activation joins and a SPLIT parts, and along which axis."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.facts.operators import JOINS, SPLITS, data_of, facts_of
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


@dataclass(frozen=True)
class Split:
    """One tensor in parts, the outputs of ``op``: SPLIT or SPLIT_V.

    ``axis`` counts from the front.
    """

    op: Op
    data: Value
    axis: int

    @property
    def parts(self) -> tuple[Value, ...]:
        """The outputs."""
        return self.op.outputs


def split_of(op: Op) -> Split | None:
    """The view of a SPLIT or SPLIT_V along a constant axis; else None."""
    if op.code not in SPLITS:
        return None
    data, axes = data_of(op), op.ints(facts_of(op).controls[-1])
    if data is None or not data.shape or axes is None or len(axes) != 1:
        return None
    return Split(op, data, axes[0] % len(data.shape))
