"""What mutations of a model share: how a place is picked, and how operators go in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tflopt.ir import Buffer, Graph, Model, Op, OpCode, Options, Quantization, Value
from tflopt.ir.options import (
    ExpandDimsOptions,
    PadOptions,
    ReshapeOptions,
    SqueezeOptions,
    TransposeOptions,
)
from tflopt.ir.types import DType, dtype_of

Pair = tuple[int, int]


class Site:
    """The main graph under mutation, with a seeded choice of places.

    A mutation returns whether it found a place; it edits nothing where it didn't.
    """

    def __init__(self, model: Model, rng: random.Random) -> None:
        self.model = model
        self.rng = rng
        self.graph: Graph = model.main

    def activations(self, rank: int = 0) -> list[Value]:
        """Quantized activations that some operator reads, of at least ``rank`` axes."""
        return [
            value
            for value in self.graph.values
            if value.users
            and not value.is_constant
            and value.dtype in (DType.INT8, DType.INT16)
            and len(value.shape) >= rank
            and value.elements > 1
            and not value.is_variable
        ]

    def activation(self, rank: int = 0) -> Value | None:
        """One of :meth:`activations`."""
        found = self.activations(rank)
        return self.rng.choice(found) if found else None

    def op(self, *codes: OpCode) -> Op | None:
        """An operator of one of these kinds, whose data is int8 or int16."""
        found = [op for op in self.graph.ops if op.code in codes and is_data(op.output)]
        return self.rng.choice(found) if found else None

    def readers(self, value: Value) -> list[tuple[Op, int]]:
        """Some of the operators that read ``value``: all of them, or one."""
        uses = [(use.op, use.position) for use in value.uses if use.op is not None]
        if len(uses) > 1 and self.rng.random() < 0.5:
            return [self.rng.choice(uses)]
        return uses

    def feed(self, readers: Sequence[tuple[Op, int]], value: Value) -> None:
        """Let these operators read ``value``."""
        for op, index in readers:
            op.set_input(index, value)

    def first(self, readers: Sequence[tuple[Op, int]]) -> Op:
        """The earliest of these operators."""
        return min((op for op, _ in readers), key=self.graph.ops.index)

    def after(self, op: Op) -> Op | None:
        """The operator that follows, None behind the last one."""
        index = self.graph.ops.index(op) + 1
        return self.graph.ops[index] if index < len(self.graph.ops) else None

    def value(self, like: Value, shape: Sequence[int], quant: Quantization | None = None) -> Value:
        """An activation beside ``like``."""
        name = f"{like.name or 'x'}/{len(self.graph.values)}"
        value = Value(self.graph, like.dtype, shape, name=name, quant=quant or like.quant)
        value.buffer = self.model.buffers[0]
        return self.graph.add_value(value)

    def constant(
        self, data: npt.ArrayLike, dtype: DType = DType.INT32, quant: Quantization | None = None
    ) -> Value:
        """A constant in a buffer of its own."""
        array = np.ascontiguousarray(np.asarray(data, dtype=dtype.numpy))
        shape = np.asarray(data).shape
        buffer = Buffer(np.frombuffer(array.tobytes(), dtype=np.uint8))
        self.model.buffers.append(buffer)
        name = f"const/{len(self.graph.values)}"
        value = Value(self.graph, dtype_of(array), shape, name=name, quant=quant, buffer=buffer)
        return self.graph.add_value(value)

    def insert(
        self,
        before: Op | None,
        code: OpCode,
        inputs: Sequence[Value | None],
        outputs: Sequence[Value],
        options: Options | None = None,
        version: int = 2,
    ) -> Op:
        """A new operator, at the end where ``before`` is None."""
        op = Op(self.graph, self.model.opcode(code, version), options)
        op.set_inputs(inputs)
        op.set_outputs(outputs)
        return self.graph.insert(op, before)

    def transpose(self, x: Value, perm: Sequence[int], before: Op | None) -> Value:
        """TRANSPOSE of ``x``."""
        out = self.value(x, [x.shape[axis] for axis in perm])
        inputs = [x, self.constant(list(perm))]
        self.insert(before, OpCode.TRANSPOSE, inputs, [out], TransposeOptions())
        return out

    def view(self, x: Value, shape: Sequence[int], before: Op | None) -> Value:
        """``x`` under another shape: EXPAND_DIMS or SQUEEZE where one does it, else RESHAPE."""
        out = self.value(x, shape)
        gained = _inserted_one(x.shape, tuple(shape))
        lost = _inserted_one(tuple(shape), x.shape)
        plain = self.rng.random() < 0.4
        if gained is not None and not plain:
            inputs = [x, self.constant(gained)]
            self.insert(before, OpCode.EXPAND_DIMS, inputs, [out], ExpandDimsOptions(), 1)
        elif lost is not None and not plain:
            self.insert(before, OpCode.SQUEEZE, [x], [out], SqueezeOptions((lost,)), 1)
        else:
            inputs = [x, self.constant(list(shape))]
            options = ReshapeOptions(tuple(shape))
            self.insert(before, OpCode.RESHAPE, inputs, [out], options, 1)
        return out

    def pad(self, x: Value, amounts: Sequence[Pair], before: Op | None) -> Value:
        """PAD of ``x``."""
        out = self.value(x, [n + a + b for n, (a, b) in zip(x.shape, amounts, strict=True)])
        inputs = [x, self.constant([list(pair) for pair in amounts])]
        self.insert(before, OpCode.PAD, inputs, [out], PadOptions())
        return out

    def perm(self, rank: int) -> list[int] | None:
        """A permutation that moves something."""
        if rank < 2:
            return None
        while True:
            perm = self.rng.sample(range(rank), rank)
            if perm != list(range(rank)):
                return perm

    def factors(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Another shape with as many elements: axes merged, or axes of size one added."""
        shape = list(shape)
        for _ in range(self.rng.randint(1, 2)):
            at = self.rng.randrange(len(shape) + 1)
            if self.rng.random() < 0.5 and len(shape) < 5:
                shape.insert(at, 1)
            elif len(shape) > 1:
                at = min(at, len(shape) - 2)
                shape[at : at + 2] = [shape[at] * shape[at + 1]]
        return tuple(shape)


Mutation = Callable[[Site], bool]


def is_data(value: Value) -> bool:
    """Whether a value is a quantized activation, not an index or a shape."""
    return value.dtype in (DType.INT8, DType.INT16)


def inverse(perm: Sequence[int]) -> list[int]:
    """The permutation that undoes ``perm``."""
    return [list(perm).index(axis) for axis in range(len(perm))]


def _inserted_one(short: tuple[int, ...], long: tuple[int, ...]) -> int | None:
    """The axis at which ``long`` has one axis of size 1 more than ``short``."""
    if len(long) != len(short) + 1:
        return None
    for axis in range(len(long)):
        if long[axis] == 1 and long[:axis] + long[axis + 1 :] == short:
            return axis
    return None
