"""State of the grid: resource variables, and what runs only once."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.calibration.sample import QUANT, Group, Sampler
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    AssignVariableOptions,
    CallOnceOptions,
    ReadVariableOptions,
    VarHandleOptions,
)


def _handle(builder: Builder, name: str) -> Value:
    options = VarHandleOptions(container="", shared_name=name)
    return builder.op(OpCode.VAR_HANDLE, [], (), options=options, dtype=DType.RESOURCE)


def variable(s: Sampler) -> Value:
    """A variable that is read and then assigned a graph input."""
    shape = s.shape(s.dice.choice([2, 3, 4, 4]), largest=64, elements=8_000)
    dtype = s.dice.choice([DType.INT8, DType.INT8, DType.FLOAT32])
    new, name = s.feed(shape, dtype), f"v{len(s.builder.graph.ops)}"
    reader = _handle(s.builder, name)
    quant = QUANT if dtype is DType.INT8 else None
    options = ReadVariableOptions()
    old = s.builder.op(
        OpCode.READ_VARIABLE, [reader], shape, options=options, quant=quant, dtype=dtype
    )
    writer = _handle(s.builder, name)
    s.builder.ops(OpCode.ASSIGN_VARIABLE, [writer, new], [], AssignVariableOptions())
    return old


def call_once(s: Sampler) -> Sequence[Value]:
    """A call whose graph has nothing to do; the second inference counts."""
    index = len(s.builder.model.graphs)
    Builder(s.builder.model)
    return s.builder.ops(OpCode.CALL_ONCE, [], [], CallOnceOptions(index))


GROUPS = (
    Group("variables", 240, variable),
    Group("CALL_ONCE", 12, call_once),
)
