"""Faults in layers: weights, biases, scales, zero points, padding, activations."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tests.support.fault import WEIGHTED, WINDOWS, Fault, constant, find, put
from tflopt.ir import Model, Op, OpCode, Options
from tflopt.ir.node import Array
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions, PadV2Options
from tflopt.ir.types import Activation, DType, Padding


def _weights(model: Model, rng: random.Random, change: Callable[[Array], Array]) -> Sequence[Op]:
    for op in find(model, rng, *WEIGHTED):
        data = constant(op, 1)
        if data is None:
            continue
        other = change(data)
        if other.shape == data.shape and not np.array_equal(other, data):
            put(op, 1, other)
            return [op]
    return []


def pad_shifted(model: Model, rng: random.Random) -> Sequence[Op]:
    """PAD adds one less behind and one more in front, or the reverse."""
    for op in find(model, rng, OpCode.PAD):
        table = constant(op, 1)
        if table is None:
            continue
        pairs = table.copy()
        axis = int(np.argmax(pairs.sum(axis=1)))
        if pairs[axis].sum() == 0:
            continue
        step = 1 if pairs[axis, 1] > 0 else -1
        pairs[axis] += np.array([step, -step], pairs.dtype)
        put(op, 1, pairs)
        return [op]
    return []


def causal_as_same(model: Model, rng: random.Random) -> Sequence[Op]:
    """A PAD in front only is folded into SAME, which pads on both sides."""
    for op in find(model, rng, OpCode.PAD):
        users = op.output.users
        source = op.inputs[0]
        if source is None or not users or any(user.code not in WINDOWS for user in users):
            continue
        for user in users:
            options = user.options
            assert isinstance(options, Conv2DOptions | DepthwiseConv2DOptions)
            user.set_input(0, source)
            user.options = replace(options, padding=Padding.SAME)
        return users
    return []


def zero_point_missed(model: Model, rng: random.Random) -> Sequence[Op]:
    """PAD by the number 0, where the zero point is another number."""
    for op in find(model, rng, OpCode.PAD):
        x, table = op.inputs[0], constant(op, 1)
        if x is None or x.quant is None or x.quant.zero_point is None or table is None:
            continue
        if int(x.quant.zero_point[0]) == 0 or not table.any() or x.dtype is not DType.INT8:
            continue
        op.opcode, op.options = model.opcode(OpCode.PADV2, 2), PadV2Options()
        op.set_inputs([*op.inputs[:2], x])
        put(op, 2, np.zeros((1,), np.int8))
        return [op]
    return []


def zero_point_left_in_bias(model: Model, rng: random.Random) -> Sequence[Op]:
    """A bias without the share that the input's zero point has in it."""
    for op in find(model, rng, *WEIGHTED):
        bias, weights, x = constant(op, 2), constant(op, 1), op.inputs[0]
        if bias is None or weights is None or x is None or x.quant is None:
            continue
        if x.quant.zero_point is None or int(x.quant.zero_point[0]) == 0:
            continue
        axis = tuple(range(3)) if op.code is OpCode.DEPTHWISE_CONV_2D else None
        wide = weights.astype(np.int64)
        sums = wide.sum(axis=axis) if axis else wide.reshape(len(bias), -1).sum(axis=1)
        put(op, 2, (bias + sums * int(x.quant.zero_point[0])).astype(bias.dtype))
        return [op]
    return []


def bias_of_next_channel(model: Model, rng: random.Random) -> Sequence[Op]:
    """Biases moved by one channel."""
    for op in find(model, rng, *WEIGHTED):
        bias = constant(op, 2)
        if bias is not None and bias.size > 1 and len(set(bias.tolist())) > 1:
            put(op, 2, np.roll(bias, 1))
            return [op]
    return []


def bias_dropped(model: Model, rng: random.Random) -> Sequence[Op]:
    """No bias."""
    for op in find(model, rng, *WEIGHTED):
        bias = constant(op, 2)
        if bias is not None and bias.any():
            put(op, 2, np.zeros_like(bias))
            return [op]
    return []


def weights_transposed(model: Model, rng: random.Random) -> Sequence[Op]:
    """Height and width of a kernel exchanged, or rows and columns of a matrix."""
    return _weights(model, rng, lambda w: w.transpose(0, 2, 1, 3) if w.ndim == 4 else w.T)


