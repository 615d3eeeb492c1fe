"""Indices and copies: ARG_MAX, GATHER_ND, ADD_N, TILE, and SELECT as older converters write it."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.judging.motifs import MOST, Motif, Net
from tflopt.ir import DType, OpCode, Record, Value
from tflopt.ir.options import (
    ConcatenationOptions,
    GatherOptions,
    Options,
    SelectV2Options,
    TileOptions,
)

DEPTH = 3


def chosen(net: Net, x: Value) -> Value | None:
    """``argmax``: an output of the model, or the row of a table that a decoder reads next."""
    if not 1 <= len(x.shape) <= 4 or x.shape[-1] < 1:
        return None
    code = (OpCode.ARG_MAX, OpCode.ARG_MIN)[net.pick(0, 0, 1)]
    inputs = [x, net.b.constant(net.pick(len(x.shape) - 1, -1))]
    index = net.b.op(code, list(inputs), x.shape[:-1], dtype=DType.INT32)
    assert index.producer is not None
    name = "ArgMaxOptions" if code is OpCode.ARG_MAX else "ArgMinOptions"
    index.producer.options = Record(name, {"output_type": DType.INT32.value})
    index.quant = None
    if net.rng.random() < 0.5 and index.shape:
        net.ends.append(index)
        return None
    quant = net.quant()
    table = net.b.constant(net.rng.integers(-128, 128, (x.shape[-1], DEPTH)), DType.INT8, quant)
    shape = (*index.shape, DEPTH)
    return net.op(OpCode.GATHER, [table, index], shape, GatherOptions(0), table.quant)


def picked(net: Net, x: Value) -> Value | None:
    """``gather_nd``: elements or rows by constant indices."""
    if not 2 <= len(x.shape) <= 4 or min(x.shape) < 1:
        return None
    depth, count = net.pick(*range(1, len(x.shape) + 1)), net.pick(1, 2, 5)
    columns = [net.rng.integers(0, size, count) for size in x.shape[:depth]]
    inputs = [x, net.b.constant(np.stack(columns, axis=1))]
    return net.op(OpCode.GATHER_ND, list(inputs), (count, *x.shape[depth:]), None, x.quant, 1)


def added(net: Net, x: Value) -> Value | None:
    """``Add`` of several tensors, all of one quantization: ADD_N."""
    if not x.shape:
        return None
    other = net.op(OpCode.RELU, [x], x.shape, None, x.quant, 1)
    inputs = [(x, other)[net.pick(0, 1)] for _ in range(net.pick(2, 3, 4))]
    return net.op(OpCode.ADD_N, [*inputs, other], x.shape, None, net.quant(), 1)


def tiled(net: Net, x: Value) -> Value | None:
    """``tile`` and ``RepeatVector`` along one axis; TFLM has no TILE: its copies, joined."""
    if not 1 <= len(x.shape) <= 4:
        return None
    axis, factor = net.pick(*range(len(x.shape))), net.pick(2, 2, 3)
    shape = tuple(n * factor if i == axis else n for i, n in enumerate(x.shape))
    if math.prod(shape) > MOST:
        return None
    if net.spelled:
        join = ConcatenationOptions(axis)
        return net.op(OpCode.CONCATENATION, [x] * factor, shape, join, x.quant, 2)
    factors = net.ints(*(factor if i == axis else 1 for i in range(len(x.shape))))
    return net.op(OpCode.TILE, [x, factors], shape, TileOptions(), x.quant, 3)


def selected(net: Net, x: Value) -> Value | None:
    """SELECT with a mask of full shape, of which TFLM has only the second version."""
    if not 1 <= len(x.shape) <= 4:
        return None
    mask = net.b.constant(net.rng.random(x.shape) < 0.5, DType.BOOL)
    low = net.b.constant(np.full(x.shape, net.pick(-128, 5)), DType.INT8, x.quant)
    code, options = OpCode.SELECT, None
    if net.spelled:
        code, options = OpCode.SELECT_V2, SelectV2Options()
    given: Options | None = options
    return net.op(code, [mask, x, low], x.shape, given, x.quant, 1)


LOOKUPS: tuple[Motif, ...] = (chosen, picked, added, tiled, selected)
"""For int8."""
