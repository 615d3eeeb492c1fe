"""Remove operators that hand their input on unchanged."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.operators import JOINS, PADS, SLICES, SPLITS, TRANSPOSES, VIEWS, facts_of
from tflopt.ir import Activation, Op, OpCode, Value, same_quantization
from tflopt.ir.options import ConcatenationOptions
from tflopt.rewrite import BETWEEN_PORTS, Rewriter, Rule, Stage, Why, require, require_no_variable

SAME_SHAPE = VIEWS | {OpCode.TILE, OpCode.BROADCAST_TO}
SAME_TYPE = frozenset({OpCode.QUANTIZE, OpCode.CAST})
SINGLE = SPLITS | JOINS


class RemoveNoop(Rule):
    """Remove RESHAPE, TRANSPOSE, PAD, SLICE, QUANTIZE, CONCATENATION, SPLIT that change nothing.

    Exact: the output has the input's bytes and the readers read them with the same parameters.
    QUANTIZE between equal parameters multiplies by exactly 1 (multiplier 2^30, shift 1).
    """

    name: ClassVar[str] = "remove-noop"
    number: ClassVar[int] = 7
    stages: ClassVar[tuple[Stage, ...]] = (Stage.SIMPLIFY, Stage.SETTLE)
    rank: ClassVar[int] = 70
    anchors: ClassVar[frozenset[OpCode]] = frozenset(
        {OpCode.MIRROR_PAD, *TRANSPOSES, *SLICES, *PADS, *SAME_SHAPE, *SAME_TYPE, *SINGLE}
    )

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Let the readers of the output read the input."""
        source = op.input(facts_of(op).data)
        if source is None or len(op.outputs) != 1 or not is_identity(op, source):
            return
        same = same_quantization(source.quant, op.output.quant)
        require(same, Why.QUANTIZATION("it changes the quantization of what it hands on"), at=op)
        require_no_variable(source, at=op)
        require(rw.can_replace(op.output, source), BETWEEN_PORTS, at=op)
        rw.bypass(op, source)


def is_identity(op: Op, source: Value) -> bool:
    """Whether the output has the same elements in the same order, type and shape."""
    output = op.output
    if source.shape != output.shape or source.dtype != output.dtype:
        return False
    if op.code in SAME_SHAPE:
        return True
    if op.code in SAME_TYPE:
        return source.quant is not None or op.code is OpCode.CAST
    if op.code in SINGLE:
        return _is_single(op)
    return _moves_nothing(op)


def _is_single(op: Op) -> bool:
    if not isinstance(op.options, ConcatenationOptions):
        return op.code not in JOINS
    fused = op.options.fused_activation_function
    return len(op.inputs) == 1 and fused is Activation.NONE


def _moves_nothing(op: Op) -> bool:
    """For equal shapes: no permutation, no padding, no stride."""
    position = 3 if op.code is OpCode.STRIDED_SLICE else 1
    if op.code is OpCode.SLICE:
        return True
    numbers = op.ints(position)
    if numbers is None:
        return False
    if op.code in TRANSPOSES:
        return numbers == tuple(range(len(op.output.shape)))
    if op.code is OpCode.STRIDED_SLICE:
        return all(stride == 1 for stride in numbers)
    return not any(numbers)
