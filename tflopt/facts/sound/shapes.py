"""Operators that compute: the output must have room for what the kernel writes.

The kernels take the number of elements from one operand and write that many to another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod

from tflopt.facts.operators import VIEWS, Kind, facts_of
from tflopt.ir.node import Op
from tflopt.ir.opcodes import OpCode

SCALAR_OF_OLD = (0,)
"""A RESHAPE to this shape is one to a scalar, in files of old converters."""


def _same_size(op: Op) -> str:
    value = op.operand(0)
    if value.elements == op.output.elements:
        if op.code in VIEWS or value.shape == op.output.shape:
            return ""
        return f"{list(value.shape)} in, {list(op.output.shape)} out: it keeps the shape"
    if op.code is OpCode.RESHAPE and op.output.shape == SCALAR_OF_OLD and value.elements == 1:
        return ""
    return f"{value.elements} elements in, {op.output.elements} out"


def _joined(shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The shape that broadcasting gives, None where the shapes don't go together."""
    result: tuple[int, ...] = ()
    for shape in shapes:
        rank = max(len(result), len(shape))
        one, two = (1,) * (rank - len(result)) + result, (1,) * (rank - len(shape)) + shape
        if any(a != b and 1 not in (a, b) for a, b in zip(one, two, strict=True)):
            return None
        result = tuple(b if a == 1 else a for a, b in zip(one, two, strict=True))
    return result


def _core(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without the 1s in front: kernels fill them in, so operands may have more of them."""
    first = next((axis for axis, extent in enumerate(shape) if extent != 1), len(shape))
    return shape[first:]


def _broadcast(op: Op) -> str:
    count = len(facts_of(op).needs)
    shapes = [value.shape for value in op.inputs[:count] if value is not None]
    joined = _joined(shapes)
    text = " and ".join(str(list(shape)) for shape in shapes)
    if joined is None:
        return f"the shapes {text} don't go together"
    if _core(joined) != _core(op.output.shape):
        return f"the shapes {text} give {list(joined)}, its output has {list(op.output.shape)}"
    return ""


def _choice(op: Op) -> str:
    """SELECT_V2 broadcasts. In SELECT both have the output's size; the condition may be of rows."""
    if op.code is OpCode.SELECT_V2:
        return _broadcast(op)
    sizes = [0 if value is None else value.elements for value in op.inputs[1:3]]
    if sizes == [op.output.elements] * 2:
        return ""
    return f"a choice of {sizes[0]} and {sizes[1]} elements, {op.output.elements} out"


def axis_flaw(axis: int, rank: int) -> str:
    """An axis that there isn't."""
    return "" if -rank <= axis < rank else f"axis {axis} of {rank}"


def _reduce(op: Op) -> str:
    source, axes = op.operand(0), op.operand(1)
    rank, chosen = len(source.shape), axes.ints()
    if chosen is None or rank == 0:
        return ""
    for axis in chosen:
        if axis_flaw(axis, rank):
            return axis_flaw(axis, rank)
    gone = {axis % rank for axis in chosen}
    left = prod(extent for axis, extent in enumerate(source.shape) if axis not in gone)
    if left == op.output.elements:
        return ""
    return f"{left} elements are left of {list(source.shape)}, its output has {op.output.elements}"


def _fully_connected(op: Op) -> str:
    data, weights, bias = op.operand(0), op.operand(1), op.input(2)
    if len(weights.shape) < 2 or 0 in weights.shape or not op.output.shape:
        return f"weights of the shape {list(weights.shape)}, output {list(op.output.shape)}"
    channels, depth = weights.shape[-2:]
    if op.output.shape[-1] != channels:
        return f"{channels} output channels, its output has the shape {list(op.output.shape)}"
    if data.elements * channels != op.output.elements * depth:
        return f"{data.elements} elements in, {op.output.elements} out, {depth} by {channels}"
    if bias is not None and bias.elements != channels:
        return f"a bias of {bias.elements} for {channels} output channels"
    return ""


def _arg(op: Op) -> str:
    source, axis = op.operand(0), op.operand(1)
    chosen, rank = axis.ints(), len(source.shape)
    if not chosen:
        return "" if chosen is None else "it has no axis"
    flaw = axis_flaw(chosen[0], rank)
    if flaw:
        return flaw
    left = prod(size for at, size in enumerate(source.shape) if at != chosen[0] % rank)
    return "" if left == op.output.elements else f"{left} results, {op.output.elements} out"


SHAPES: dict[Kind, Callable[[Op], str]] = {
    **dict.fromkeys((Kind.UNARY, Kind.VIEW, Kind.SOFTMAX, Kind.NORMALIZATION), _same_size),
    **dict.fromkeys((Kind.SCAN, Kind.REVERSE, Kind.ZEROS), _same_size),
    **dict.fromkeys((Kind.BINARY, Kind.COMPARISON), _broadcast),
    Kind.CHOICE: _choice,
    Kind.REDUCTION: _reduce,
    Kind.DENSE: _fully_connected,
    Kind.SEARCH: _arg,
}
