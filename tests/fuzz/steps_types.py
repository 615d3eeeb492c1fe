"""Steps outside plain int8: float islands, int16, comparisons, control flow, variables."""

from __future__ import annotations

from tests.fuzz.grower import SIGMOID, TANH, ZERO_POINTS, Grower, is_comparable, named
from tests.fuzz.steps_compute import one_unary
from tests.support.kit import BINARY
from tflopt.ir import DType, OpCode, Padding, Value
from tflopt.ir.options import (
    AssignVariableOptions,
    CallOnceOptions,
    CastOptions,
    DivOptions,
    ExpOptions,
    IfOptions,
    ReadVariableOptions,
    ReducerOptions,
    VarHandleOptions,
    WhileOptions,
)

FLOAT, INT8, INT16 = DType.FLOAT32, DType.INT8, DType.INT16
FLOAT_UNARY = (OpCode.RELU, OpCode.RELU, OpCode.RELU6, OpCode.LOGISTIC, OpCode.TANH, OpCode.ABS)


def float_island(g: Grower) -> bool:
    """DEQUANTIZE, a few float operators, QUANTIZE."""
    x = g.pick()
    if x is None or x.quant is None:
        return False
    y = g.dequantize(x)
    for _ in range(g.random.choice((0, 1, 1, 2))):
        y = g.op(g.random.choice(FLOAT_UNARY), [y], y.shape)
    g.keep(g.quantize(y, x.quant.scalar() if g.chance(0.5) else g.near(x)))
    return True


def float_scale(g: Grower) -> bool:
    """LOGISTIC, TANH or nothing in float, and a coarser scale."""
    x = g.pick()
    if x is None or x.quant is None:
        return False
    y, (scale, _) = g.dequantize(x), x.quant.scalar()
    code = g.random.choice((OpCode.LOGISTIC, OpCode.TANH, None))
    if code is None:
        target = scale * g.random.uniform(2, 6), g.random.choice(ZERO_POINTS)
    else:
        y = g.op(code, [y], y.shape)
        target = SIGMOID if code is OpCode.LOGISTIC else TANH
    g.keep(g.quantize(y, target))
    return True


def float_join(g: Grower) -> bool:
    """Dequantized values that are joined or compared in float, RELU or none, QUANTIZE."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4)
    if x is None or x.quant is None:
        return False
    first = g.dequantize(x)
    other = g.dequantize(g.random.choice(g.same(x)))
    if g.chance(0.2):
        other = g.floats(g.rng().normal(size=x.shape))
    code = g.random.choice((OpCode.CONCATENATION, OpCode.CONCATENATION, OpCode.MAXIMUM))
    if code is OpCode.CONCATENATION:
        y = g.concat(first, other, axis=g.random.randrange(len(x.shape)))
    else:
        y = g.op(code, [first, other], x.shape, options=BINARY[code])
    if g.chance(0.2):
        y = g.op(OpCode.RELU, [y], y.shape)
    g.keep(g.quantize(y, x.quant.scalar() if g.chance(0.6) else g.near(x)))
    return True


def float_parts(g: Grower) -> bool:
    """A dequantized value that is cut, some parts quantized again."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4 and v.shape[0] % 2 == 0)
    if x is None or x.quant is None:
        return False
    one, two = g.split(g.dequantize(x), 2)
    g.keep(g.quantize(one, x.quant.scalar()))
    if g.chance(0.7):
        g.keep(g.quantize(two, g.near(x)))
    return True


def float_sum(g: Grower) -> bool:
    """Two dequantized values, a binary float operator, RELU or none, QUANTIZE."""
    x = g.pick()
    if x is None or x.quant is None:
        return False
    other = g.random.choice(g.same(x))
    y: Value = g.level((1,) * len(x.shape), (0.03, 2)) if g.chance(0.2) else other
    code = g.random.choice((OpCode.ADD, OpCode.ADD, OpCode.MUL, OpCode.SUB, OpCode.MAXIMUM))
    left = g.dequantize(x)
    right = left if y is x and g.chance(0.3) else g.dequantize(y)
    total = g.op(code, [left, right], x.shape, options=BINARY[code])
    if g.chance(0.4):
        total = g.op(OpCode.RELU, [total], x.shape)
    g.keep(g.quantize(total, g.near(x)))
    return True


