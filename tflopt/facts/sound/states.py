"""Operators that carry a state from one step to the next."""

from __future__ import annotations

from collections.abc import Callable

from tflopt.facts.litert import SVDF_STATE
from tflopt.facts.operators import Kind
from tflopt.ir.node import Op
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import SVDFOptions


def _recurrent(op: Op) -> str:
    if op.code is OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM:
        return _sequence(op)
    if op.code is not OpCode.SVDF:
        return ""
    feature, time, state, options = op.operand(1), op.operand(2), op.operand(SVDF_STATE), op.options
    rank = options.rank if isinstance(options, SVDFOptions) else 0
    filters = feature.shape[0] if feature.shape else 0
    if rank < 1 or filters < 1 or filters % rank:
        return f"{filters} filters of rank {rank}"
    if time.dtype is not state.dtype:
        return f"a state of {state.dtype.name}, weights in time of {time.dtype.name}"
    return ""


def _sequence(op: Op) -> str:
    """Batches, steps and units come out (``lstm_eval_common.cc`` asks for three axes)."""
    axes = len(op.output.shape)
    return "" if axes == 3 else f"its output has {axes} axes, not 3"


STATES: dict[Kind, Callable[[Op], str]] = {Kind.RECURRENT: _recurrent}
