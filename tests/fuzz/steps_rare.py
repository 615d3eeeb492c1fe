"""Steps for rules that few random graphs would meet, among them operators that TFLM lacks."""

from __future__ import annotations

from tests.fuzz.grower import Grower, is_comparable, named
from tests.support.diamonds import DIAMONDS, span
from tests.support.kit import Pair
from tflopt.ir import DType, OpCode, Padding, Value
from tflopt.ir.options import ConcatenationOptions, ReducerOptions, SoftmaxOptions
from tflopt.ir.types import Activation

LACKING = (OpCode.RELU_N1_TO_1, OpCode.RELU_0_TO_1, OpCode.SELECT, OpCode.REDUCE_ANY)
"""Operators without a kernel in TFLM; CONCATENATION of more than ten values is another case."""


def join_many(g: Grower) -> bool:
    """CONCATENATION of more values than TFLM takes."""
    x = g.keep(g.input(tuple(g.random.choice((1, 2, 3)) for _ in range(3)), quant=g.base))
    others = [x, g.keep(g.input(x.shape, quant=g.base)), *g.alike(x)]
    values = g.random.choices(others, k=g.random.randint(11, 14))
    axis = g.random.randrange(len(x.shape))
    shape = [n * len(values) if a == axis else n for a, n in enumerate(x.shape)]
    options = ConcatenationOptions(axis)
    g.keep(g.op(OpCode.CONCATENATION, values, shape, options=options, version=2))
    return True


def clamp_to_one(g: Grower) -> bool:
    """RELU_N1_TO_1 or RELU_0_TO_1."""
    x = g.pick(where=lambda v: v.quant is not None and 0.005 < v.quant.scalar()[0] < 0.5)
    if x is None:
        return False
    code = g.random.choice((OpCode.RELU_N1_TO_1, OpCode.RELU_0_TO_1))
    g.keep(g.op(code, [x], x.shape))
    return True


def choose(g: Grower) -> bool:
    """SELECT by a condition of the data's shape."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4 and is_comparable(v))
    if x is None:
        return False
    y = g.random.choice(g.alike(x))
    mask = g.op(OpCode.GREATER, [x, y], x.shape, dtype=DType.BOOL)
    g.keep(g.op(OpCode.SELECT, [mask, x, y], x.shape, quant=x.quant, dtype=DType.INT8))
    return True


def any_of(g: Grower) -> bool:
    """REDUCE_ANY of a comparison, which is an output then."""
    x = g.pick(where=lambda v: 2 <= len(v.shape) <= 4 and is_comparable(v))
    if x is None:
        return False
    mask = g.op(OpCode.GREATER, [x, g.level((1,))], x.shape, dtype=DType.BOOL)
    inputs = [mask, g.constant([1])]
    shape = (x.shape[0], *x.shape[2:])
    g.op(OpCode.REDUCE_ANY, inputs, shape, options=ReducerOptions())
    return True


def pad_then_map(g: Grower) -> bool:
    """PAD, an activation, a convolution that could do the padding."""
    x = g.image()
    kernel: Pair = (1 if x.shape[1] == 1 else 3, 3)
    border = (kernel[0] // 2, kernel[0] // 2)
    y = g.pad(x, (0, 0), border, (1, 1), (0, 0))
    assert x.quant is not None
    quant = x.quant.scalar() if g.chance(0.6) else g.near(x)
    y = g.unary(g.random.choice((OpCode.RELU, OpCode.RELU, OpCode.RELU6)), y, quant=quant)
    g.keep(g.conv2d(y, g.random.randint(1, 5), kernel, padding=Padding.VALID))
    return True


def pad_then_cut(g: Grower) -> bool:
    """PAD and a SLICE that drops some of it."""
    x = g.image()
    amounts = [(0, 0), (g.random.randint(0, 2), g.random.randint(0, 2)), (2, 3), (0, 0)]
    y = g.pad(x, *amounts)
    begin = [0, g.random.randint(0, amounts[1][0]), g.random.randint(0, 2), 0]
    size = [
        n - b - g.random.randint(0, a[1]) for n, b, a in zip(y.shape, begin, amounts, strict=True)
    ]
    g.keep(g.slice(y, begin, size))
    return True


def pad_with_stride(g: Grower) -> bool:
    """PAD by one on all sides and a 3x3 window with a stride of 2, as PyTorch exports it."""
    x = g.image()
    if min(x.shape[1:3]) < 3:
        return False
    y = g.pad(x, (0, 0), (1, 1), (1, 1), (0, 0))
    if g.chance(0.5):
        y = g.depthwise(y, stride=(2, 2), padding=Padding.VALID)
    else:
        y = g.conv2d(y, g.random.randint(1, 6), stride=(2, 2), padding=Padding.VALID)
    g.keep(y)
    return True


def shuffle_channels(g: Grower) -> bool:
    """Channels exchanged between groups, by a TRANSPOSE of five axes."""
    x = g.image()
    batch, height, width, channels = x.shape
    groups = [n for n in range(2, channels) if channels % n == 0]
    if not groups:
        return False
    group = g.random.choice(groups)
    y = g.reshape(x, batch, height, width, group, channels // group)
    y = g.transpose(y, 0, 1, 2, 4, 3)
    g.keep(g.reshape(y, *x.shape))
    return True


def multiply_depth(g: Grower) -> bool:
    """A convolution, then a depthwise one with a multiplier."""
    x = g.image()
    y = g.conv2d(x, g.random.randint(1, 4), (1, 1), activation=Activation.RELU)
    multiplier = g.random.choice((2, 3, 4))
    g.keep(g.depthwise(y, (1, 3) if x.shape[1] == 1 else (3, 3), multiplier=multiplier))
    return True


def plain_groups(g: Grower) -> bool:
    """A grouped convolution, or a depthwise one, without bias."""
    x = g.input((1, g.random.randint(2, 5), g.random.randint(2, 5), 8), quant=g.base)
    groups = g.random.choice((2, 4, 8))
    units = groups * g.random.choice((1, 2, 3))
    y = g.conv2d(x, units, g.random.choice(((1, 1), (3, 3))), groups=groups, bias=g.chance(0.4))
    g.keep(x, y)
    return True


def deconvolve_badly(g: Grower) -> bool:
    """TRANSPOSE_CONV with SAME padding and strides that the padding doesn't suit, or no bias."""
    x = g.input((1, g.random.randint(2, 5), g.random.randint(2, 5), 2), quant=g.base)
    kernel, stride = g.random.choice((((3, 3), (2, 2)), ((5, 5), (2, 2)), ((4, 4), (3, 3))))
    padding = g.random.choice((Padding.SAME, Padding.SAME, Padding.VALID))
    y = g.transpose_conv(x, g.random.randint(1, 3), kernel, stride, padding, g.base)
    if g.chance(0.3):
        assert y.producer is not None
        y.producer.set_inputs(y.producer.inputs[:3])
    g.keep(x, y)
    return True