def float_mean(g: Grower) -> bool:
    """MEAN or AVERAGE_POOL_2D in float, between DEQUANTIZE and QUANTIZE."""
    x = g.pick(4)
    if x is None or x.quant is None:
        return False
    y = g.dequantize(x)
    if g.chance(0.3):
        window = g.random.choice((1, 3)), g.random.choice((1, 2, 3))
        padding = g.random.choice((Padding.SAME, Padding.VALID))
        if padding is Padding.SAME or (window[0] <= x.shape[1] and window[1] <= x.shape[2]):
            y = g.pool(OpCode.AVERAGE_POOL_2D, y, window, padding=padding)
            g.keep(g.quantize(y, x.quant.scalar()))
            return True
    keep = g.chance(0.5)
    shape = (x.shape[0], 1, 1, x.shape[3]) if keep else (x.shape[0], x.shape[3])
    inputs = [y, g.constant([1, 2])]
    y = g.op(OpCode.MEAN, inputs, shape, options=ReducerOptions(keep_dims=keep))
    g.keep(g.quantize(y, g.near(x)))
    return True


def float_softmax(g: Grower) -> bool:
    """EXP, SUM and DIV in float."""
    x = g.pick(2)
    if x is None:
        return False
    e = g.op(OpCode.EXP, [g.dequantize(x)], x.shape, options=ExpOptions())
    inputs = [e, g.constant([1])]
    total = g.op(OpCode.SUM, inputs, (x.shape[0], 1), options=ReducerOptions(keep_dims=True))
    y = g.op(OpCode.DIV, [e, total], x.shape, options=DivOptions())
    g.keep(g.quantize(y, (1 / 256, -128)))
    return True


def float_output(g: Grower) -> bool:
    """A float output, or a float input that is quantized at once."""
    if g.chance(0.5):
        real = g.input(g.shape(g.random.randint(1, 4)), FLOAT)
        g.keep(g.quantize(real, g.base))
        return True
    x = g.pick()
    if x is None:
        return False
    g.dequantize(x)
    return True


def sixteen_bits(g: Grower) -> bool:
    """int8 to int16, operators there, and back."""
    x = g.pick(4)
    if x is None or x.quant is None:
        return False
    scale, _ = x.quant.scalar()
    y = g.quantize(x, (scale / 128, 0), INT16)
    for _ in range(g.random.randint(0, 2)):
        y = _one_int16(g, y)
    assert y.quant is not None
    back = (y.quant.scalar()[0] * 128, g.random.choice((-128, 0, 5)))
    g.keep(g.quantize(y, back, INT8))
    return True


def _one_int16(g: Grower, y: Value) -> Value:
    kind = g.random.randrange(5)
    assert y.quant is not None
    quant = y.quant.scalar()
    if kind == 0:
        return g.conv2d(y, g.random.randint(1, 4), (1, 3), quant=(quant[0], 0))
    if kind == 1:
        return g.depthwise(y, (1, 3), quant=(quant[0], 0))
    if kind == 2:
        return g.binary(OpCode.ADD, y, y, quant=(quant[0] * 2, 0))
    if kind == 3:
        return g.transpose(y, *g.perm(4))
    return g.reshape(y, *g.four(y.elements))


