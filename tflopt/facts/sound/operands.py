"""How many inputs and outputs a builtin operator has at least: kernels fetch them unchecked."""

from __future__ import annotations

from tflopt.facts.operators import Trait, facts_of
from tflopt.ir.node import Op
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import (
    CallOnceOptions,
    IfOptions,
    Options,
    SVDFOptions,
    VarHandleOptions,
    WhileOptions,
)
from tflopt.ir.types import DType

WIDENING = (OpCode.SOFTMAX, DType.INT8, DType.INT16)
"""The only operator that keeps types with a kernel for another type of its output."""
OPTIONS: dict[OpCode, type[Options]] = {
    OpCode.CALL_ONCE: CallOnceOptions,
    OpCode.IF: IfOptions,
    OpCode.SVDF: SVDFOptions,
    OpCode.VAR_HANDLE: VarHandleOptions,
    OpCode.WHILE: WhileOptions,
}
"""Options without which a kernel can't work at all."""
UNKNOWN_TYPES = frozenset({DType.STRING, DType.VARIANT, DType.INT2, DType.UINT4})
"""TFLM has no size for these: a kernel gets no tensor where it asks for one."""


def operand_flaw(op: Op) -> str:
    """An operand or options that are missing; empty where all are there."""
    options = OPTIONS.get(op.code)
    if options is not None and not isinstance(op.options, options):
        return f"it has no {options.__name__}"
    facts = facts_of(op)
    for index in facts.needs:
        if op.input(index) is None:
            return f"input {index} is missing; the kernel reads it"
    if Trait.VARIADIC in facts.traits and None in op.inputs:
        return f"input {op.inputs.index(None)} is missing; the kernel reads it"
    if not op.outputs and Trait.NO_OUTPUT not in facts.traits:
        return "it has no output"
    return _type_flaw(op) if facts.needs else ""


def _type_flaw(op: Op) -> str:
    facts = facts_of(op)
    data = op.input(facts.data)
    if data is not None and Trait.KEEPS_TYPE in facts.traits:
        for output in op.outputs:
            widens = (op.code, data.dtype, output.dtype) == WIDENING
            if output.dtype is not data.dtype and not widens:
                return f"{data.dtype.name} in, {output.dtype.name} out"
    for kind, values in (("input", op.inputs), ("output", op.outputs)):
        for index, value in enumerate(values):
            if value is not None and value.dtype in UNKNOWN_TYPES:
                return f"{kind} {index} has the type {value.dtype.name}, which TFLM doesn't have"
    return ""