def dense_in_rank(g: Grower) -> bool:
    """FULLY_CONNECTED with an output of more than two axes, and a view behind it."""
    x = g.input((1, g.random.randint(1, 4), g.random.randint(2, 4), 8), quant=g.base)
    y = g.fully_connected(x, g.random.choice((2, 3, 4)), keep_num_dims=True)
    g.keep(x, g.reshape(y, *g.factor(y, 2)))
    return True


def one_tap_pool(g: Grower) -> bool:
    """A pool of one element, a RESIZE by one, a reduction over axes of size 1."""
    x = g.image()
    kind = g.random.randrange(3)
    if kind == 0:
        y = g.pool(OpCode.AVERAGE_POOL_2D, x, (1, 1))
    elif kind == 1:
        y = g.resize_nearest(x, x.shape[1], x.shape[2])
    else:
        ones = [axis for axis, n in enumerate(x.shape) if n == 1]
        if not ones:
            return False
        y = g.reduce(g.random.choice((OpCode.MEAN, OpCode.SUM)), x, ones, keep=g.chance(0.5))
    g.keep(y)
    return True


def wide_depth(g: Grower) -> bool:
    """A depthwise convolution of more than 124 channels, with and without bias."""
    x = g.input((1, 2, 2, 128), quant=g.base)
    y = g.depthwise(x, (2, 2))
    assert y.producer is not None
    if g.chance(0.7):
        y.producer.set_inputs(y.producer.inputs[:2])
    g.keep(g.reduce(OpCode.MEAN, y, [1, 2]))
    return True


def shift_by_nothing(g: Grower) -> bool:
    """ADD of a different constant for each channel, all of them far below a step."""
    x = g.conv2d(g.image(), g.random.randint(2, 6), (1, 1))
    assert x.quant is not None
    quant = x.quant.scalar()
    numbers = [g.random.randint(-3, 3) for _ in range(x.shape[-1])]
    small = g.constant(numbers, DType.INT8, (quant[0] / 4096, 0))
    g.keep(g.binary(OpCode.ADD, x, small, quant=quant))
    return True


def wide_groups(g: Grower) -> bool:
    """A 1x1 convolution of many channels in few groups."""
    x = g.input((1, 1, g.random.randint(1, 3), 64), quant=g.base)
    g.keep(x, g.conv2d(x, 64, (1, 1), groups=g.random.choice((2, 4))))
    return True


def only_class(g: Grower) -> bool:
    """An int16 SOFTMAX over one class, which is an output then."""
    shape = (g.random.randint(1, 4), 1)
    x = g.input(shape, DType.INT16, quant=(g.base[0] / 256, 0))
    options, quant = SoftmaxOptions(1.0), (1 / 32768, 0)
    g.op(OpCode.SOFTMAX, [x], shape, options=options, quant=quant, dtype=DType.INT16, version=3)
    return True


def meet_again(g: Grower) -> bool:
    """Two paths of elementwise operators from one tensor to another, as exporters write them."""
    x = g.pick(where=_has_both_signs)
    if x is None:
        return False
    y = g.random.choice(list(DIAMONDS.values()))(g, x)
    assert y.producer is not None
    between = [value for value in y.producer.inputs if value is not None and value.producer]
    g.keep(*(g.random.sample(between, 1) if between and g.chance(0.15) else ()), y)
    return True


def _has_both_signs(x: Value) -> bool:
    low, high = span(x) if x.quant is not None else (0.0, 0.0)
    return 1 <= len(x.shape) <= 4 and -100 < low < -0.1 and 0.1 < high < 100


STEPS = named(
    [
        pad_then_map,
        pad_then_cut,
        pad_with_stride,
        shuffle_channels,
        multiply_depth,
        plain_groups,
        deconvolve_badly,
        dense_in_rank,
        one_tap_pool,
        wide_depth,
        shift_by_nothing,
        wide_groups,
        only_class,
        meet_again,
    ]
)
UNSUPPORTED = named([join_many, clamp_to_one, choose, any_of])
