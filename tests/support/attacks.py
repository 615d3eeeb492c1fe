"""Small valid files that once took gigabytes, or for ever."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tflopt.ir import DType, Model, OpCode, Padding
from tflopt.ir.builder import Builder
from tflopt.ir.node import Buffer
from tflopt.ir.options import (
    AddOptions,
    Conv2DOptions,
    GatherOptions,
    IfOptions,
    MulOptions,
    Options,
    UnpackOptions,
)

HUGE = 1 << 30
SIDE = 1 << 14
QUANT = (0.1, 0)
INPUTS: dict[OpCode, tuple[list[object], Options | None, tuple[int, ...]]] = {
    OpCode.BROADCAST_TO: ([[1], [HUGE]], None, (HUGE,)),
    OpCode.RANGE: ([0, HUGE, 1], None, (HUGE,)),
    OpCode.FILL: ([[HUGE], 7], None, (HUGE,)),
    OpCode.TILE: ([[1], [HUGE]], None, (HUGE,)),
    OpCode.MUL: ([np.ones((SIDE, 1)), np.ones((1, SIDE))], MulOptions(), (SIDE, SIDE)),
    OpCode.GATHER: ([np.ones((1, SIDE)), np.zeros(SIDE)], GatherOptions(), (SIDE, SIDE)),
}
"""Operators over constants whose results are large: inputs, options, shape of the result."""


def computed(code: OpCode) -> Model:
    """One of ``INPUTS``, and a reader."""
    b = Builder()
    data, options, shape = INPUTS[code]
    y = b.op(code, [b.constant(np.asarray(each)) for each in data], shape, options=options)
    one = b.input((1,), DType.INT32, None)
    b.output(b.op(OpCode.ADD, [y, one], shape, options=AddOptions(), dtype=DType.INT32))
    return b.model


def many_tiles() -> Model:
    """200 results of 16 MiB each."""
    b, elements = Builder(), 1 << 22
    for _ in range(200):
        tiled = b.op(OpCode.TILE, [b.constant([1]), b.constant([elements])], (elements,))
        one = b.input((1,), DType.INT32, None)
        b.output(b.op(OpCode.ADD, [tiled, one], (elements,), options=AddOptions()))
    return b.model


def repeated_input() -> Model:
    """An input repeated 2^28 times."""
    b = Builder()
    b.output(b.op(OpCode.BROADCAST_TO, [b.input((1,)), b.constant([1 << 28])], (1 << 28,)))
    return b.model


def large_input() -> Model:
    """An input of 256 MiB."""
    b = Builder()
    x = b.input((1 << 28,))
    b.output(b.op(OpCode.RELU, [x], x.shape))
    return b.model


def large_image() -> Model:
    """A convolution over 2 to the 28 pixels, each of which an overlap would look at."""
    b, side = Builder(), 1 << 14
    x = b.input((1, side, side, 1), quant=QUANT)
    weights = b.constant(np.ones((1, 3, 3, 1)), DType.INT8, QUANT)
    options = Conv2DOptions(Padding.SAME, 1, 1)
    b.output(b.op(OpCode.CONV_2D, [x, weights, None], x.shape, options=options, quant=QUANT))
    return b.model


def many_channels() -> Model:
    """Forms with a weight for each of 2 to the 26 channels."""
    b = Builder()
    x = b.input((1, 1, 1, 1 << 26), quant=QUANT)
    y = b.op(OpCode.RELU, [x], x.shape)
    one = b.constant(np.ones((1,)), DType.INT8, QUANT)
    b.output(b.op(OpCode.MUL, [y, one], x.shape, options=MulOptions(), quant=QUANT))
    return b.model


def broadcast_constant() -> Model:
    """A number for each channel, of 2 to the 28 elements."""
    b, side = Builder(), 1 << 13
    x = b.input((1, side, side, 4), quant=QUANT)
    other = b.constant(np.arange(4), DType.INT8, QUANT)
    b.output(b.op(OpCode.MUL, [x, other], x.shape, options=MulOptions(), quant=QUANT))
    return b.model


def unpacked() -> Model:
    """150 outputs of one operator, which die one after another."""
    b, count = Builder(), 150
    x = b.input((count, 4))
    options = UnpackOptions(num=count, axis=0)
    for y in b.ops(OpCode.UNPACK, [x], [(4,)] * count, options):
        b.output(b.op(OpCode.RELU, [y], (4,)))
    return b.model


def nested(levels: int) -> Model:
    """IF operators whose two branches are both the next subgraph: 2 to the ``levels`` runs."""
    model = Model(buffers=[Buffer()])
    for level in range(levels):
        b = Builder(model)
        x, condition = b.input((4,)), b.constant([True], DType.BOOL)
        options = IfOptions(then_subgraph_index=level + 1, else_subgraph_index=level + 1)
        inputs = [condition, x]
        b.output(b.op(OpCode.IF, inputs, (4,), options=options, dtype=x.dtype, quant=x.quant))
    b = Builder(model)
    b.output(b.op(OpCode.RELU, [b.input((4,))], (4,)))
    return model


ATTACKS: dict[str, Callable[[], Model]] = {
    **{code.name: partial(computed, code) for code in INPUTS},
    "many tiles": many_tiles,
    "repeated input": repeated_input,
    "large input": large_input,
    "large image": large_image,
    "many channels": many_channels,
    "broadcast constant": broadcast_constant,
    "unpacked": unpacked,
    "nested": partial(nested, 20),
}
"""Each is optimized within the limits that SECURITY.md states."""
