"""What exporters write with several paths between two tensors, quantized as by a calibration."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.kit import Kit, Quant
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import AddOptions
from tflopt.ir.types import Activation

Build = Callable[[Kit, Value], Value]
SIGMOID: Quant = (1 / 256, -128)
SLOPES = (0.01, 0.05, 0.1, 0.2, 0.25, 0.3)
LEAST = 1e-3
"""Of a range, so that no scale is zero."""


def calibrated(low: float, high: float) -> Quant:
    """Parameters of a tensor that takes these values, as TensorFlow's converter chooses them."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, LEAST) / 255
    return scale, max(-128, min(127, round(-128 - low / scale)))


def span(x: Value) -> tuple[float, float]:
    """The least and the greatest value that an int8 tensor can hold."""
    assert x.quant is not None
    scale, zero = x.quant.scalar()
    return scale * (-128 - zero), scale * (127 - zero)


def number(n: Kit, real: float) -> Value:
    """A constant, quantized as an activation or, as other exporters do, symmetrically."""
    if n.rng().random() < 0.5:
        level, quant = (127 if real > 0 else -128), calibrated(real, real)
    else:
        level, quant = (127 if real > 0 else -127), (abs(real) / 127, 0)
    return n.constant([level], DType.INT8, quant=quant)


def times(n: Kit, x: Value, factor: float, quant: Quant | None = None) -> Value:
    """MUL by a constant, between the parameters of its own range or given ones."""
    ends = [factor * end for end in span(x)]
    return n.binary(OpCode.MUL, x, number(n, factor), quant=quant or calibrated(*sorted(ends)))


def relu(n: Kit, x: Value) -> Value:
    """RELU with the range of what is left."""
    return n.unary(OpCode.RELU, x, quant=calibrated(0, span(x)[1]))


def hard_sigmoid_times_six(n: Kit, x: Value) -> Value:
    """RELU6(x + 3), fused."""
    quant = calibrated(0, min(6.0, span(x)[1] + 3))
    options = AddOptions(Activation.RELU6)
    inputs = [x, number(n, 3.0)]
    return n.op(OpCode.ADD, inputs, x.shape, options=options, quant=quant, version=2)


def hard_sigmoid(n: Kit, x: Value) -> Value:
    """RELU6(x + 3) / 6: a chain, no diamond."""
    return times(n, hard_sigmoid_times_six(n, x), 1 / 6)


def hard_swish(n: Kit, x: Value) -> Value:
    """x * RELU6(x + 3) / 6."""
    y = hard_sigmoid_times_six(n, x)
    quant = calibrated(-2.25, max(span(x)[1], 0) * span(y)[1])
    return times(n, n.binary(OpCode.MUL, x, y, quant=quant), 1 / 6)


def hard_swish_of_sigmoid(n: Kit, x: Value) -> Value:
    """x * (RELU6(x + 3) / 6)."""
    y = hard_sigmoid(n, x)
    quant = calibrated(-0.375, max(span(x)[1], 0) * span(y)[1])
    return n.binary(OpCode.MUL, x, y, quant=quant)


def silu(n: Kit, x: Value) -> Value:
    """x * LOGISTIC(x)."""
    y = n.unary(OpCode.LOGISTIC, x, quant=SIGMOID)
    return n.binary(OpCode.MUL, x, y, quant=calibrated(-0.279, span(x)[1]))


def leaky_relu(n: Kit, x: Value) -> Value:
    """MAXIMUM(x, a * x), all with one scale."""
    assert x.quant is not None
    quant = x.quant.scalar()
    return n.binary(OpCode.MAXIMUM, x, times(n, x, _slope(n), quant), quant=quant)


def leaky_relu_requantized(n: Kit, x: Value) -> Value:
    """MAXIMUM(x, a * x), both quantized to the scale of the output."""
    a = _slope(n)
    quant = calibrated(a * span(x)[0], span(x)[1])
    one, two = n.quantize(x, quant), n.quantize(times(n, x, a), quant)
    return n.binary(OpCode.MAXIMUM, one, two, quant=quant)


def leaky_relu_of_parts(n: Kit, x: Value) -> Value:
    """RELU(x) - a * RELU(-x)."""
    a = _slope(n)
    below = times(n, relu(n, times(n, x, -1.0)), a)
    quant = calibrated(a * span(x)[0], span(x)[1])
    return n.binary(OpCode.SUB, relu(n, x), below, quant=quant)


def absolute(n: Kit, x: Value) -> Value:
    """MAXIMUM(x, -x), all with one scale."""
    assert x.quant is not None
    quant = x.quant.scalar()
    return n.binary(OpCode.MAXIMUM, x, times(n, x, -1.0, quant), quant=quant)


def absolute_of_parts(n: Kit, x: Value) -> Value:
    """RELU(x) + RELU(-x)."""
    quant = calibrated(0, max(map(abs, span(x))))
    return n.binary(OpCode.ADD, relu(n, x), relu(n, times(n, x, -1.0)), quant=quant)


def clamped(n: Kit, x: Value) -> Value:
    """MAXIMUM(x, RELU6(x))."""
    assert x.quant is not None
    quant = x.quant.scalar()
    return n.binary(OpCode.MAXIMUM, x, n.unary(OpCode.RELU6, x, quant=quant), quant=quant)


def negative_part(n: Kit, x: Value) -> Value:
    """x - RELU(x)."""
    return n.binary(OpCode.SUB, x, relu(n, x), quant=calibrated(span(x)[0], 0))


def doubled(n: Kit, x: Value) -> Value:
    """x + x."""
    low, high = span(x)
    return n.binary(OpCode.ADD, x, x, quant=calibrated(2 * low, 2 * high))


DIAMONDS: dict[str, Build] = {
    "x * RELU6(x + 3) / 6": hard_swish,
    "x * (RELU6(x + 3) / 6)": hard_swish_of_sigmoid,
    "x * LOGISTIC(x)": silu,
    "MAXIMUM(x, a * x)": leaky_relu,
    "the same, requantized": leaky_relu_requantized,
    "RELU(x) - a * RELU(-x)": leaky_relu_of_parts,
    "MAXIMUM(x, -x)": absolute,
    "RELU(x) + RELU(-x)": absolute_of_parts,
    "MAXIMUM(x, RELU6(x))": clamped,
    "x - RELU(x)": negative_part,
    "x + x": doubled,
}
"""By how they are written."""


def _slope(n: Kit) -> float:
    return float(n.rng().choice(SLOPES))