def weights_mirrored(model: Model, rng: random.Random) -> Sequence[Op]:
    """A kernel the other way round."""
    return _weights(model, rng, lambda w: w[:, ::-1, ::-1] if w.ndim == 4 else w[:, ::-1])


def weights_of_next_channel(model: Model, rng: random.Random) -> Sequence[Op]:
    """Output channels moved by one; for depthwise the last axis."""
    return _weights(model, rng, lambda w: np.roll(w, 1, axis=-1 if w.shape[0] == 1 else 0))


def one_weight_off(model: Model, rng: random.Random) -> Sequence[Op]:
    """One weight is off by one."""

    def change(weights: Array) -> Array:
        other = weights.astype(np.int16)
        place = rng.randrange(other.size)
        flat = other.reshape(-1)
        flat[place] += 1 if flat[place] < 127 else -1
        return other.astype(weights.dtype)

    return _weights(model, rng, change)


def scales_of_next_channel(model: Model, rng: random.Random) -> Sequence[Op]:
    """Per-channel scales moved by one channel."""
    for op in find(model, rng, *WINDOWS):
        weights = op.inputs[1]
        if weights is None or weights.quant is None or weights.quant.scale is None:
            continue
        scale = weights.quant.scale
        if len(set(scale.tolist())) > 1:
            weights.quant = replace(weights.quant, scale=np.roll(scale, 1))
            return [op]
    return []


def _scaled(model: Model, rng: random.Random, factor: float) -> Sequence[Op]:
    for op in find(model, rng, *WEIGHTED):
        weights, bias = op.inputs[1], op.input(2)
        if weights is None or weights.quant is None or weights.quant.scale is None:
            continue
        if bias is not None and op.code is OpCode.FULLY_CONNECTED:
            bias.quant = None
        weights.quant = replace(weights.quant, scale=np.float32(weights.quant.scale * factor))
        return [op]
    return []


def shift_off_by_one(model: Model, rng: random.Random) -> Sequence[Op]:
    """The multiplier's shift is off by one: all scales doubled."""
    return _scaled(model, rng, 2.0)


def multiplier_off(model: Model, rng: random.Random) -> Sequence[Op]:
    """The multiplier is off by one part in 256."""
    return _scaled(model, rng, 1 + 1 / 256)


def activation_dropped(model: Model, rng: random.Random) -> Sequence[Op]:
    """No fused activation."""
    return _fused(model, rng, Activation.NONE)


def activation_wrong(model: Model, rng: random.Random) -> Sequence[Op]:
    """RELU_N1_TO_1 for another fused activation."""
    return _fused(model, rng, Activation.RELU_N1_TO_1)


def _fused(model: Model, rng: random.Random, other: Activation) -> Sequence[Op]:
    for op in find(model, rng, *WEIGHTED, OpCode.ADD):
        fused = getattr(op.options, "fused_activation_function", Activation.NONE)
        if fused in (Activation.RELU, Activation.RELU6) and isinstance(op.options, Options):
            fields = {"fused_activation_function": other}
            op.options = replace(op.options, **fields)
            return [op]
    return []


def relu_removed(model: Model, rng: random.Random) -> Sequence[Op]:
    """The readers of an activation or requantization read what it reads."""
    codes = (OpCode.RELU, OpCode.RELU6, OpCode.QUANTIZE, OpCode.LOGISTIC, OpCode.TANH)
    for op in find(model, rng, *codes):
        x = op.inputs[0]
        if x is None or x.dtype is not op.output.dtype or op.output.is_graph_output:
            continue
        users = op.output.users
        for use in op.output.uses:
            if use.op is not None:
                use.op.set_input(use.position, x)
        return users
    return []


FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        pad_shifted,
        causal_as_same,
        zero_point_missed,
        zero_point_left_in_bias,
        bias_of_next_channel,
        bias_dropped,
        weights_transposed,
        weights_mirrored,
        weights_of_next_channel,
        one_weight_off,
        scales_of_next_channel,
        shift_off_by_one,
        multiplier_off,
        activation_dropped,
        activation_wrong,
        relu_removed,
    )
}
