"""Random convolutional networks, and random segments of them to run in bands."""

from __future__ import annotations

import random

from tests.support.kit import Kit, out_extent
from tflopt.facts.windows import HEIGHT, WIDTH
from tflopt.ir import Model, OpCode, Padding, Value
from tflopt.ir.types import Activation
from tflopt.tiling.bands import outputs_of
from tflopt.tiling.segment import Edge, Halo, Segment

ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6)
MOST_POSITIONS = 600
"""Of an image that is made larger."""
UNARY = (OpCode.LOGISTIC, OpCode.TANH, OpCode.RELU)


def random_net(rng: random.Random, *, in_time: bool = False) -> Model:
    """Convolutions, pools, pads, resizes, residuals and branches; odd sizes, any stride."""
    n = Kit(rng.getrandbits(32))
    size = (1, rng.randint(13, 40)) if in_time else (rng.randint(9, 23), rng.randint(5, 13))
    x = n.feed(1, *size, rng.choice((1, 2, 3, 4, 16)))
    for _ in range(rng.randint(2, 6)):
        x = rng.choice((_layer, _layer, _layer, _residual, _branches, _padded, _grown))(n, x, rng)
    n.output(x)
    return n.model


def random_segment(rng: random.Random, model: Model) -> Segment | None:
    """Some operators and some cuts, None where the draw can't be cut."""
    ops = model.main.ops
    first = rng.randrange(len(ops))
    last = rng.randint(first, min(len(ops) - 1, first + 7))
    shape = ops[last].output.shape
    axis = WIDTH if shape[1] == 1 else HEIGHT
    if shape[axis] < 2:
        return None
    count = rng.randint(1, min(4, shape[axis] - 1))
    cuts = sorted(rng.sample(range(1, shape[axis]), count))
    bounds = (0, *cuts, shape[axis])
    halo, edge = rng.choice(list(Halo)), rng.choice(list(Edge))
    outputs = outputs_of(ops[first : last + 1])
    turns = halo is Halo.TWICE and len(outputs) == 1 and rng.random() < 0.3
    return Segment(first, last, bounds, axis, halo, edge, turns)


def _window(rng: random.Random, x: Value, most: int = 7) -> tuple[tuple[int, int], ...]:
    """A kernel, stride and dilation that fit without padding."""
    rows = []
    for size in x.shape[1:3]:
        kernel = rng.choice([k for k in (1, 1, 2, 3, 3, 3, 5, most) if k <= size])
        fits = 1 if kernel == 1 else (size - 1) // (kernel - 1)
        dilation = min(fits, rng.choice((1, 1, 1, 2, 3)))
        stride = 1 if dilation > 1 else rng.choice((1, 1, 1, 2, 3)) if size > 4 else 1
        rows.append((kernel, stride, max(1, dilation)))
    (kh, sh, dh), (kw, sw, dw) = rows
    if (dh, dw) != (1, 1):  # a dilation along one axis and a stride along the other is rare
        sh = sw = 1
    return (kh, kw), (sh, sw), (dh, dw)


def _padding(rng: random.Random) -> Padding:
    return rng.choice((Padding.SAME, Padding.SAME, Padding.VALID))


def _quant(rng: random.Random) -> tuple[float, int]:
    return rng.choice((0.02, 0.05, 0.11)), rng.choice((-128, -20, 0, 3, 50))


def _layer(n: Kit, x: Value, rng: random.Random) -> Value:
    kernel, stride, dilation = _window(rng, x)
    padding, activation, quant = _padding(rng), rng.choice(ACTIVATIONS), _quant(rng)
    match rng.randrange(6):
        case 0 | 1:
            channels = rng.choice((3, 4, 8, 16))
            return n.conv2d(
                x,
                channels,
                kernel,
                stride=stride,
                dilation=dilation,
                padding=padding,
                activation=activation,
                quant=quant,
            )
        case 2 | 3:
            return n.depthwise(
                x,
                kernel,
                stride=stride,
                dilation=dilation,
                padding=padding,
                activation=activation,
                quant=quant,
            )
        case 4:
            code = rng.choice((OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D))
            return n.pool(code, x, kernel, stride=stride, padding=padding)
    code = rng.choice(UNARY)
    fixed = {OpCode.LOGISTIC: (1 / 256, -128), OpCode.TANH: (1 / 128, 0)}
    return n.unary(code, x, quant=fixed.get(code))


def _same(n: Kit, x: Value, rng: random.Random, channels: int) -> Value:
    """A convolution that keeps height and width."""
    kernel = rng.choice((1, 3, 5)) if x.shape[1] > 1 else 1, rng.choice((1, 3))
    return n.conv2d(x, channels, kernel, activation=rng.choice(ACTIVATIONS), quant=_quant(rng))


def _residual(n: Kit, x: Value, rng: random.Random) -> Value:
    y = x
    for _ in range(rng.randint(1, 2)):
        y = _same(n, y, rng, x.shape[3])
    return n.binary(rng.choice((OpCode.ADD, OpCode.MUL, OpCode.SUB)), x, y, quant=_quant(rng))


def _branches(n: Kit, x: Value, rng: random.Random) -> Value:
    parts = [_same(n, x, rng, rng.choice((2, 4, 8))) for _ in range(rng.randint(2, 3))]
    quant = parts[0].quant
    for part in parts:
        part.quant = quant
    return n.concat(*parts, axis=3)


def _grown(n: Kit, x: Value, rng: random.Random) -> Value:
    """More rows and columns than before; a layer where that would be too many."""
    rows, columns = rng.choice((1, 2, 2, 3)) if x.shape[1] > 1 else 1, rng.choice((1, 2))
    if rows * columns * x.shape[1] * x.shape[2] > MOST_POSITIONS:
        return _layer(n, x, rng)
    height, width = x.shape[1] * rows, x.shape[2] * columns
    match rng.randrange(3):
        case 0:
            return n.resize_nearest(x, height, width)
        case 1:
            return n.resize_bilinear(x, height, width, half_pixel_centers=rng.random() < 0.5)
    kernel = rng.randint(1, 5) if x.shape[1] > 1 else 1, rng.randint(1, 4)
    stride = rows, columns
    return n.transpose_conv(x, rng.choice((3, 4, 8)), kernel, stride, _padding(rng), _quant(rng))


def _padded(n: Kit, x: Value, rng: random.Random) -> Value:
    rows = (0, 0) if x.shape[1] == 1 else (rng.randint(0, 2), rng.randint(0, 2))
    padded = n.pad(x, (0, 0), rows, (rng.randint(0, 2), rng.randint(0, 2)), (0, 0))
    kernel = tuple(min(3, size) for size in padded.shape[1:3])
    fits = [
        out_extent(s, k, 1, 1, Padding.VALID) > 0
        for s, k in zip(padded.shape[1:3], kernel, strict=True)
    ]
    assert all(fits)
    return n.conv2d(padded, 4, (kernel[0], kernel[1]), padding=Padding.VALID, quant=_quant(rng))
