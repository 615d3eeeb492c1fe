"""Shapes that a model computes as it runs, where its dimensions are open (-1 in a signature).

Converters leave the batch open, and then compute shapes from it: SHAPE, GATHER, REDUCE_PROD, PACK,
RESHAPE. What such a RESHAPE gives is stored with a 1 for each dimension that the converter didn't
know, and TFLM takes what is stored (``reshape_common.cc``, tflite-micro 90b983c): a wrong shape.
"""

from __future__ import annotations

from math import prod

import numpy as np

from tflopt.facts.evaluate import evaluate
from tflopt.facts.open_outputs import output_shape
from tflopt.facts.operators import Kind, kind_of
from tflopt.facts.tflm import KERNELS
from tflopt.ir import DType, Graph, Model, Op, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ir.options import FullyConnectedOptions

Known = dict[Value, Array]
LIMIT = 1 << 31
INTEGERS = (DType.INT32, DType.INT64)
DEPENDING = (OpCode.SHAPE, OpCode.RANK, OpCode.SPACE_TO_BATCH_ND)
"""What makes other dimensions of an open one: the last multiplies the batch, for dilation."""
ELEMENTWISE = (Kind.UNARY, Kind.BINARY, Kind.COMPARISON)


def settle(model: Model) -> bool:
    """Give every tensor the shape that it has with each open dimension taken as 1.

    Only where the model computes shapes, or makes a batch of space, and stores others than it
    computes or computes them with operators that TFLM lacks; its signatures then say that no
    dimension is open any more. Returns whether that was so.
    """
    settled = [_settle(graph) for graph in model.graphs if _computes_shapes(graph)]
    if not any(settled):
        return False
    model.settled = True
    for graph in model.graphs:
        for value in graph.values:
            if is_open(value):
                value.extra.shape_signature = value.shape
    return True


def is_open(value: Value) -> bool:
    """Whether a tensor has a dimension of any size, which TFLM takes as 1."""
    return -1 in (value.extra.shape_signature or ())


def _computes_shapes(graph: Graph) -> bool:
    open_ones = any(is_open(value) for value in graph.inputs)
    return open_ones and any(op.code in DEPENDING for op in graph.ops)


def _settle(graph: Graph) -> bool:
    """Whether shapes changed, or TFLM lacks an operator that computes one."""
    known: Known = {}
    needed = False
    for op in graph.ops:
        numbers = _numbers(op, known)
        if numbers is not None:
            known[op.outputs[0]] = numbers
            needed |= op.code not in KERNELS
        shape = _shape(op, known)
        if shape is not None and shape != op.outputs[0].shape:
            op.outputs[0].shape = shape
            needed = True
    return needed


def _numbers(op: Op, known: Known) -> Array | None:
    """The integers that an operator computes from shapes, None where they aren't known."""
    if len(op.outputs) != 1 or op.outputs[0].dtype not in INTEGERS:
        return None
    output, source = op.outputs[0], op.input(0)
    if source is not None and op.code is OpCode.SHAPE:
        return np.asarray(source.shape, output.dtype.numpy)
    arrays = [_array(value, known) for value in op.inputs]
    present = [array for array in arrays if array is not None]
    if not present or len(present) < len(arrays):
        return None
    results = evaluate(op, present)
    return None if results is None else results[0]


def _array(value: Value | None, known: Known) -> Array | None:
    if value is None or value in known:
        return None if value is None else known[value]
    plain = value.has_data and value.dtype in INTEGERS and value.extra.sparsity is None
    return value.array() if plain else None


def _shape(op: Op, known: Known) -> tuple[int, ...] | None:
    """The shape of an operator's output, None where this module doesn't know it."""
    if len(op.outputs) != 1 or op.outputs[0] in known or not is_open(op.outputs[0]):
        return None
    source, kind = op.input(0), kind_of(op)
    if source is None:
        return None
    if op.code in (OpCode.RESHAPE, OpCode.BROADCAST_TO, OpCode.FILL):
        return _asked(op, known, source)
    if op.code is OpCode.FULLY_CONNECTED:
        return _dense(op, source)
    if kind in ELEMENTWISE or op.code is OpCode.SOFTMAX:
        return _joined([value.shape for value in op.inputs if value is not None])
    axes = op.input(1)
    order = None if axes is None or op.code is not OpCode.TRANSPOSE else axes.ints()
    if order is not None and sorted(order) == list(range(len(source.shape))):
        return tuple(source.shape[axis] for axis in order)
    return output_shape(op)


def _asked(op: Op, known: Known, source: Value) -> tuple[int, ...] | None:
    """The shape that an operand asks for; one -1 in a RESHAPE takes what is left."""
    operand = op.input(0 if op.code is OpCode.FILL else 1)
    array = _array(operand, known)
    if array is None:
        return None
    shape = [int(extent) for extent in array.reshape(-1)]
    if op.code is OpCode.RESHAPE and shape.count(-1) == 1:
        rest = prod(extent for extent in shape if extent != -1)
        if not rest or source.elements % rest:
            return None
        shape[shape.index(-1)] = source.elements // rest
    return None if any(not 0 <= extent < LIMIT for extent in shape) else tuple(shape)


def _dense(op: Op, source: Value) -> tuple[int, ...] | None:
    weights, options = op.input(1), op.options
    if weights is None or len(weights.shape) != 2 or not weights.shape[1]:
        return None
    if isinstance(options, FullyConnectedOptions) and options.keep_num_dims:
        return (*source.shape[:-1], weights.shape[0])
    return (source.elements // weights.shape[1], weights.shape[0])


def _joined(shapes: list[tuple[int, ...]]) -> tuple[int, ...] | None:
    try:
        return tuple(int(extent) for extent in np.broadcast_shapes(*shapes))
    except ValueError:
        return None


def open_inputs(model: Model) -> list[str]:
    """Which inputs leave a dimension other than the batch open, in words."""
    notes = []
    for index, value in enumerate(model.main.inputs):
        axes = [
            axis
            for axis, extent in enumerate(value.extra.shape_signature or ())
            if extent == -1 and axis > 0
        ]
        if axes:
            which = " and ".join(f"dimension {axis}" for axis in axes)
            verb = "is" if len(axes) == 1 else "are"
            notes.append(f"{which} of input {index} {verb} open (-1), which TFLM takes as 1")
    return notes
