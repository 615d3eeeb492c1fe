"""Recognizes a model whose layers are in bands already."""

from __future__ import annotations

from tflopt.facts.operators import facts_of
from tflopt.facts.windows import HEIGHT, RANK, WIDTH
from tflopt.ir import Model, Op, OpCode, Value
from tflopt.ir.options import ConcatenationOptions


def banded_op(model: Model) -> Op | None:
    """A CONCATENATION of rows of which two come from one layer; None without.

    A model from a file has no other record of its bands.
    """
    return next((op for op in model.main.ops if joins_bands(op)), None)


def joins_bands(op: Op) -> bool:
    """Whether it is a CONCATENATION of rows of which two come from one layer."""
    options, shape = op.options, op.output.shape if op.outputs else ()
    if op.code is not OpCode.CONCATENATION or len(shape) != RANK:
        return False
    if not isinstance(options, ConcatenationOptions) or shape[0] != 1:
        return False
    axis = options.axis % RANK
    if axis != (WIDTH if shape[HEIGHT] == 1 else HEIGHT):
        return False
    makers = [_layer(value, axis) for value in op.inputs if value is not None]
    known = [maker for maker in makers if maker is not None]
    return len(known) > len(set(known))


def _layer(value: Value, axis: int) -> tuple[object, ...] | None:
    """What two bands of one layer have in common: operator and constants.

    Of channels joined it is what the layers have that they come from.
    """
    op = _maker(value)
    options = None if op is None else op.options
    if op is None or not isinstance(options, ConcatenationOptions):
        return _of_operator(op)
    if options.axis % RANK == axis:
        return None
    parts = [_of_operator(_maker(part)) for part in op.inputs if part is not None]
    return None if None in parts else (op.code, *parts)


def _maker(value: Value) -> Op | None:
    """What computes it, or what it is cut from."""
    op = value.producer
    if op is not None and op.code is OpCode.SPLIT_V:
        source = op.input(0)
        op = None if source is None else source.producer
    return op


def _of_operator(op: Op | None) -> tuple[object, ...] | None:
    """Shapes and amounts aside, which differ from band to band."""
    if op is None or op.code in (OpCode.CONCATENATION, OpCode.SPLIT_V):
        return None
    controls = facts_of(op).controls
    inputs = (value for index, value in enumerate(op.inputs) if index not in controls)
    return (op.code, *(id(v.buffer) for v in inputs if v is not None and v.is_constant))
