"""Steps that add what exporters write and rules look for: several operators at once."""

from __future__ import annotations

from math import prod

from tests.fuzz.grower import MAX_ELEMENTS, SIGMOID, Grower, named
from tests.fuzz.steps_compute import ACTIVATIONS, one_unary
from tests.support.kit import Pair
from tflopt.ir import DType, OpCode, Padding, Value
from tflopt.ir.options import PackOptions, ReshapeOptions, ShapeOptions, StridedSliceOptions
from tflopt.ir.types import Activation

VALID, SAME = Padding.VALID, Padding.SAME


def pad_and_convolve(g: Grower) -> bool:
    """PAD as SAME would, or by other amounts, into a VALID window, with a SLICE of the result."""
    x = g.image()
    kernel: Pair = (g.random.choice((1, 2, 3)), g.random.choice((1, 3, 5)))
    stride = g.random.choice(((1, 1), (1, 1), (2, 2), (1, 2)))
    pads = [_amounts(g, n, k, s) for n, k, s in zip(x.shape[1:3], kernel, stride, strict=True)]
    padded = g.pad(x, (0, 0), *pads, (0, 0))
    if any(n < k for n, k in zip(padded.shape[1:3], kernel, strict=True)):
        return False
    activation = g.random.choice(ACTIVATIONS)
    kind = g.random.random()
    if kind < 0.25:
        code = g.random.choice((OpCode.MAX_POOL_2D, OpCode.AVERAGE_POOL_2D))
        y = g.pool(code, padded, kernel, stride=stride, padding=VALID)
    elif kind < 0.5 and x.shape[3] <= 16:
        y = g.depthwise(
            padded,
            kernel,
            multiplier=g.random.choice((1, 1, 2)),
            stride=stride,
            padding=VALID,
            activation=activation,
            quant=g.quant(x),
        )
    else:
        y = g.conv2d(
            padded,
            g.random.randint(1, 6),
            kernel,
            stride=stride,
            padding=VALID,
            activation=activation,
            quant=g.quant(x),
        )
    if g.chance(0.4):
        y = _cut_tail(g, y)
    g.keep(y)
    return True


