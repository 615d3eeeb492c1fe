"""Steps that compute: elementwise operators, windows, dense layers, reductions."""

from __future__ import annotations

from math import prod

from tests.fuzz.grower import MAX_ELEMENTS, SIGMOID, TANH, Grower, named
from tests.support.kit import ONE, Pair
from tflopt.ir import DType, OpCode, Padding, Value
from tflopt.ir.options import (
    AbsOptions,
    BatchMatMulOptions,
    CumsumOptions,
    L2NormOptions,
    LeakyReluOptions,
    Options,
    SquaredDifferenceOptions,
    SVDFOptions,
)
from tflopt.ir.types import Activation

ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)
UNARY = (
    OpCode.RELU,
    OpCode.RELU,
    OpCode.RELU6,
    OpCode.LOGISTIC,
    OpCode.TANH,
    OpCode.HARD_SWISH,
    OpCode.LEAKY_RELU,
    OpCode.ELU,
    OpCode.ABS,
    OpCode.QUANTIZE,
)
FIXED = {OpCode.LOGISTIC: SIGMOID, OpCode.TANH: TANH}
BINARY = (OpCode.ADD, OpCode.ADD, OpCode.SUB, OpCode.MUL, OpCode.MAXIMUM, OpCode.MINIMUM)


def one_unary(g: Grower, code: OpCode, x: Value) -> Value:
    """An elementwise operator of one input."""
    quant = FIXED.get(code) or g.near(x)
    if code is OpCode.QUANTIZE:
        return g.quantize(x, quant)
    options: Options | None = None
    if code is OpCode.LEAKY_RELU:
        options = LeakyReluOptions(g.random.choice((0.1, 0.01, 0.25, 1.0)))
    if code is OpCode.ABS:
        options = AbsOptions()
    version = {OpCode.HARD_SWISH: 1, OpCode.ELU: 1}.get(code, 2)
    return g.op(code, [x], x.shape, options=options, quant=quant, version=version)


def map_each(g: Grower) -> bool:
    """One to three unary operators in a row."""
    x = g.pick()
    if x is None:
        return False
    for _ in range(g.random.choice((1, 1, 2, 3))):
        x = g.keep(one_unary(g, g.random.choice(UNARY), x))
    return True


def combine(g: Grower) -> bool:
    """A binary operator on two values of one shape."""
    x = g.pick()
    if x is None:
        return False
    code = g.random.choice(BINARY)
    twins = g.alike(x) if code in (OpCode.MAXIMUM, OpCode.MINIMUM) else g.same(x)
    y = g.random.choice(twins)
    g.keep(_binary(g, code, x, y))
    return True


