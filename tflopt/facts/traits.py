"""Facts about operators that several rules need."""

from __future__ import annotations

from tflopt.ir.node import Op
from tflopt.ir.opcodes import OpCode

VIEWS = frozenset({OpCode.RESHAPE, OpCode.EXPAND_DIMS, OpCode.SQUEEZE})
"""The output has the input's elements in the input's order, under another shape."""

EFFECTS = frozenset(
    {
        OpCode.UNKNOWN,
        OpCode.ASSIGN_VARIABLE,
        OpCode.CALL,
        OpCode.CALL_ONCE,
        OpCode.CUSTOM,
        OpCode.DELEGATE,
        OpCode.HASHTABLE_IMPORT,
        OpCode.IF,
        OpCode.MULTINOMIAL,
        OpCode.RANDOM_STANDARD_NORMAL,
        OpCode.RANDOM_UNIFORM,
        OpCode.STABLEHLO_CASE,
        OpCode.STABLEHLO_COMPOSITE,
        OpCode.STABLEHLO_CUSTOM_CALL,
        OpCode.STABLEHLO_RNG_BIT_GENERATOR,
        OpCode.STABLEHLO_WHILE,
        OpCode.WHILE,
    }
)
"""May do more than produce their outputs, or draw on hidden state; never removed or merged."""


def has_effect(op: Op) -> bool:
    """Whether removing ``op`` could be seen although nobody reads its outputs."""
    if op.code in EFFECTS or not op.outputs:
        return True
    states = (value for value in op.inputs if value is not None and value.is_variable)
    return any(use.op is not op for state in states for use in state.uses)