def _amounts(g: Grower, extent: int, kernel: int, stride: int) -> Pair:
    total = max(0, (-(-extent // stride) - 1) * stride + kernel - extent)
    like_same = (total // 2, total - total // 2)
    return g.random.choice(
        (like_same, like_same, (kernel - 1, 0), (kernel - 1, kernel - 1), (1, 1))
    )


def _cut_tail(g: Grower, y: Value) -> Value:
    size = [y.shape[0], *(g.random.randint(max(1, n - 2), n) for n in y.shape[1:3]), -1]
    begin = [
        0,
        *(g.random.choice((0, 0, n - s)) for n, s in zip(y.shape[1:3], size[1:], strict=False)),
        0,
    ]
    return g.slice(y, begin, size)


def channels_first(g: Grower) -> bool:
    """TRANSPOSE to NHWC, a convolution, an activation, TRANSPOSE back, some residual."""
    x = g.image()
    a, b = x.shape[1:3]
    if a > 16:
        return False
    t = g.transpose(x, 0, 2, 3, 1)
    units = a if g.chance(0.5) else g.random.randint(1, 6)
    y = g.conv2d(t, units, (1, 3) if b == 1 else (3, 3), activation=g.random.choice(ACTIVATIONS))
    if g.chance(0.5):
        y = one_unary(g, g.random.choice((OpCode.RELU, OpCode.QUANTIZE, OpCode.LOGISTIC)), y)
    y = g.transpose(y, 0, 3, 1, 2)
    if y.shape == x.shape and g.chance(0.6):
        y = g.binary(OpCode.ADD, x, y, quant=g.quant(x))
    g.keep(t if g.chance(0.1) else y, y)
    return True


def one_dimensional(g: Grower) -> bool:
    """Conv1D layers as Keras writes them: a view around each, on height or on width."""
    x = g.pick(3, where=lambda v: v.shape[2] <= 12)
    if x is None:
        x = g.enter(3)
    units = x.shape[2]
    for _ in range(g.random.randint(1, 3)):
        y = _conv1d(g, x, units)
        y = one_unary(g, OpCode.RELU, y) if g.chance(0.4) else y
        if y.shape == x.shape and g.chance(0.4):
            y = g.binary(OpCode.ADD, y, x, quant=g.quant(x))
        x = g.keep(y)
    return True


def _conv1d(g: Grower, x: Value, units: int) -> Value:
    tall = g.chance(0.3)
    axis = 2 if tall else 1
    wide = g.expand(x, axis) if g.chance(0.6) else g.reshape(x, *_widened(x.shape, axis))
    taps, dilation, stride = g.random.choice((1, 2, 3, 5)), g.random.choice((1, 1, 2)), 1
    if dilation == 1 and g.chance(0.2):
        stride = 2
    kernel, steps, gaps = (1, taps), (1, stride), (1, dilation)
    padding, front = g.random.choice((SAME, VALID)), (taps - 1) * dilation
    if tall:
        kernel, steps, gaps = (taps, 1), (stride, 1), (dilation, 1)
    if padding is VALID:
        border = [(front, 0), (0, 0)] if tall else [(0, 0), (front, 0)]
        wide = g.pad(wide, (0, 0), *border, (0, 0))
    kind = g.random.random()
    if kind < 0.2:
        code = g.random.choice((OpCode.MAX_POOL_2D, OpCode.AVERAGE_POOL_2D))
        y = g.pool(code, wide, kernel, stride=steps, padding=padding)
        if padding is VALID and dilation > 1:
            y = g.pool(code, wide, kernel, stride=steps, padding=SAME)
    elif kind < 0.35:
        y = g.depthwise(wide, kernel, stride=steps, dilation=gaps, padding=padding)
    else:
        y = g.conv2d(
            wide,
            units,
            kernel,
            stride=steps,
            dilation=gaps,
            padding=padding,
            activation=g.random.choice(ACTIVATIONS),
            quant=g.quant(x),
        )
    flat = (y.shape[0], y.shape[1] * y.shape[2], y.shape[3])
    return g.squeeze(y, axis) if g.chance(0.6) else g.reshape(y, *flat)


def _widened(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], 1, *shape[axis:])


def dilate_by_batches(g: Grower) -> bool:
    """SPACE_TO_BATCH_ND, a convolution, BATCH_TO_SPACE_ND, which drops what padding reaches.

    TFLM leaves the value that SPACE_TO_BATCH_ND pads with unset, so no output may depend on it.
    """
    x = g.image()
    height, width = x.shape[1:3]
    block: Pair = (g.random.choice((1, 2)) if height > 1 else 1, g.random.choice((2, 3)))
    kernel: Pair = (g.random.choice((1, 3)) if height > 1 else 1, g.random.choice((2, 3)))
    extra = [(k - 1) * b if g.chance(0.6) else 0 for k, b in zip(kernel, block, strict=True)]
    extents = [n + more for n, more in zip((height, width), extra, strict=True)]
    pads = [(0, -n % b) for n, b in zip(extents, block, strict=True)]
    small = any(
        (n + p[1]) // b < k for n, p, b, k in zip(extents, pads, block, kernel, strict=True)
    )
    if small or extents[0] * extents[1] * x.shape[3] > MAX_ELEMENTS * 2:
        return False
    if any(extra):
        x = g.pad(x, (0, 0), *((n // 2, n - n // 2) for n in extra), (0, 0))
    batches = g.space_to_batch(x, block, pads)
    depthwise = g.chance(0.3) and x.shape[3] <= 16
    if depthwise:
        y = g.depthwise(batches, kernel, padding=VALID)
    else:
        y = g.conv2d(batches, g.random.randint(1, 5), kernel, padding=VALID)
    g.keep(g.batch_to_space(y, block, pads))
    return True


def upsample(g: Grower) -> bool:
    """Nearest-neighbour upsampling by views and CONCATENATION or BROADCAST_TO."""
    x = g.image()
    batch, height, width, channels = x.shape
    tall = g.reshape(x, batch, height, 1, width * channels)
    twice = g.concat(tall, tall, axis=2)
    y = g.reshape(twice, batch, 2 * height, width, channels)
    if g.chance(0.5):
        y = g.conv2d(y, 2, (1, 3))
    g.keep(y)
    return True


def head(g: Grower) -> bool:
    """MEAN or a pool over height and width, views, a dense layer, SOFTMAX."""
    x = g.image()
    if x.shape[3] > 64:
        return False
    kind = g.random.randrange(4)
    if kind == 0:
        y = g.pool(OpCode.AVERAGE_POOL_2D, x, (x.shape[1], x.shape[2]), padding=VALID)
    elif kind == 1:
        y = g.reduce(OpCode.MEAN, x, [1, 2], keep=g.chance(0.5), quant=g.near(x))
    elif kind == 2:
        y = g.reduce(OpCode.MEAN, g.transpose(x, 0, 3, 1, 2), [2, 3], keep=False, quant=g.near(x))
    else:
        y = g.transpose(x, 0, *g.random.sample((1, 2, 3), 3)) if g.chance(0.5) else x
    batch = x.shape[0]
    flat = g.reshape(y, batch, y.elements // batch)
    y = g.fully_connected(flat, g.random.randint(1, 6), activation=g.random.choice(ACTIVATIONS))
    g.keep(g.softmax(y) if g.chance(0.4) else y)
    return True


def separate(g: Grower) -> bool:
    """Depthwise with a multiplier and a pointwise convolution, or groups as SPLIT and joins."""
    x = g.image()
    channels = x.shape[3]
    if channels > 12:
        return False
    if g.chance(0.5) or channels < 2:
        multiplier = g.random.choice((1, 2, 3))
        y = g.depthwise(x, (3, 3), multiplier=multiplier, activation=g.random.choice(ACTIVATIONS))
        g.keep(g.conv2d(y, g.random.randint(1, 6), (1, 1), quant=g.quant(x)))
        return True
    parts = g.random.choice([n for n in range(2, channels + 1) if channels % n == 0])
    pieces = [g.conv2d(piece, 2, (1, 3)) for piece in g.split(x, parts, 3)]
    g.keep(g.concat(*pieces, axis=3))
    return True


def loose_activation(g: Grower) -> bool:
    """A convolution or ADD, then RELU, a clamp by MINIMUM and MAXIMUM, or a requantization."""
    x = g.image()
    quant = g.quant(x)
    kind = g.random.randrange(3)
    if kind == 0:
        y = g.conv2d(x, g.random.randint(1, 6), (1, 3), quant=quant)
    elif kind == 1:
        other = g.random.choice(g.same(x))
        steady = g.quant(x) if g.chance(0.3) else quant
        y = g.binary(OpCode.ADD, x, other, quant=steady)
    else:
        y = g.fully_connected(x, 4, keep_num_dims=True, quant=quant) if x.shape[3] < 99 else x
    assert y.quant is not None
    for _ in range(g.random.randint(1, 2)):
        if g.chance(0.6):
            code = g.random.choice((OpCode.RELU, OpCode.RELU6, OpCode.QUANTIZE))
            assert y.quant is not None
            scale, zero = y.quant.scalar()
            shifted = (scale, g.random.randint(zero, 127))
            out = g.random.choice(((scale, zero), (scale, zero), shifted, g.near(y)))
            y = g.unary(code, y, quant=out)
        else:
            assert y.quant is not None
            limit = g.constant(g.random.randint(-128, 127), DType.INT8, quant=y.quant)
            code = g.random.choice((OpCode.MINIMUM, OpCode.MAXIMUM))
            y = g.binary(code, y, limit, quant=y.quant.scalar())
    g.keep(y)
    return True


def gate(g: Grower) -> bool:
    """Squeeze and excite: MEAN, two dense layers, LOGISTIC, a broadcast product."""
    x = g.image()
    if x.shape[3] > 32:
        return False
    y = g.reduce(OpCode.MEAN, x, [1, 2], keep=True)
    y = g.conv2d(g.conv2d(y, 3, (1, 1), activation=Activation.RELU), x.shape[3], (1, 1))
    y = g.unary(OpCode.LOGISTIC, y, quant=SIGMOID)
    g.keep(g.binary(OpCode.MUL, x, y, quant=g.near(x)))
    return True


def repeat_branch(g: Grower) -> bool:
    """The same operators twice on one value, or a result that is used twice."""
    x = g.pick()
    if x is None:
        return False
    code, quant = g.random.choice((OpCode.RELU, OpCode.LOGISTIC)), g.near(x)
    if code is OpCode.LOGISTIC:
        quant = SIGMOID
    first, second = (g.unary(code, x, quant=quant) for _ in range(2))
    g.keep(g.binary(OpCode.ADD, first, second, quant=g.near(first)))
    return True


def neutral_constant(g: Grower) -> bool:
    """ADD of zeros, MUL by one, SUB of a constant, constants that operators compute."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4)
    if x is None or x.quant is None:
        return False
    zero = g.random.choice((0, -128, 5))
    ones = (1,) * len(x.shape)
    code = g.random.choice((OpCode.ADD, OpCode.MUL, OpCode.SUB))
    level = zero if code is not OpCode.MUL else min(127, zero + 1)
    scale = 1.0 if code is OpCode.MUL else x.quant.scalar()[0]
    y = g.constant([[level]] if g.chance(0.2) else [level], DType.INT8, quant=(scale, zero))
    if g.chance(0.6):
        y = g.reshape(y, *ones)
    quant = x.quant.scalar() if g.chance(0.8) else g.near(x)
    g.keep(g.binary(code, x, y, quant=quant))
    return True


def shape_arithmetic(g: Grower) -> bool:
    """RESHAPE to a shape that SHAPE, STRIDED_SLICE and PACK compute."""
    x = g.pick(where=lambda v: 2 <= len(v.shape) <= 4)
    if x is None:
        return False
    rank = len(x.shape)
    sizes = g.op(OpCode.SHAPE, [x], (rank,), options=ShapeOptions(2), dtype=DType.INT32)
    inputs = [sizes, g.constant([0]), g.constant([1]), g.constant([1])]
    options = StridedSliceOptions(shrink_axis_mask=1)
    first = g.op(OpCode.STRIDED_SLICE, inputs, (), options=options, dtype=DType.INT32)
    rest = prod(x.shape[1:])
    packed = g.op(OpCode.PACK, [first, g.constant(rest)], (2,), options=PackOptions(2, 0))
    shape = (x.shape[0], rest)
    g.keep(
        g.op(
            OpCode.RESHAPE, [x, packed], shape, options=ReshapeOptions() if g.chance(0.5) else None
        )
    )
    return True


def there_and_back(g: Grower) -> bool:
    """A view or TRANSPOSE, elementwise operators, and the inverse."""
    x = g.pick(where=lambda v: 2 <= len(v.shape) <= 4)
    if x is None:
        return False
    perm = g.perm(len(x.shape))
    back = [perm.index(axis) for axis in range(len(perm))]
    views = g.chance(0.4)
    y = g.reshape(x, *g.factor(x, g.random.randint(1, 4))) if views else g.transpose(x, *perm)
    for _ in range(g.random.randint(0, 2)):
        y = one_unary(g, g.random.choice((OpCode.RELU, OpCode.TANH, OpCode.QUANTIZE)), y)
    if g.chance(0.3):
        y = g.binary(OpCode.ADD, y, y, quant=g.near(y))
    g.keep(g.reshape(y, *x.shape) if views else g.transpose(y, *back))
    return True


STEPS = named(
    [
        pad_and_convolve,
        channels_first,
        one_dimensional,
        dilate_by_batches,
        upsample,
        head,
        separate,
        loose_activation,
        gate,
        repeat_branch,
        neutral_constant,
        shape_arithmetic,
        there_and_back,
    ]
)
