"""What LiteRT computes past the end of its tensors."""

from __future__ import annotations

from tflopt.ir import DType, Model, OpCode

SVDF_STATE = 4
"""The input of SVDF that lasts from one step to the next."""


def written_past(model: Model) -> str:
    """Which layer LiteRT writes past the end of a tensor, empty where none is known.

    LiteRT's SVDF takes its state for int16, as converters write it today, and doesn't check: of an
    int8 state, as first converters wrote it, it uses twice the bytes. What lies behind is
    damaged, and the process may give anything, die, or wait for ever. Seen with LiteRT 2.3.0 and
    glibc's MALLOC_CHECK_; TFLM has kernels for both.
    """
    for number, op in enumerate(model.ops()):
        state = op.input(SVDF_STATE) if op.code is OpCode.SVDF else None
        if state is not None and state.dtype is DType.INT8:
            return f"LiteRT writes past the int8 state of SVDF (operator {number}); TFLM doesn't"
    return ""
