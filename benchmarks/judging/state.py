"""What lives from one run to the next, and subgraphs: SVDF, LSTM, variables, IF and WHILE."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.judging.motifs import Motif, Net
from tflopt.ir import Activation, DType, OpCode, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    AddOptions,
    AssignVariableOptions,
    CallOnceOptions,
    ConcatenationOptions,
    IfOptions,
    ReadVariableOptions,
    SliceOptions,
    SVDFOptions,
    UnidirectionalSequenceLSTMOptions,
    VarHandleOptions,
    WhileOptions,
)

LSTM_GATES = 4
MOST_GRAPHS = 7


def svdf(net: Net, x: Value) -> Value | None:
    """SVDF of rank 1 or 2 with a state of 16 bits."""
    if len(x.shape) != 2 or x.shape[1] > 64 or x.shape[0] > 2:
        return None
    rank, units, memory = net.pick(1, 2), net.pick(1, 2, 4), net.pick(2, 3, 5)
    filters = rank * units
    time = net.b.constant(net.rng.integers(-9000, 9000, (filters, memory)), DType.INT16, (1e-4, 0))
    bias = net.b.constant(net.rng.integers(-50, 50, units), quant=(1e-7, 0))
    state = net.b.value((x.shape[0], filters * memory), DType.INT16, (0.001, 0))
    state.is_variable = True
    data = net.rng.integers(-127, 128, (filters, x.shape[1]))
    features = net.b.constant(data, DType.INT8, (0.01, 0))
    inputs = [x, features, time, bias, state]
    options = SVDFOptions(rank, (Activation.NONE, Activation.RELU)[net.pick(0, 1)])
    return net.op(OpCode.SVDF, list(inputs), (x.shape[0], units), options, net.quant(), 3)


def lstm(net: Net, x: Value) -> Value | None:
    """``LSTM`` as Keras writes it, with its state kept."""
    if len(x.shape) != 3 or x.shape[2] > 32 or x.shape[1] > 16:
        return None
    batches, steps, depth = x.shape
    units, size = net.pick(1, 2, 5), 0.01

    def matrix(columns: int) -> Value:
        data = net.rng.integers(-127, 128, (units, columns))
        return net.b.constant(data, DType.INT8, (size / math.sqrt(columns), 0))

    def state(dtype: DType, quant: tuple[float, int]) -> Value:
        value = net.b.value((batches, units), dtype, quant)
        value.is_variable = True
        return value

    inner = [matrix(depth) for _ in range(LSTM_GATES)]
    recurrent = [matrix(units) for _ in range(LSTM_GATES)]
    biases = [
        net.b.constant(net.rng.integers(-2000, 2000, units), quant=(size * 0.05, 0))
        for _ in range(LSTM_GATES)
    ]
    hidden, cell = state(DType.INT8, (1 / 128, 0)), state(DType.INT16, (2**-11, 0))
    inputs = [x, *inner, *recurrent, *[None] * 3, *biases, *[None] * 2, hidden, cell, *[None] * 4]
    options = UnidirectionalSequenceLSTMOptions(Activation.TANH, cell_clip=10.0)
    code = OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM
    return net.op(code, inputs, (batches, steps, units), options, (1 / 128, 0), 3)


def streamed(net: Net, x: Value) -> Value | None:
    """A ring of past inputs in a resource variable: read, joined, cut, and assigned."""
    if not 2 <= len(x.shape) <= 4 or not _has_room(net):
        return None
    handle_options = VarHandleOptions("", f"ring{len(net.b.graph.values)}")
    start = Builder(net.b.model)
    there = start.op(OpCode.VAR_HANDLE, [], (1,), options=handle_options, dtype=DType.RESOURCE)
    first = start.constant(net.rng.integers(-99, 99, x.shape), DType.INT8, x.quant)
    start.ops(OpCode.ASSIGN_VARIABLE, [there, first], [], AssignVariableOptions())
    once = CallOnceOptions(net.b.model.graphs.index(start.graph))
    net.b.ops(OpCode.CALL_ONCE, [], [], once)
    handle = net.b.op(OpCode.VAR_HANDLE, [], (1,), options=handle_options, dtype=DType.RESOURCE)
    options = ReadVariableOptions()
    code = OpCode.READ_VARIABLE
    old = net.b.op(code, [handle], x.shape, options=options, quant=x.quant, dtype=DType.INT8)
    axis = net.pick(*range(1, len(x.shape)))
    long = tuple(2 * n if number == axis else n for number, n in enumerate(x.shape))
    both = net.op(OpCode.CONCATENATION, [old, x], long, ConcatenationOptions(axis), x.quant)
    begin = [0] * len(x.shape)
    begin[axis] = net.pick(0, 1, x.shape[axis])
    cut = [both, net.ints(*begin), net.ints(*x.shape)]
    kept = net.op(OpCode.SLICE, list(cut), x.shape, SliceOptions(), x.quant, 2)
    net.b.ops(OpCode.ASSIGN_VARIABLE, [handle, kept], [], AssignVariableOptions())
    return both if net.rng.random() < 0.5 else old


def counted(net: Net, x: Value) -> Value | None:
    """A sum over runs: the variable is read, added to and assigned, and read again."""
    if not 1 <= len(x.shape) <= 4 or not _has_room(net):
        return None
    options = VarHandleOptions("", f"sum{len(net.b.graph.values)}")
    start = Builder(net.b.model)
    there = start.op(OpCode.VAR_HANDLE, [], (1,), options=options, dtype=DType.RESOURCE)
    zeros = start.constant(np.zeros(x.shape, np.int8), DType.INT8, x.quant)
    start.ops(OpCode.ASSIGN_VARIABLE, [there, zeros], [], AssignVariableOptions())
    once = CallOnceOptions(net.b.model.graphs.index(start.graph))
    net.b.ops(OpCode.CALL_ONCE, [], [], once)
    handle = net.b.op(OpCode.VAR_HANDLE, [], (1,), options=options, dtype=DType.RESOURCE)

    def read() -> Value:
        code, kind = OpCode.READ_VARIABLE, DType.INT8
        read = ReadVariableOptions()
        return net.b.op(code, [handle], x.shape, options=read, quant=x.quant, dtype=kind)

    total = net.op(OpCode.ADD, [read(), x], x.shape, AddOptions(), x.quant)
    net.b.ops(OpCode.ASSIGN_VARIABLE, [handle, total], [], AssignVariableOptions())
    return read() if net.rng.random() < 0.5 else total


def branched(net: Net, x: Value) -> Value | None:
    """IF over an input: two subgraphs of a few layers of the same shape."""
    if not _has_room(net):
        return None
    condition = net.b.input((1,), DType.BOOL, None)
    first = len(net.b.model.graphs)
    net.kind = x.dtype
    quant = net.quant()
    for _ in range(2):
        inner = Net(net.rng, Builder(net.b.model), kind=x.dtype)
        y = inner.b.input(x.shape, x.dtype, x.quant)
        for _ in range(net.pick(1, 2, 3)):
            y = inner.op(OpCode.LOGISTIC, [y], x.shape, None, inner.unit(), 1)
        inner.b.output(inner.op(OpCode.QUANTIZE, [y], x.shape, None, quant))
    options = IfOptions(first, first + 1)
    return net.b.op(OpCode.IF, [condition, x], x.shape, options=options, quant=quant, dtype=x.dtype)


def looped(net: Net, x: Value) -> Value | None:
    """WHILE with a counter and a value that every turn changes."""
    if not _has_room(net) or not x.shape:
        return None
    first = len(net.b.model.graphs)
    test = Builder(net.b.model)
    count = test.input((1,), DType.INT32, None)
    test.input(x.shape, quant=x.quant)
    turns = test.constant([net.pick(0, 1, 3)])
    test.output(test.op(OpCode.LESS, [count, turns], (1,), dtype=DType.BOOL))
    body = Net(net.rng, Builder(net.b.model))
    count = body.b.input((1,), DType.INT32, None)
    y = body.b.input(x.shape, quant=x.quant)
    one, add = body.ints(1), AddOptions()
    after = body.b.op(OpCode.ADD, [count, one], (1,), options=add, dtype=DType.INT32)
    y = body.op(OpCode.RELU, [y], x.shape, None, x.quant, 1)
    other = body.b.constant(net.rng.integers(-9, 9, x.shape[-1:]), DType.INT8, x.quant)
    body.b.output(after, body.op(OpCode.ADD, [y, other], x.shape, AddOptions(), x.quant))
    options = WhileOptions(first, first + 1)
    inputs = [net.ints(0), x]
    shapes = [(1,), x.shape]
    found = net.b.ops(OpCode.WHILE, inputs, shapes, options, x.quant, DType.INT8)
    found[0].dtype, found[0].quant = DType.INT32, None
    return found[1]


def _has_room(net: Net) -> bool:
    graphs = net.b.model.graphs
    return net.b.graph is graphs[0] and len(graphs) < MOST_GRAPHS


STATEFUL: tuple[Motif, ...] = (svdf, lstm, streamed, counted, branched, looped)
