"""What an operator does: multiply-accumulates and moved bytes, from shapes alone."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from tflopt.ir.node import Op, Value
from tflopt.ir.opcodes import OpCode

MOVES = frozenset(
    {
        OpCode.RESHAPE,
        OpCode.EXPAND_DIMS,
        OpCode.SQUEEZE,
        OpCode.TRANSPOSE,
        OpCode.PAD,
        OpCode.PADV2,
        OpCode.MIRROR_PAD,
        OpCode.SLICE,
        OpCode.STRIDED_SLICE,
        OpCode.CONCATENATION,
        OpCode.SPLIT,
        OpCode.SPLIT_V,
        OpCode.PACK,
        OpCode.UNPACK,
        OpCode.TILE,
        OpCode.BROADCAST_TO,
        OpCode.GATHER,
        OpCode.SPACE_TO_BATCH_ND,
        OpCode.BATCH_TO_SPACE_ND,
        OpCode.SPACE_TO_DEPTH,
        OpCode.DEPTH_TO_SPACE,
        OpCode.REVERSE_V2,
    }
)
"""Operators that compute nothing: each copies its output's bytes."""


def moved_bytes(op: Op) -> int:
    """Bytes that a pure data movement writes, 0 for operators that compute."""
    if op.code not in MOVES:
        return 0
    return sum(value.size_bytes or 0 for value in op.outputs)


def macs(op: Op) -> int:
    """Multiply-accumulates of one inference, 0 for operators without any."""
    count = _MACS.get(op.code)
    weights = op.input(1)
    if count is None or not op.outputs or weights is None:
        return 0
    return count(op, weights)


def _convolution(op: Op, weights: Value) -> int:
    return op.output.elements * prod(weights.shape[1:])


def _depthwise(op: Op, weights: Value) -> int:
    return op.output.elements * prod(weights.shape[1:3])


def _transpose_convolution(op: Op, weights: Value) -> int:
    data = op.input(2)
    return 0 if data is None else data.elements * prod(weights.shape[:3])


def _dense(op: Op, weights: Value) -> int:
    return op.output.elements * (weights.shape[-1] if weights.shape else 0)


def _batch_matmul(op: Op, weights: Value) -> int:
    data = op.input(0)
    return op.output.elements * (data.shape[-1] if data is not None and data.shape else 0)


def _all_weights(op: Op, _: Value) -> int:
    """Recurrent operators use each weight matrix once for each time step."""
    data = op.input(0)
    matrices = [v for v in op.inputs if v is not None and v.has_data and len(v.shape) == 2]
    steps = data.shape[-2] if data is not None and len(data.shape) == 3 else 1
    return steps * sum(matrix.elements for matrix in matrices)


_MACS: dict[OpCode, Callable[[Op, Value], int]] = {
    OpCode.CONV_2D: _convolution,
    OpCode.DEPTHWISE_CONV_2D: _depthwise,
    OpCode.TRANSPOSE_CONV: _transpose_convolution,
    OpCode.FULLY_CONNECTED: _dense,
    OpCode.BATCH_MATMUL: _batch_matmul,
    OpCode.SVDF: _all_weights,
    OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM: _all_weights,
}
