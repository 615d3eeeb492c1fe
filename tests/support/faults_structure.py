"""Faults in how operators are joined: inputs, axes, order, kinds, options."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tests.support.fault import WINDOWS, Fault, constant, find, put
from tflopt.ir import Model, Op, OpCode
from tflopt.ir.options import (
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    LeakyReluOptions,
    Pool2DOptions,
    ReducerOptions,
)
from tflopt.ir.types import DType, Padding


def sub_swapped(model: Model, rng: random.Random) -> Sequence[Op]:
    """The inputs of SUB exchanged."""
    for op in find(model, rng, OpCode.SUB):
        op.set_inputs(tuple(reversed(op.inputs)))
        return [op]
    return []


def parts_swapped(model: Model, rng: random.Random) -> Sequence[Op]:
    """The first inputs of a CONCATENATION exchanged."""
    for op in find(model, rng, OpCode.CONCATENATION):
        first, second, *rest = op.inputs if len(op.inputs) > 1 else (None, None)
        if first is not second and first is not None and second is not None:
            op.set_inputs((second, first, *rest))
            return [op]
    return []


def one_input_twice(model: Model, rng: random.Random) -> Sequence[Op]:
    """ADD or MUL reads its first input twice."""
    for op in find(model, rng, OpCode.ADD, OpCode.MUL, OpCode.MAXIMUM):
        first, second = op.inputs[:2]
        if first is None or second is None or first.shape != second.shape or first is second:
            continue
        op.set_inputs((first, first))
        return [op]
    return []


def axis_wrong(model: Model, rng: random.Random) -> Sequence[Op]:
    """CONCATENATION or a reduction along another axis of the same extent."""
    for op in find(model, rng, OpCode.CONCATENATION, OpCode.MEAN):
        if isinstance(op.options, ConcatenationOptions):
            x, axis = op.inputs[0], op.options.axis
            others = [a for a in range(1, len(op.output.shape)) if a != axis % len(op.output.shape)]
            fits = [a for a in others if x is not None and _joined(op, a) == op.output.shape]
            if fits:
                op.options = replace(op.options, axis=rng.choice(fits))
                return [op]
        elif isinstance(op.options, ReducerOptions):
            x, axes = op.inputs[0], constant(op, 1)
            if x is None or axes is None or axes.size != 1:
                continue
            own = int(axes.reshape(-1)[0]) % len(x.shape)
            fits = [a for a, n in enumerate(x.shape) if a != own and n == x.shape[own]]
            if fits:
                put(op, 1, np.array([rng.choice(fits)], axes.dtype))
                return [op]
    return []


def _joined(op: Op, axis: int) -> tuple[int, ...]:
    shapes = [value.shape for value in op.inputs if value is not None]
    total = sum(shape[axis] for shape in shapes)
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])


def perm_wrong(model: Model, rng: random.Random) -> Sequence[Op]:
    """A TRANSPOSE with the inverse permutation, where that has the same shape, or none at all."""
    for op in find(model, rng, OpCode.TRANSPOSE):
        perm, x = constant(op, 1), op.inputs[0]
        if perm is None or x is None:
            continue
        order = [int(a) for a in perm]
        for _ in range(20):
            other = rng.sample(order, len(order))
            same_shape = tuple(x.shape[a] for a in other) == op.output.shape
            if same_shape and _longer(other, x.shape) != _longer(order, x.shape):
                put(op, 1, np.array(other, perm.dtype))
                return [op]
    return []


def _longer(order: Sequence[int], shape: Sequence[int]) -> list[int]:
    """Without the axes of one element, whose place changes nothing."""
    return [axis for axis in order if shape[axis] != 1]


def view_for_transpose(model: Model, rng: random.Random) -> Sequence[Op]:
    """A RESHAPE in place of a TRANSPOSE."""
    for op in find(model, rng, OpCode.TRANSPOSE):
        put(op, 1, np.array(op.output.shape, np.int32))
        op.opcode, op.options = model.opcode(OpCode.RESHAPE), None
        return [op]
    return []


def slice_off_by_one(model: Model, rng: random.Random) -> Sequence[Op]:
    """A SLICE begins one element later or earlier."""
    for op in find(model, rng, OpCode.SLICE, OpCode.STRIDED_SLICE):
        begin, x = constant(op, 1), op.inputs[0]
        if begin is None or x is None or x.dtype is not DType.INT8:
            continue
        for axis, (start, extent) in enumerate(zip(begin.tolist(), x.shape, strict=True)):
            kept = op.output.shape[axis] if len(op.output.shape) == len(x.shape) else extent
            moved = [s for s in (start - 1, start + 1) if s >= 0 and s + kept <= extent]
            if not moved or kept == extent:
                continue
            table = begin.copy()
            table[axis] = moved[0]
            if op.code is OpCode.STRIDED_SLICE:
                end = constant(op, 2)
                assert end is not None
                ends = end.copy()
                ends[axis] += moved[0] - start
                put(op, 2, ends)
            put(op, 1, table)
            return [op]
    return []


def dilation_dropped(model: Model, rng: random.Random) -> Sequence[Op]:
    """A dilated window is taken for a dense one, where the shape stays."""
    for op in find(model, rng, *WINDOWS):
        options = op.options
        if not isinstance(options, Conv2DOptions | DepthwiseConv2DOptions):
            continue
        dilated = options.dilation_w_factor > 1 or options.dilation_h_factor > 1
        if dilated and options.padding is Padding.SAME:
            op.options = replace(options, dilation_w_factor=1, dilation_h_factor=1)
            return [op]
    return []


def pool_for_mean(model: Model, rng: random.Random) -> Sequence[Op]:
    """AVERAGE_POOL_2D in place of MEAN, which rounds differently."""
    for op in find(model, rng, OpCode.MEAN):
        x, axes = op.inputs[0], op.inputs[1]
        if x is None or axes is None or axes.ints() != (1, 2) or len(x.shape) != 4:
            continue
        old = op.output
        op.set_inputs([x])
        op.opcode = model.opcode(OpCode.AVERAGE_POOL_2D, 2)
        op.options = Pool2DOptions(Padding.VALID, 1, 1, x.shape[2], x.shape[1])
        old.shape = (x.shape[0], 1, 1, x.shape[3]) if not old.is_graph_output else old.shape
        old.quant = x.quant if not old.is_graph_output else old.quant
        return [op, *old.users]
    return []


def pool_wrong(model: Model, rng: random.Random) -> Sequence[Op]:
    """MAX_POOL_2D in place of AVERAGE_POOL_2D, or the reverse."""
    kinds = {
        OpCode.MAX_POOL_2D: OpCode.AVERAGE_POOL_2D,
        OpCode.AVERAGE_POOL_2D: OpCode.MAX_POOL_2D,
    }
    for op in find(model, rng, *kinds):
        op.opcode = model.opcode(kinds[op.code], 2)
        return [op]
    return []


def slope_wrong(model: Model, rng: random.Random) -> Sequence[Op]:
    """LEAKY_RELU with another slope."""
    for op in find(model, rng, OpCode.LEAKY_RELU):
        if isinstance(op.options, LeakyReluOptions):
            op.options = LeakyReluOptions(op.options.alpha * 1.5)
            return [op]
    return []


def operand_mirrored(model: Model, rng: random.Random) -> Sequence[Op]:
    """A constant operand of ADD or MUL in the wrong order."""
    for op in find(model, rng, OpCode.ADD, OpCode.MUL, OpCode.SUB):
        for index in range(len(op.inputs)):
            data = constant(op, index)
            if data is None or data.size < 2:
                continue
            other = data.reshape(-1)[::-1].reshape(data.shape)
            if not np.array_equal(other, data):
                put(op, index, other)
                return [op]
    return []


def outputs_swapped(model: Model, rng: random.Random) -> Sequence[Op]:
    """Two outputs of one type and shape exchanged."""
    outputs = model.main.outputs
    for i in range(len(outputs)):
        for j in range(i):
            one, two = outputs[j], outputs[i]
            same = one.shape == two.shape and one.dtype is two.dtype
            if same and one.producer is not None and two.producer is not None:
                outputs[j], outputs[i] = two, one
                return [one.producer, two.producer]
    return []


def state_kept(model: Model, rng: random.Random) -> Sequence[Op]:
    """A variable is assigned what was read from it."""
    for op in find(model, rng, OpCode.ASSIGN_VARIABLE):
        handle, value = op.inputs[:2]
        if handle is None or value is None:
            continue
        reads = [user for user in handle.users if user.code is OpCode.READ_VARIABLE]
        if reads and reads[0].output is not value and reads[0].output.shape == value.shape:
            op.set_input(1, reads[0].output)
            return [op]
    return []


FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        sub_swapped,
        parts_swapped,
        one_input_twice,
        axis_wrong,
        perm_wrong,
        view_for_transpose,
        slice_off_by_one,
        dilation_dropped,
        pool_for_mean,
        pool_wrong,
        slope_wrong,
        operand_mirrored,
        outputs_swapped,
        state_kept,
    )
}
