"""Inputs that are numbers of rows, such as token ids: what GATHER and EMBEDDING_LOOKUP read."""

from __future__ import annotations

from tflopt.facts.operators import VIEWS
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import GatherOptions

CARRIES = VIEWS | {OpCode.CAST}
"""Operators that hand a number on as it is, if it fits the types that it passes through."""
INTEGERS = frozenset(
    {DType.INT8, DType.UINT8, DType.INT16, DType.UINT16, DType.INT32, DType.UINT32, DType.INT64}
)
MOST_EXACT = {DType.FLOAT32: 1 << 24, DType.FLOAT16: 1 << 11, DType.FLOAT64: 1 << 53}
"""Up to here a float is every whole number."""


def row_count(value: Value) -> int | None:
    """How many rows there are where an input chooses rows, None where it doesn't.

    The smallest of all tables that it reaches through CAST and RESHAPE, and never more than its
    types, and those in between, can tell apart. TFLM's GATHER fails on any other number, and
    LiteRT's too.
    """
    counts = [count for count in _counts(value, set()) if count > 0]
    return min(counts) if counts else None


def _counts(value: Value, seen: set[Value]) -> list[int]:
    if value in seen:
        return []
    seen.add(value)
    counts = []
    for use in value.uses:
        if use.op is None:
            continue
        own = _rows(use.op, use.position)
        counts += [] if own is None else [own]
        if use.op.code in CARRIES and use.position == 0:
            counts += _counts(use.op.output, seen)
    most = _numbers(value.dtype)
    return [min(count, most) for count in counts]


def _rows(op: Op, index: int) -> int | None:
    """The rows of the table in which this input of an operator is a place."""
    table = op.input(1 if op.code is OpCode.EMBEDDING_LOOKUP else 0)
    if table is None or not table.shape:
        return None
    if op.code is OpCode.EMBEDDING_LOOKUP:
        return table.shape[0] if index == 0 else None
    if op.code is OpCode.GATHER and index == 1 and isinstance(op.options, GatherOptions):
        axis = op.options.axis
        return table.shape[axis] if -len(table.shape) <= axis < len(table.shape) else None
    if op.code is OpCode.GATHER_ND and index == 1:
        indices = op.inputs[1]
        depth = indices.shape[-1] if indices is not None and indices.shape else 0
        return min(table.shape[:depth], default=None)
    return None


def _numbers(dtype: DType) -> int:
    """How many numbers from 0 on a type tells apart."""
    if dtype in MOST_EXACT:
        return MOST_EXACT[dtype]
    if dtype in INTEGERS and dtype.numpy is not None:
        return 1 << 8 * dtype.numpy.itemsize - (dtype.numpy.kind == "i")
    return 0
