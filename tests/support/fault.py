"""What faults share: how they find a place and change a constant."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np

from tflopt.ir import Buffer, Model, Op, OpCode, Value
from tflopt.ir.node import Array

Fault = Callable[[Model, random.Random], Sequence[Op]]
WINDOWS = (OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D)
WEIGHTED = (*WINDOWS, OpCode.FULLY_CONNECTED)


def find(model: Model, rng: random.Random, *codes: OpCode) -> list[Op]:
    found = [op for op in model.ops() if op.code in codes]
    rng.shuffle(found)
    return found


def put(op: Op, index: int, data: Array) -> None:
    """Give an operator another constant in place of input ``index``."""
    old = op.inputs[index]
    assert old is not None
    raw = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
    buffer = Buffer(raw)
    op.graph.model.buffers.append(buffer)
    value = Value(op.graph, old.dtype, data.shape, name=old.name, quant=old.quant, buffer=buffer)
    op.set_input(index, op.graph.add_value(value))


def constant(op: Op, index: int) -> Array | None:
    value = op.input(index)
    return value.array() if value is not None and value.has_data else None
