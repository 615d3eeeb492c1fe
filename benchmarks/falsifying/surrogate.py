"""A model's layers in floating point, with gradients: which way an input drives a channel.

Only the front of a model is followed: QUANTIZE, PAD, RESHAPE, convolutions, pooling, ADD and
FULLY_CONNECTED. It is a guide, no proof: what it finds runs on the real kernels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tflopt.arith.affine import activation_range, affine_of
from tflopt.facts.convolution import convolution
from tflopt.facts.pads import amounts_of
from tflopt.facts.windows import Window, window_of
from tflopt.ir import Activation, Graph, Op, OpCode, Value

Floats = npt.NDArray[np.float32]
LEAK = np.float32(0.1)
"""Of the gradient that passes a clamp: without any, a search for dead channels stands still."""
CONVOLUTIONS = (OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D)
POOLS = (OpCode.MAX_POOL_2D, OpCode.AVERAGE_POOL_2D)
FOLLOWED = frozenset(
    {*CONVOLUTIONS, *POOLS, OpCode.QUANTIZE, OpCode.PAD, OpCode.RESHAPE, OpCode.ADD}
    | {OpCode.FULLY_CONNECTED}
)


def scale_of(value: Value) -> tuple[float, int]:
    """Scale and zero point."""
    assert value.quant is not None
    return value.quant.scalar()


@dataclass(frozen=True, eq=False)
class Layer:
    """One operator: real weights (taps, inputs, outputs or taps, channels), bias and clamp."""

    op: Op
    weights: Floats
    bias: Floats
    low: float = -np.inf
    high: float = np.inf
    window: Window | None = None

    @property
    def clamps(self) -> bool:
        """Whether it has numbers before a clamp."""
        return bool(np.isfinite(self.low))


@dataclass
class Pass:
    """Values of one pass, and what layers had before their clamps."""

    values: dict[Value, Floats]
    before: dict[Op, Floats] = field(default_factory=dict)
    picked: dict[Op, npt.NDArray[np.intp]] = field(default_factory=dict)


def front(graph: Graph) -> list[Layer]:
    """The layers up to the first operator that isn't followed."""
    found = []
    for op in graph.ops:
        if op.code not in FOLLOWED or (op.code in CONVOLUTIONS and convolution(op) is None):
            break
        found.append(_layer(op))
    return found


def _layer(op: Op) -> Layer:
    none = np.zeros(0, dtype=np.float32)
    if op.code in POOLS:
        return Layer(op, none, none, window=window_of(op))
    if op.code not in (*CONVOLUTIONS, OpCode.ADD, OpCode.FULLY_CONNECTED):
        return Layer(op, none, none)
    target = affine_of(op.output)
    fused = getattr(op.options, "fused_activation_function", Activation.NONE)
    assert target is not None
    low, high = (float(end) for end in activation_range(fused, target))
    scale, zero = scale_of(op.output)
    limits = (low - zero) * scale, (high - zero) * scale
    if op.code is OpCode.ADD:
        return Layer(op, none, none, *limits)
    weights, bias = _real(op)
    return Layer(op, weights, bias, *limits, window_of(op))


def _real(op: Op) -> tuple[Floats, Floats]:
    data, weights, bias = op.inputs[0], op.inputs[1], op.input(2)
    assert data is not None
    assert weights is not None
    assert weights.quant is not None
    assert weights.quant.scale is not None
    scales = np.asarray(weights.quant.scale, dtype=np.float32)
    real: Floats = np.asarray(weights.array(), dtype=np.float32)
    if op.code is OpCode.DEPTHWISE_CONV_2D:
        real = (real * scales).reshape(-1, real.shape[3])
    else:
        real = np.moveaxis(real * scales.reshape(-1, *(1,) * (real.ndim - 1)), 0, -1)
        real = real.reshape(-1, weights.shape[-1], real.shape[-1])
    if bias is None:
        return real, np.zeros(1, dtype=np.float32)
    numbers = np.asarray(bias.array(), dtype=np.float32)
    return real, np.asarray(numbers * scale_of(data)[0] * scales, dtype=np.float32)


def forward(layers: list[Layer], x: Floats) -> Pass:
    """The values up to the last of some layers; ``x`` has real numbers, samples first."""
    first = layers[0].op.inputs[0]
    assert first is not None
    run = Pass({first: x})
    for layer in layers:
        total = _computed(layer, run)
        if layer.clamps:
            run.before[layer.op] = total
            total = np.clip(total, layer.low, layer.high)
        run.values[layer.op.output] = total
    return run


