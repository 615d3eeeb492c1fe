"""What an operator does: multiply-accumulates and moved bytes, from shapes alone."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from tflopt.facts.operators import Kind, Trait, having, kind_of
from tflopt.ir.node import Op, Value

MOVES = having(Trait.MOVES)
"""Operators that compute nothing: each copies its output's bytes."""


def moved_bytes(op: Op) -> int:
    """Bytes that a pure data movement writes, 0 for operators that compute."""
    if op.code not in MOVES:
        return 0
    return sum(value.size_bytes or 0 for value in op.outputs)


def macs(op: Op) -> int:
    """Multiply-accumulates of one inference, 0 for operators without any."""
    count = _MACS.get(kind_of(op))
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


_MACS: dict[Kind, Callable[[Op, Value], int]] = {
    Kind.CONVOLUTION: _convolution,
    Kind.DEPTHWISE: _depthwise,
    Kind.TRANSPOSE_CONV: _transpose_convolution,
    Kind.DENSE: _dense,
    Kind.MATMUL: _batch_matmul,
    Kind.RECURRENT: _all_weights,
}
