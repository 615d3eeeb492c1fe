"""Clamps: what fused activations do to integers, and what they pass through unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tflopt.arith.affine import LIMITS, activation_range, affine_of
from tflopt.arith.fixed_point import Ints, ints
from tflopt.facts.operators import MOVEMENTS
from tflopt.facts.tables import EVERY_INT8, distinct, table
from tflopt.ir import Activation, DType, Op, OpCode, Options, Value
from tflopt.ir.options import (
    AddOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    MulOptions,
    Pool2DOptions,
    SubOptions,
)

FUSING = (
    AddOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    MulOptions,
    Pool2DOptions,
    SubOptions,
)
ACTIVATION_OF = {
    OpCode.RELU: Activation.RELU,
    OpCode.RELU6: Activation.RELU6,
    OpCode.RELU_N1_TO_1: Activation.RELU_N1_TO_1,
}
"""Operators that do what a fused activation does."""
MOST_MOVES = 64
"""Movements one after another that are looked through; thousands of them would be looked through
for each of their readers."""
MOST_STEPS = 8
"""Operators in a row whose tables are composed: rows of networks have half as many."""
STEPS = 1 << 11
"""Of all rows of a graph together: the more operators it has, the shorter the rows that are looked
at, as each operator is the last one of a row."""


def most_steps(op: Op) -> int:
    """How many operators of a row that ends here are looked at."""
    return max(2, min(MOST_STEPS, STEPS // max(1, len(op.graph.ops))))


def data_input(op: Op) -> Value | None:
    """The only input that isn't constant, None where there are several."""
    sources = [value for value in op.inputs if value is not None and not value.is_constant]
    return sources[0] if len(sources) == 1 else None


def moved(op: Op) -> Value | None:
    """What a movement moves, None for other operators."""
    return op.input(0) if op.code in MOVEMENTS and len(op.outputs) == 1 else None


def is_private(value: Value) -> bool:
    """One operator reads the value, and nobody else."""
    return len(value.uses) == 1 and not value.is_graph_output


def fused_activation(op: Op) -> Activation | None:
    """The fused activation of an int8 operator that clamps to a range, else None."""
    if not isinstance(op.options, FUSING) or op.output.dtype is not DType.INT8:
        return None
    activation = op.options.fused_activation_function
    return activation if activation in LIMITS else None


def with_activation(op: Op, activation: Activation) -> Options:
    """The operator's options with another fused activation."""
    assert isinstance(op.options, FUSING)
    return replace(op.options, fused_activation_function=activation)


def fusing_source(value: Value) -> tuple[Op, list[Value]] | None:
    """The operator whose clamped output ``value`` is, moved at most, and all values on the way."""
    path = [value]
    while (op := path[-1].producer) is not None and len(path) <= MOST_MOVES:
        if fused_activation(op) is not None:
            return op, path
        source = moved(op)
        if source is None:
            return None
        path.append(source)
    return None


def reachable(value: Value) -> Ints:
    """Numbers among which all elements of an int8 value are, ascending."""
    if value.is_constant:
        known = value.has_array and value.elements > 0
        return distinct(ints(value.array())) if known else EVERY_INT8
    fused = fusing_source(value)
    if fused is not None:
        return _range(fused[0])
    op = value.producer
    for _ in range(MOST_MOVES):
        source = None if op is None else moved(op)
        if source is None:
            break
        op = source.producer
    results = None if op is None else table(op)
    return EVERY_INT8 if results is None else distinct(results)


def _range(op: Op) -> Ints:
    activation, target = fused_activation(op), affine_of(op.output)
    if activation is None or target is None:
        return EVERY_INT8
    low, high = (int(limit) for limit in activation_range(activation, target))
    return np.arange(low, high + 1, dtype=np.int64) if low <= high else EVERY_INT8


def equal_activation(op: Op, results: Ints) -> Activation | None:
    """The fused activation with which ``op`` gives what a table makes of its clamped output.

    Every int32 is clamped to some int8 before and after, so that the 256 int8 values and one on
    either side stand for all.
    """
    target, before = affine_of(op.output), fused_activation(op)
    if target is None or before is None:
        return None
    raw = np.arange(-129, 129, dtype=np.int64)
    if not np.array_equal(results[0], results[1]):
        return None
    low, high = activation_range(before, target)
    if low > high:
        return None
    targets = results[0, np.clip(raw, low, high) + 128]
    for activation in (before, *LIMITS):
        bottom, top = activation_range(activation, target)
        if bottom <= top and np.array_equal(np.clip(raw, bottom, top), targets):
            return activation
    return None