def _computed(layer: Layer, run: Pass) -> Floats:
    op = layer.op
    sources = [run.values[value] for value in op.inputs if value in run.values]
    x, amounts = sources[0], amounts_of(op) if op.code is OpCode.PAD else None
    if amounts is not None:
        return np.pad(x, amounts)
    if op.code is OpCode.ADD:
        return np.asarray(sources[0] + sources[-1], dtype=np.float32)
    if op.code is OpCode.RESHAPE:
        return x.reshape(len(x), *op.output.shape[1:])
    if op.code is OpCode.FULLY_CONNECTED:
        flat = x.reshape(-1, layer.weights.shape[1])
        return np.asarray(flat @ layer.weights[0] + layer.bias).reshape(len(x), -1)
    if layer.window is None:
        return x
    taps = [padded[index] for padded in [_padded(x, layer.window)] for index in _taps(layer.window)]
    if op.code is OpCode.MAX_POOL_2D:
        stack = np.stack(taps)
        run.picked[op] = stack.argmax(axis=0)
        return np.asarray(stack.max(axis=0))
    if op.code is OpCode.AVERAGE_POOL_2D:
        return np.asarray(np.mean(taps, axis=0), dtype=np.float32)
    parts = zip(taps, layer.weights, strict=True)
    if op.code is OpCode.DEPTHWISE_CONV_2D:
        repeats = layer.weights.shape[-1] // x.shape[3]
        total = sum(np.repeat(tap, repeats, axis=3) * weights for tap, weights in parts)
    else:
        total = sum(tap @ weights for tap, weights in parts)
    return np.asarray(total + layer.bias, dtype=np.float32)


Index = tuple[slice, slice, slice, slice]


def _padded(x: Floats, window: Window) -> Floats:
    sides = [(axis.before, max(0, axis.last + 1 - axis.size)) for axis in window]
    return np.pad(x, ((0, 0), *sides, (0, 0)))


def _taps(window: Window) -> list[Index]:
    """For each tap what it reads of the padded input."""
    ends = [
        [slice(i * a.dilation, i * a.dilation + (a.out - 1) * a.stride + 1, a.stride)]
        for a in window
        for i in range(a.kernel)
    ]
    rows, columns = ends[: window[0].kernel], ends[window[0].kernel :]
    whole = slice(None)
    return [(whole, row[0], column[0], whole) for row in rows for column in columns]


def backward(layers: list[Layer], run: Pass, wanted: Floats) -> Floats:
    """The gradient at the input of what the last layer has before its clamp."""
    first = layers[0].op.inputs[0]
    assert first is not None
    gradients: dict[Value, Floats] = {}
    for layer in reversed(layers):
        last = layer is layers[-1]
        if not last and layer.op.output not in gradients:
            continue
        gradient = wanted if last else gradients.pop(layer.op.output)
        if layer.clamps and not last:
            before = run.before[layer.op]
            inside = (before > layer.low) & (before < layer.high)
            gradient = np.where(inside, gradient, LEAK * gradient)
        sources = [value for value in layer.op.inputs if value in run.values]
        for value in sources if layer.op.code is OpCode.ADD else sources[:1]:
            assert value is not None
            part = _handed_back(layer, run, run.values[value], gradient)
            gradients[value] = gradients[value] + part if value in gradients else part
    return gradients[first]


def _handed_back(layer: Layer, run: Pass, x: Floats, gradient: Floats) -> Floats:
    op = layer.op
    amounts = amounts_of(op) if op.code is OpCode.PAD else None
    if amounts is not None:
        ends = zip(amounts, gradient.shape, strict=True)
        return gradient[tuple(slice(a, size - b) for (a, b), size in ends)]
    if op.code is OpCode.FULLY_CONNECTED:
        return np.asarray(gradient @ layer.weights[0].T).reshape(x.shape)
    if layer.window is None:
        return gradient.reshape(x.shape)
    padded = np.zeros_like(_padded(x, layer.window))
    for tap, index in enumerate(_taps(layer.window)):
        padded[index] += _of_tap(layer, run, x, gradient, tap)
    high, wide = layer.window
    return padded[:, high.before : high.before + high.size, wide.before : wide.before + wide.size]


def _of_tap(layer: Layer, run: Pass, x: Floats, gradient: Floats, tap: int) -> Floats:
    op = layer.op
    if op.code is OpCode.MAX_POOL_2D:
        return np.where(run.picked[op] == tap, gradient, np.float32(0))
    if op.code is OpCode.AVERAGE_POOL_2D:
        assert layer.window is not None
        return np.asarray(gradient / (layer.window[0].kernel * layer.window[1].kernel))
    if op.code is OpCode.CONV_2D:
        return np.asarray(gradient @ layer.weights[tap].T)
    parts = (gradient * layer.weights[tap]).reshape(*gradient.shape[:3], x.shape[3], -1)
    return np.asarray(parts.sum(axis=4))
