"""Small layers, and every input that they can have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.support.kit import Kit
from tests.support.planted import bias_of, set_data, weights_of
from tests.support.runtime import runtime
from tflopt.io import write_bytes
from tflopt.ir import Activation, OpCode, Padding, Value
from tflopt.ir.node import Array
from tflopt.ranges import Ranges, ranges_of

Rng = np.random.Generator
EVERY = np.arange(-128, 128)
MOST_ROWS = 1 << 16
"""Of one sample."""
ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)


def every_input(elements: int) -> Array:
    """All values of one to three int8 numbers, a row for each."""
    grid = np.meshgrid(*[EVERY] * elements, indexing="ij")
    return np.stack([each.reshape(-1) for each in grid], axis=1).astype(np.int8)


@dataclass(frozen=True)
class Layers:
    """A model whose outputs are all that it computes, and its samples.

    ``is_tight`` says that it is one layer: then each output's least and largest number are its
    bounds.
    """

    net: Kit
    feed: Sequence[Array]
    is_tight: bool

    def outputs(self) -> list[Array]:
        """What the real TFLM gives for every input."""
        samples: list[list[Array]] = [[each] for each in self.feed]
        found = runtime().run("tflm", write_bytes(self.net.model), samples)
        return [np.concatenate(each) for each in zip(*found, strict=True)]


def draw(seed: int) -> Layers:
    """One to three random layers of one to three inputs."""
    rng = np.random.default_rng(seed)
    n = Kit(seed)
    elements = 3 if seed % 2048 == 1032 else 2 if seed % 8 == 0 else 1
    feed = every_input(elements)
    rows, spread = min(len(feed), MOST_ROWS), bool(rng.integers(2))
    shape = (rows, elements, 1, 1) if spread else (rows, 1, 1, elements)
    quant = (0.05, int(rng.choice([-128, -5, 0, 60, 127])))
    x = n.input(shape, quant=quant)
    count = int(rng.choice([1, 1, 2, 3]))
    for _ in range(count):
        x = STEPS[int(rng.integers(len(STEPS)))](n, rng, x)
        n.output(x)
    return Layers(n, list(feed.reshape(-1, *shape)), count == 1)


def misses(layers: Layers, ranges: Ranges | None = None) -> list[str]:
    """Where a number lies outside its interval, or an interval is wider than need be."""
    ranges, found = ranges or ranges_of(layers.net.graph), []
    for value, numbers in zip(layers.net.graph.outputs, layers.outputs(), strict=True):
        axis = len(value.shape) - 1
        bounds = ranges.along(value, axis)
        assert bounds is not None
        rows = numbers.reshape(-1, value.shape[axis])
        least, largest = rows.min(axis=0), rows.max(axis=0)
        if (least < bounds[0]).any() or (largest > bounds[1]).any():
            found.append(f"{value!r}: [{least}, {largest}] leaves [{bounds[0]}, {bounds[1]}]")
        loose = (least - bounds[0] > SLACK) | (bounds[1] - largest > SLACK)
        if layers.is_tight and loose.any():
            found.append(f"{value!r}: {bounds} is wider than {[least, largest]}")
    return found


SLACK = 1
"""Bounds hold for one rounding and for two, and for both precisions of multipliers."""


def _quant(rng: Rng) -> tuple[float, int]:
    return float(rng.choice([0.02, 0.05, 0.2])), int(rng.choice([-128, -20, 0, 3, 127]))


def _activation(rng: Rng) -> Activation:
    return ACTIVATIONS[int(rng.integers(len(ACTIVATIONS)))]


def _vary(rng: Rng, x: Value) -> Value:
    """Zeros among the weights, and a bias that may saturate."""
    op = x.producer
    assert op is not None
    weights, bias = weights_of(op).array().copy(), bias_of(op).array().copy()
    weights[rng.random(weights.shape) < 0.3] = 0
    bias[...] = bias * 10 ** rng.integers(0, 4, bias.shape)
    set_data(weights_of(op), weights)
    set_data(bias_of(op), bias)
    return x


def _kernel(rng: Rng, x: Value) -> tuple[int, int]:
    return int(rng.integers(1, 4)), int(rng.integers(1, 3))


def _conv(n: Kit, rng: Rng, x: Value) -> Value:
    kernel, stride = _kernel(rng, x), (int(rng.integers(1, 3)), 1)
    per_channel = bool(rng.integers(2))
    options = {"activation": _activation(rng), "quant": _quant(rng)}
    return _vary(
        rng,
        n.conv2d(x, 3, kernel, stride=stride, per_channel=per_channel, **options),  # type: ignore[arg-type]
    )


def _depthwise(n: Kit, rng: Rng, x: Value) -> Value:
    options = {"activation": _activation(rng), "quant": _quant(rng)}
    multiplier = int(rng.integers(1, 3))
    return _vary(rng, n.depthwise(x, _kernel(rng, x), multiplier=multiplier, **options))  # type: ignore[arg-type]


def _transposed(n: Kit, rng: Rng, x: Value) -> Value:
    padding = Padding(int(rng.integers(2)))
    return _vary(rng, n.transpose_conv(x, 2, (2, 2), (2, 2), padding, _quant(rng)))


def _dense(n: Kit, rng: Rng, x: Value) -> Value:
    flat = n.reshape(x, x.shape[0], x.elements // x.shape[0])
    y = _vary(rng, n.fully_connected(flat, 3, activation=_activation(rng), quant=_quant(rng)))
    return n.reshape(y, x.shape[0], 1, 1, 3)


def _table(n: Kit, rng: Rng, x: Value) -> Value:
    codes = ((OpCode.LOGISTIC, (1 / 256, -128)), (OpCode.TANH, (1 / 128, 0)))
    kind = int(rng.integers(4))
    if kind < 2:
        return n.unary(codes[kind][0], x, quant=codes[kind][1])
    if kind == 2:
        return n.unary(OpCode.HARD_SWISH, x, quant=(0.05, int(rng.integers(-128, 128))))
    return n.unary(OpCode.RELU, x, quant=_quant(rng))


def _constant(n: Kit, rng: Rng, x: Value) -> Value:
    code = (OpCode.ADD, OpCode.MUL, OpCode.SUB)[int(rng.integers(3))]
    level = n.level(x.shape[3:], _quant(rng))
    values = [x, level] if rng.integers(2) else [level, x]
    return n.binary(code, *values, quant=_quant(rng))


def _extreme(n: Kit, rng: Rng, x: Value) -> Value:
    code = (OpCode.MAXIMUM, OpCode.MINIMUM)[int(rng.integers(2))]
    assert x.quant is not None
    return n.binary(code, x, n.level(x.shape[3:], x.quant.scalar()))


def _pool(n: Kit, rng: Rng, x: Value) -> Value:
    code = (OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D)[int(rng.integers(2))]
    return n.pool(code, x, (2, 1), activation=_activation(rng))


def _mean(n: Kit, rng: Rng, x: Value) -> Value:
    return n.reduce(OpCode.MEAN, x, [1, 2], quant=_quant(rng))


def _requantize(n: Kit, rng: Rng, x: Value) -> Value:
    return n.quantize(x, _quant(rng))


def _padded(n: Kit, rng: Rng, x: Value) -> Value:
    before, after = (int(number) for number in rng.integers(0, 3, 2))
    return n.pad(x, (0, 0), (before, after), (0, int(rng.integers(2))), (0, 0))


def _joined(n: Kit, rng: Rng, x: Value) -> Value:
    """Below or beside what has another range."""
    return n.concat(_extreme(n, rng, x), x, axis=int(rng.integers(1, 3)))


STEPS: tuple[Callable[[Kit, Rng, Value], Value], ...] = (
    _conv,
    _conv,
    _depthwise,
    _transposed,
    _dense,
    _table,
    _constant,
    _extreme,
    _pool,
    _mean,
    _requantize,
    _padded,
    _joined,
)