def select(g: Grower) -> bool:
    """A comparison that selects between two values, or is cast."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4 and is_comparable(v))
    if x is None:
        return False
    y = g.random.choice(g.alike(x))
    code = g.random.choice((OpCode.GREATER, OpCode.LESS_EQUAL, OpCode.EQUAL))
    mask = g.op(code, [x, y], x.shape, dtype=DType.BOOL)
    if g.chance(0.7):
        g.keep(g.op(OpCode.SELECT_V2, [mask, x, y], x.shape, quant=x.quant, dtype=INT8))
        return True
    options = CastOptions(int(DType.BOOL), int(FLOAT))
    as_float = g.op(OpCode.CAST, [mask], x.shape, options=options, dtype=FLOAT)
    g.keep(g.quantize(as_float, (1 / 255, -128)))
    return True


def _subgraph(g: Grower, *inputs: Value) -> Grower:
    inner = Grower(g.random, g.model)
    for value in inputs:
        inner.keep(inner.input(value.shape, value.dtype, quant=value.quant))
    return inner


def _body(g: Grower, x: Value, y: Value) -> Value:
    """A few operators that end in the type, shape and quantization of ``x``."""
    assert x.quant is not None
    quant = x.quant.scalar()
    if len(x.shape) == 4 and g.chance(0.5):
        perm = (0, 2, 1, 3)
        return g.transpose(g.unary(OpCode.RELU, g.transpose(x, *perm)), *perm)
    if g.chance(0.5):
        flat = g.reshape(x, x.elements)
        return g.reshape(one_unary_same(g, flat), *x.shape)
    return g.binary(OpCode.ADD, x, y, quant=quant)


def one_unary_same(g: Grower, x: Value) -> Value:
    """A unary operator that keeps the quantization."""
    assert x.quant is not None
    return g.unary(g.random.choice((OpCode.RELU, OpCode.RELU6)), x, quant=x.quant.scalar())


def branch(g: Grower) -> bool:
    """IF on a comparison of single elements."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4 and is_comparable(v))
    if x is None or x.graph is not g.graph or len(g.model.graphs) > 3:
        return False
    y = g.random.choice(g.alike(x))
    flat = g.reshape(x, x.elements)
    first = g.slice(flat, [0], [1])
    condition = g.op(OpCode.GREATER, [first, g.level((1,))], (1,), dtype=DType.BOOL)
    indices = []
    for _ in range(2):
        inner = _subgraph(g, x, y)
        inner.output(_body(inner, *inner.live[:2]))
        indices.append(inner.graph.index)
    options = IfOptions(*indices)
    out = g.op(OpCode.IF, [condition, x, y], x.shape, options=options, quant=x.quant, dtype=INT8)
    g.keep(out)
    return True


def loop(g: Grower) -> bool:
    """WHILE with a counter."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4)
    if x is None or len(g.model.graphs) > 3:
        return False
    counter = g.constant([0])
    limit = g.random.randint(1, 3)
    test = _subgraph(g, counter, x)
    count = test.live[0]
    test.output(test.op(OpCode.LESS, [count, test.constant([limit])], (1,), dtype=DType.BOOL))
    body = _subgraph(g, counter, x)
    count, value = body.live[:2]
    after = body.op(OpCode.ADD, [count, body.constant([1])], (1,), options=BINARY[OpCode.ADD])
    body.output(after, _body(body, value, value))
    options = WhileOptions(test.graph.index, body.graph.index)
    inputs = [counter, x]
    outs = g.ops(OpCode.WHILE, inputs, [(1,), x.shape], options, x.quant, INT8)
    outs[0].dtype, outs[0].quant = DType.INT32, None
    g.keep(outs[1])
    return True


def stream(g: Grower) -> bool:
    """A resource variable that is read, joined with what comes in, and assigned."""
    x = g.pick(where=lambda v: 2 <= len(v.shape) <= 4 and v.shape[0] == 1)
    if x is None or x.quant is None or len(g.model.graphs) > 3:
        return False
    name = f"state{len(g.graph.values)}"
    handle_options = VarHandleOptions("", name)
    start = _subgraph(g)
    inner = start.op(OpCode.VAR_HANDLE, [], (1,), options=handle_options, dtype=DType.RESOURCE)
    zeros = start.constant(start.rng().integers(-9, 9, x.shape), INT8, quant=x.quant)
    start.ops(OpCode.ASSIGN_VARIABLE, [inner, zeros], [], AssignVariableOptions())
    g.ops(OpCode.CALL_ONCE, [], [], CallOnceOptions(start.graph.index))
    handle = g.op(OpCode.VAR_HANDLE, [], (1,), options=handle_options, dtype=DType.RESOURCE)
    options = ReadVariableOptions()
    old = g.op(OpCode.READ_VARIABLE, [handle], x.shape, options=options, quant=x.quant, dtype=INT8)
    both = g.concat(old, x, axis=1)
    later = one_unary(g, OpCode.RELU, old)
    begin = [0, both.shape[1] - x.shape[1], *([0] * (len(x.shape) - 2))]
    kept = g.slice(both, begin, list(x.shape))
    g.ops(OpCode.ASSIGN_VARIABLE, [handle, kept], [], AssignVariableOptions())
    g.keep(both, later)
    return True


STEPS = named(
    [
        float_island,
        float_scale,
        float_join,
        float_parts,
        float_sum,
        float_mean,
        float_softmax,
        float_output,
        sixteen_bits,
        select,
        branch,
        loop,
        stream,
    ]
)