def broadcast(g: Grower) -> bool:
    """A binary operator with a constant or a smaller value, on either side."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4)
    if x is None:
        return False
    code = g.random.choice(BINARY)
    shape = [n if g.chance(0.5) else 1 for n in x.shape]
    shape = shape[g.random.randrange(len(shape)) :] if g.chance(0.3) else shape
    exact = code in (OpCode.MAXIMUM, OpCode.MINIMUM)
    assert x.quant is not None
    y = g.level(shape, x.quant.scalar() if exact else g.near(x))
    smaller = g.values(len(x.shape), where=lambda v: list(v.shape) == shape)
    if smaller and not exact:
        y = g.random.choice(smaller)
    pair = (y, x) if g.chance(0.3) else (x, y)
    g.keep(_binary(g, code, *pair))
    return True


def _binary(g: Grower, code: OpCode, x: Value, y: Value) -> Value:
    if code in (OpCode.MAXIMUM, OpCode.MINIMUM):
        assert x.quant is not None
        return g.binary(code, x, y, quant=x.quant.scalar())
    out = g.binary(code, x, y, quant=g.near(x if g.chance(0.5) else y))
    if g.chance(0.3):
        assert out.producer is not None
        activation = g.random.choice(ACTIVATIONS[1:3])
        options = out.producer.options
        assert isinstance(options, Options)
        out.producer.options = type(options)(fused_activation_function=activation)  # type: ignore[call-arg]
    return out


def convolve(g: Grower) -> bool:
    """CONV_2D with any window, stride, dilation, padding, groups and activation."""
    x = g.image()
    channels = x.shape[3]
    groups = 1
    if g.chance(0.25):
        groups = g.random.choice([n for n in range(1, channels + 1) if channels % n == 0])
    units = groups * g.random.randint(1, max(1, 8 // groups))
    window = _window(g, x)
    if window is None:
        return False
    kernel, stride, dilation, padding = window
    y = g.conv2d(
        x,
        units,
        kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        activation=g.random.choice(ACTIVATIONS),
        groups=groups,
        bias=g.chance(0.85),
        per_channel=g.chance(0.8),
        quant=g.quant(x),
    )
    g.keep(y)
    return True


def convolve_depth(g: Grower) -> bool:
    """DEPTHWISE_CONV_2D with multipliers."""
    x = g.image()
    window = _window(g, x)
    if window is None or x.shape[3] > 16:
        return False
    kernel, stride, dilation, padding = window
    y = g.depthwise(
        x,
        kernel,
        multiplier=g.random.choice((1, 1, 1, 2, 3, 8 if x.shape[3] == 1 else 1)),
        stride=stride,
        dilation=dilation,
        padding=padding,
        activation=g.random.choice(ACTIVATIONS),
        quant=g.quant(x),
    )
    g.keep(y)
    return True


def deconvolve(g: Grower) -> bool:
    """TRANSPOSE_CONV."""
    x = g.image()
    kernel = (g.random.randint(1, 3), g.random.randint(1, 4))
    stride = (g.random.choice((1, 2)), g.random.choice((1, 2)))
    if x.elements * prod(stride) * 4 > MAX_ELEMENTS * 4:
        return False
    padding = g.random.choice((Padding.SAME, Padding.VALID))
    g.keep(g.transpose_conv(x, g.random.randint(1, 4), kernel, stride, padding, g.quant(x)))
    return True


def pool(g: Grower) -> bool:
    """AVERAGE_POOL_2D or MAX_POOL_2D."""
    x = g.image()
    window = _window(g, x)
    if window is None:
        return False
    kernel, stride, _, padding = window
    if padding is Padding.VALID:
        kernel = (min(kernel[0], x.shape[1]), min(kernel[1], x.shape[2]))
    code = g.random.choice((OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D))
    activation = g.random.choice((Activation.NONE, Activation.NONE, Activation.RELU))
    g.keep(g.pool(code, x, kernel, stride=stride, padding=padding, activation=activation))
    return True


def _window(g: Grower, x: Value) -> tuple[Pair, Pair, Pair, Padding] | None:
    height, width = x.shape[1:3]
    sizes = [g.random.choice((1, 2, 3, 3, 5)) if n > 1 else 1 for n in (height, width)]
    strides = [g.random.choice((1, 1, 1, 2, 3)) if n > 1 else 1 for n in (height, width)]
    dilations = [g.random.choice((1, 1, 1, 2, 3)) if k > 1 else 1 for k in sizes]
    padding = g.random.choice((Padding.SAME, Padding.SAME, Padding.VALID))
    reach = [(k - 1) * d + 1 for k, d in zip(sizes, dilations, strict=True)]
    if padding is Padding.VALID and (reach[0] > height or reach[1] > width):
        return None
    dilation = ONE if strides != [1, 1] and g.chance(0.9) else (dilations[0], dilations[1])
    if padding is Padding.VALID and dilation == ONE and (sizes[0] > height or sizes[1] > width):
        return None
    return (sizes[0], sizes[1]), (strides[0], strides[1]), dilation, padding


def connect(g: Grower) -> bool:
    """FULLY_CONNECTED of any rank, or BATCH_MATMUL with a constant."""
    x = g.pick(where=lambda v: 2 <= len(v.shape) <= 4)
    if x is None or x.shape[-1] > 128:
        return False
    units = g.random.randint(1, 9)
    if g.chance(0.2):
        weights = g.weights((x.shape[-1], units), x.shape[-1], x, g.quant(x))
        inputs = [x, weights]
        shape = (*x.shape[:-1], units)
        options = BatchMatMulOptions()
        g.keep(g.op(OpCode.BATCH_MATMUL, inputs, shape, options=options, quant=g.near(x)))
        return True
    y = g.fully_connected(
        x,
        units,
        keep_num_dims=g.chance(0.4),
        activation=g.random.choice(ACTIVATIONS),
        bias=g.chance(0.8),
        quant=g.quant(x),
    )
    g.keep(y)
    return True


def summarize(g: Grower) -> bool:
    """MEAN, SUM, REDUCE_MAX or REDUCE_MIN over any axes."""
    x = g.pick(where=lambda v: 2 <= len(v.shape) <= 4)
    if x is None:
        return False
    code = g.random.choice(
        (OpCode.MEAN, OpCode.MEAN, OpCode.SUM, OpCode.REDUCE_MAX, OpCode.REDUCE_MIN)
    )
    axes = sorted(g.random.sample(range(len(x.shape)), g.random.randint(1, len(x.shape) - 1)))
    if len(x.shape) == 4 and g.chance(0.5):
        axes = [1, 2]
    assert x.quant is not None
    exact = code not in (OpCode.MEAN, OpCode.SUM)
    quant = x.quant.scalar() if exact else g.near(x)
    g.keep(g.reduce(code, x, axes, keep=g.chance(0.5), quant=quant))
    return True


def normalize(g: Grower) -> bool:
    """SOFTMAX, LOG_SOFTMAX, L2_NORMALIZATION, PRELU, SQUARED_DIFFERENCE, CUMSUM."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4 and v.shape[-1] <= 100)
    if x is None:
        return False
    kind = g.random.randrange(6)
    if kind <= 1:
        g.keep(g.softmax(x))
    elif kind == 2:
        options: Options = L2NormOptions()
        quant = (1 / 128, 0)
        g.keep(g.op(OpCode.L2_NORMALIZATION, [x], x.shape, options=options, quant=quant, version=2))
    elif kind == 3:
        alpha = g.level((1,) * (len(x.shape) - 1) + x.shape[-1:], (0.01, 5))
        g.keep(g.op(OpCode.PRELU, [x, alpha], x.shape, quant=g.near(x)))
    elif kind == 4:
        y = g.random.choice(g.same(x))
        options = SquaredDifferenceOptions()
        code = OpCode.SQUARED_DIFFERENCE
        g.keep(g.op(code, [x, y], x.shape, options=options, quant=g.near(x), version=2))
    else:
        options = CumsumOptions(g.chance(0.3), g.chance(0.3))
        axis = g.constant(g.random.randrange(len(x.shape)))
        g.keep(g.op(OpCode.CUMSUM, [x, axis], x.shape, options=options))
    return True


def remember(g: Grower) -> bool:
    """SVDF, whose state is a variable tensor."""
    x = g.pick(2, where=lambda v: v.shape[1] <= 12 and v.shape[0] <= 2)
    if x is None or x.quant is None:
        return False
    units, memory = g.random.randint(1, 4), g.random.randint(2, 4)
    features = g.weights((units, x.shape[1]), x.shape[1], x, (0.05, 0))
    time = g.constant(
        g.rng().integers(-3000, 3001, (units, memory)), DType.INT16, quant=(0.0001, 0)
    )
    bias = g.constant([5] * units, quant=(0.0001 * 0.001, 0))
    state = g.value((x.shape[0], units * memory), DType.INT16, (0.001, 0))
    state.is_variable = True
    options = SVDFOptions(1, g.random.choice((Activation.NONE, Activation.RELU)))
    inputs = [x, features, time, bias, state]
    shape = (x.shape[0], units)
    g.keep(g.op(OpCode.SVDF, inputs, shape, options=options, quant=g.quant(x), version=3))
    return True


STEPS = named(
    [
        map_each,
        combine,
        broadcast,
        convolve,
        convolve_depth,
        deconvolve,
        pool,
        connect,
        summarize,
        normalize,
        remember,
    ]
)
