"""Random int8 models that TFLM can allocate: branches, several inputs and outputs, odd sizes."""

from __future__ import annotations

import random
from collections.abc import Callable

from tflopt.ir import Model, OpCode, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    AddOptions,
    ConcatenationOptions,
    Pool2DOptions,
    ReducerOptions,
    ReshapeOptions,
)
from tflopt.ir.types import Padding

Step = Callable[[Builder, Value, list[Value], random.Random], Value]


def random_model(seed: int) -> Model:
    """One graph of 2 to 25 operators, with a tensor that nobody uses now and then."""
    rng = random.Random(seed)
    b = Builder()
    live = [b.input(_shape(rng)) for _ in range(rng.randint(1, 3))]
    for _ in range(rng.randint(2, 25)):
        source = rng.choice(live[-6:])
        live.append(rng.choice(_STEPS)(b, source, live, rng))
        if rng.random() < 0.05:
            b.value(_shape(rng), quant=(0.05, 0))
    unread = [value for value in live if not value.uses and value not in b.graph.inputs]
    b.output(*unread)
    if rng.random() < 0.3:
        b.output(rng.choice([value for value in live if value not in unread] or live))
    return b.model


def _shape(rng: random.Random) -> tuple[int, ...]:
    return (1, rng.randint(1, 9), rng.randint(1, 9), rng.choice([1, 3, 8, 16]))


def _relu(b: Builder, source: Value, live: list[Value], rng: random.Random) -> Value:
    return b.op(rng.choice([OpCode.RELU, OpCode.RELU6]), [source], source.shape)


def _add(b: Builder, source: Value, live: list[Value], rng: random.Random) -> Value:
    other = rng.choice([value for value in live if value.shape == source.shape])
    return b.op(OpCode.ADD, [source, other], source.shape, options=AddOptions())


def _reshape(b: Builder, source: Value, live: list[Value], rng: random.Random) -> Value:
    shape = (1, source.shape[2], source.shape[1], source.shape[3])
    target = b.constant(list(shape))
    return b.op(OpCode.RESHAPE, [source, target], shape, options=ReshapeOptions())


def _concatenation(b: Builder, source: Value, live: list[Value], rng: random.Random) -> Value:
    axis = rng.randint(1, 3)
    rest = [value for value in live if _without(value, axis) == _without(source, axis)]
    inputs = [source, *rng.choices(rest, k=rng.randint(1, 2))]
    shape = list(source.shape)
    shape[axis] = sum(value.shape[axis] for value in inputs)
    return b.op(OpCode.CONCATENATION, inputs, shape, options=ConcatenationOptions(axis))


def _without(value: Value, axis: int) -> tuple[int, ...]:
    return value.shape[:axis] + value.shape[axis + 1 :]


def _mean(b: Builder, source: Value, live: list[Value], rng: random.Random) -> Value:
    shape = (1, 1, 1, source.shape[3])
    axes = b.constant([1, 2])
    return b.op(OpCode.MEAN, [source, axes], shape, options=ReducerOptions(keep_dims=True))


def _pool(b: Builder, source: Value, live: list[Value], rng: random.Random) -> Value:
    code = rng.choice([OpCode.MAX_POOL_2D, OpCode.AVERAGE_POOL_2D])
    stride = rng.randint(1, 2)
    height, width = (-(-size // stride) for size in source.shape[1:3])
    options = Pool2DOptions(Padding.SAME, stride, stride, 2, 2)
    return b.op(code, [source], (1, height, width, source.shape[3]), options=options)


_STEPS: list[Step] = [_relu, _add, _add, _reshape, _concatenation, _mean, _pool]
