"""Elementwise operators with operands of the output's shape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tflopt.ir import Op, OpCode, Options, Value
from tflopt.ir.options import ResizeNearestNeighborOptions
from tflopt.rewrite.sketch import Sketch
from tflopt.search.worth import MOST_ELEMENTS

RESIZE_VERSION = 2
"""The first version of RESIZE_NEAREST_NEIGHBOR that takes int8."""


def spread_forms(op: Op, place: int) -> Iterator[Sketch]:
    """With the operand at ``place`` stored in full, and with it resized."""
    other, shape = op.inputs[place], op.output.shape
    if other is None or op.output.elements > MOST_ELEMENTS or other.extra.sparsity is not None:
        return
    aligned = (1,) * (len(shape) - len(other.shape)) + other.shape[-len(shape) :]
    if other.has_array:
        yield _stored(op, place, other, aligned)
    if len(shape) == 4 and (aligned[0], aligned[3]) == (shape[0], shape[3]):
        yield _resized(op, place, other, aligned)


def _stored(op: Op, place: int, other: Value, aligned: tuple[int, ...]) -> Sketch:
    sketch = Sketch()
    full = np.broadcast_to(other.array().reshape(aligned), op.output.shape)
    return _drawn(sketch, op, place, sketch.constant(full, other.dtype, other.quant))


def _resized(op: Op, place: int, other: Value, aligned: tuple[int, ...]) -> Sketch:
    """Height or width of 1 becomes the output's; the other stays."""
    sketch = Sketch()
    size = sketch.constant(op.output.shape[1:3])
    spread = sketch.op(
        OpCode.RESIZE_NEAREST_NEIGHBOR,
        [sketch.view(sketch.read(other), aligned), size],
        op.output.shape,
        options=ResizeNearestNeighborOptions(),
        version=RESIZE_VERSION,
    )
    return _drawn(sketch, op, place, spread)


def _drawn(sketch: Sketch, op: Op, place: int, full: Value) -> Sketch:
    data = op.operand(1 - place)
    assert isinstance(op.options, Options)
    pair = [sketch.read(data), full] if place else [full, sketch.read(data)]
    output, options, version = op.output, op.options, op.opcode.version
    sketch.results[output] = sketch.op(
        op.code, pair, output.shape, options=options, quant=output.quant, version=version
    )
    return sketch
