"""Mutations that add operators without effect, or write one operator as several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.support.mutation import Mutation, Site, is_data
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import (
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    DequantizeOptions,
    ExpandDimsOptions,
    FullyConnectedOptions,
    PadOptions,
    QuantizeOptions,
    ReducerOptions,
    ReshapeOptions,
    SliceOptions,
    SplitOptions,
    StridedSliceOptions,
)
from tflopt.ir.types import Activation

FUSED = {Activation.RELU: OpCode.RELU, Activation.RELU6: OpCode.RELU6}


def whole_slice(site: Site) -> bool:
    """A SLICE or STRIDED_SLICE that takes everything."""
    x = site.activation(1)
    if x is None or len(x.shape) > 4:
        return False
    readers = site.readers(x)
    before, out = site.first(readers), site.value(x, x.shape)
    zeros = [0] * len(x.shape)
    if site.rng.random() < 0.5:
        inputs = [x, site.constant(zeros), site.constant([-1] * len(x.shape))]
        site.insert(before, OpCode.SLICE, inputs, [out], SliceOptions())
    else:
        ones = [1] * len(x.shape)
        inputs = [x, site.constant(zeros), site.constant(list(x.shape)), site.constant(ones)]
        site.insert(before, OpCode.STRIDED_SLICE, inputs, [out], StridedSliceOptions())
    site.feed(readers, out)
    return True


def empty_pad(site: Site) -> bool:
    """A PAD by nothing."""
    x = site.activation(1)
    if x is None or len(x.shape) > 4:
        return False
    readers = site.readers(x)
    site.feed(readers, site.pad(x, [(0, 0)] * len(x.shape), site.first(readers)))
    return True


def lone_concatenation(site: Site) -> bool:
    """A CONCATENATION of one value."""
    x = site.activation(1)
    if x is None or len(x.shape) > 4:
        return False
    readers = site.readers(x)
    out = site.value(x, x.shape)
    options = ConcatenationOptions(site.rng.randrange(len(x.shape)))
    site.insert(site.first(readers), OpCode.CONCATENATION, [x], [out], options)
    site.feed(readers, out)
    return True


def lone_split(site: Site) -> bool:
    """A SPLIT into one part."""
    x = site.activation(1)
    if x is None or len(x.shape) > 4:
        return False
    readers = site.readers(x)
    out = site.value(x, x.shape)
    inputs = [site.constant(site.rng.randrange(len(x.shape))), x]
    site.insert(site.first(readers), OpCode.SPLIT, inputs, [out], SplitOptions(1))
    site.feed(readers, out)
    return True


def split_and_join(site: Site) -> bool:
    """A SPLIT into two parts that a CONCATENATION joins again."""
    x = site.activation(1)
    if x is None or len(x.shape) > 4:
        return False
    axes = [axis for axis, extent in enumerate(x.shape) if extent % 2 == 0]
    if not axes:
        return False
    axis = site.rng.choice(axes)
    shape = [n // 2 if a == axis else n for a, n in enumerate(x.shape)]
    readers = site.readers(x)
    before, out = site.first(readers), site.value(x, x.shape)
    halves = [site.value(x, shape), site.value(x, shape)]
    site.insert(before, OpCode.SPLIT, [site.constant(axis), x], halves, SplitOptions(2))
    options = ConcatenationOptions(axis)
    site.insert(before, OpCode.CONCATENATION, halves, [out], options)
    site.feed(readers, out)
    return True


def float_pair(site: Site) -> bool:
    """A DEQUANTIZE and a QUANTIZE back to the same parameters."""
    x = site.activation()
    if x is None or x.dtype is not DType.INT8 or x.quant is None:
        return False
    readers = site.readers(x)
    before, real, out = site.first(readers), site.value(x, x.shape), site.value(x, x.shape)
    real.dtype, real.quant = DType.FLOAT32, None
    site.insert(before, OpCode.DEQUANTIZE, [x], [real], DequantizeOptions())
    site.insert(before, OpCode.QUANTIZE, [real], [out], QuantizeOptions(), 1)
    site.feed(readers, out)
    return True


def same_quantize(site: Site) -> bool:
    """A QUANTIZE to the same parameters."""
    x = site.activation()
    if x is None or x.dtype is not DType.INT8 or x.quant is None:
        return False
    readers = site.readers(x)
    out = site.value(x, x.shape)
    site.insert(site.first(readers), OpCode.QUANTIZE, [x], [out], QuantizeOptions())
    site.feed(readers, out)
    return True


def dead_branch(site: Site) -> bool:
    """Operators whose results nobody reads."""
    x = site.activation(1)
    if x is None:
        return False
    before = site.first(site.readers(x))
    dead = site.value(x, x.shape)
    site.insert(before, OpCode.RELU, [x], [dead])
    site.view(dead, (1, *x.shape), before)
    return True


def twin_constant(site: Site) -> bool:
    """A constant twice, in a buffer of its own each."""
    uses = [
        (op, index)
        for op in site.graph.ops
        for index, value in enumerate(op.inputs)
        if value is not None and value.has_data and value.dtype.numpy is not None
    ]
    if not uses:
        return False
    op, index = site.rng.choice(uses)
    value = op.inputs[index]
    assert value is not None
    op.set_input(index, site.constant(value.array(), value.dtype, value.quant))
    return True


def computed_constant(site: Site) -> bool:
    """A constant operand that a RESHAPE or an EXPAND_DIMS of another constant makes."""
    uses = [
        (op, index, value)
        for op in site.graph.ops
        if op.code in (OpCode.ADD, OpCode.MUL, OpCode.SUB, OpCode.MAXIMUM)
        for index, value in enumerate(op.inputs)
        if value is not None and value.has_data and is_data(value) and value.shape[:1] == (1,)
    ]
    if not uses:
        return False
    op, index, value = site.rng.choice(uses)
    flat = site.rng.random() < 0.5
    data = value.array().reshape(-1) if flat else value.array()[0]
    source, out = site.constant(data, value.dtype, value.quant), site.value(value, value.shape)
    if flat:
        options = ReshapeOptions(value.shape)
        inputs = [source, site.constant(list(value.shape))]
        site.insert(op, OpCode.RESHAPE, inputs, [out], options, 1)
    else:
        inputs = [source, site.constant(0)]
        site.insert(op, OpCode.EXPAND_DIMS, inputs, [out], ExpandDimsOptions(), 1)
    op.set_input(index, out)
    return True


def split_pad(site: Site) -> bool:
    """A PAD in two steps."""
    op = site.op(OpCode.PAD)
    if op is None or op.inputs[0] is None or op.inputs[1] is None:
        return False
    table = op.inputs[1].ints()
    if table is None:
        return False
    amounts = np.array(table).reshape(-1, 2)
    part = np.array([[site.rng.randint(0, int(n)) for n in pair] for pair in amounts])
    if not part.any() or not (amounts - part).any():
        return False
    op.set_input(0, site.pad(op.inputs[0], [(int(a), int(b)) for a, b in part], op))
    op.set_input(1, site.constant(amounts - part))
    op.options = PadOptions()
    return True


def nested_concatenation(site: Site) -> bool:
    """A CONCATENATION of which one input is another one."""
    op = site.op(OpCode.CONCATENATION)
    if op is None or not isinstance(op.options, ConcatenationOptions) or len(op.inputs) < 3:
        return False
    values = [value for value in op.inputs if value is not None]
    axis = op.options.axis
    shape = list(values[0].shape)
    shape[axis] += values[1].shape[axis]
    joined = site.value(op.output, shape)
    site.insert(op, OpCode.CONCATENATION, values[:2], [joined], ConcatenationOptions(axis))
    op.set_inputs([joined, *values[2:]])
    return True


def unfused_activation(site: Site) -> bool:
    """An activation behind its operator instead of fused into it."""
    op = site.op(OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D, OpCode.FULLY_CONNECTED)
    fused = Conv2DOptions | DepthwiseConv2DOptions | FullyConnectedOptions
    if op is None or not isinstance(op.options, fused):
        return False
    code = FUSED.get(op.options.fused_activation_function)
    if code is None or op.output.dtype is not DType.INT8:
        return False
    old = op.output
    inner = site.value(old, old.shape)
    op.set_outputs([inner])
    op.options = replace(op.options, fused_activation_function=Activation.NONE)
    site.insert(site.after(op), code, [inner], [old])
    return True


def repeated_activation(site: Site) -> bool:
    """A RELU on what a RELU with the same parameters gave."""
    op = site.op(OpCode.RELU, OpCode.CONV_2D)
    if op is None:
        return False
    fused = isinstance(op.options, Conv2DOptions) and (
        op.options.fused_activation_function in (Activation.RELU, Activation.RELU6)
    )
    if op.code is OpCode.CONV_2D and not fused:
        return False
    old = op.output
    readers = site.readers(old)
    if not readers or old.dtype is not DType.INT8:
        return False
    out = site.value(old, old.shape)
    site.insert(site.first(readers), OpCode.RELU, [old], [out])
    site.feed(readers, out)
    return True


def squeezed_mean(site: Site) -> bool:
    """A MEAN that drops its axes as one that keeps them and a view."""
    op = site.op(OpCode.MEAN)
    if op is None or not isinstance(op.options, ReducerOptions) or op.options.keep_dims:
        return False
    x, axes = op.inputs[0], op.inputs[1]
    assert x is not None
    assert axes is not None
    picked = {axis % len(x.shape) for axis in axes.ints() or ()}
    old = op.output
    kept = site.value(old, [1 if a in picked else n for a, n in enumerate(x.shape)])
    op.set_outputs([kept])
    op.options = replace(op.options, keep_dims=True)
    _view_into(site, kept, old)
    return True


def _view_into(site: Site, x: Value, out: Value) -> None:
    assert x.producer is not None
    inputs = [x, site.constant(list(out.shape))]
    options = ReshapeOptions(out.shape)
    site.insert(site.after(x.producer), OpCode.RESHAPE, inputs, [out], options, 1)


MUTATIONS: dict[str, Mutation] = {
    mutation.__name__.replace("_", "-"): mutation
    for mutation in (
        whole_slice,
        empty_pad,
        lone_concatenation,
        lone_split,
        split_and_join,
        float_pair,
        same_quantize,
        dead_branch,
        twin_constant,
        computed_constant,
        split_pad,
        nested_concatenation,
        unfused_activation,
        repeated_activation,
        squeezed_mean,
    )
}
