"""Faults of one step: one number of an optimized model is off by the least that it can be.

Each names the operators that it touches, and says what it changed. Whether any input can show it is
decided in :mod:`tests.support.steps_shown`, apart from the code that looks for such inputs.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tests.support.fault import WEIGHTED, constant, put
from tflopt.arith.fixed_point import Singles
from tflopt.ir import Model, Op, OpCode, Value
from tflopt.ir.options import LeakyReluOptions, PadV2Options, SoftmaxOptions
from tflopt.ir.types import Activation, DType

LAYERS = (*WEIGHTED, OpCode.TRANSPOSE_CONV)
BIAS = {OpCode.TRANSPOSE_CONV: 3}
OPERANDS = (OpCode.ADD, OpCode.MUL, OpCode.SUB, OpCode.PRELU, OpCode.MAXIMUM, OpCode.MINIMUM)
NEXT = {
    Activation.NONE: Activation.RELU,
    Activation.RELU: Activation.RELU6,
    Activation.RELU6: Activation.RELU,
    Activation.RELU_N1_TO_1: Activation.RELU6,
}
Step = Callable[[Op, random.Random], bool]


@dataclass(frozen=True)
class Stepped:
    """What was changed: the kind of step, and the operator by its number."""

    kind: str
    number: int


def bias(op: Op, rng: random.Random) -> bool:
    """One bias is off by one."""
    index = BIAS.get(op.code, 2)
    return op.code in LAYERS and _off_by_one(op, index, rng)


def weight(op: Op, rng: random.Random) -> bool:
    """One weight is off by one."""
    return op.code in LAYERS and _off_by_one(op, 1, rng)


def weight_scale(op: Op, rng: random.Random) -> bool:
    """The scale of one channel of the weights is the next float."""
    value = op.input(1)
    if op.code not in LAYERS or value is None or not value.is_constant:
        return False
    return _next_scale(op, 1, rng)


def operand(op: Op, rng: random.Random) -> bool:
    """One element of a constant that is added, multiplied or compared is off by one."""
    places = [n for n, v in enumerate(op.inputs) if v is not None and v.is_constant]
    return op.code in OPERANDS and bool(places) and _off_by_one(op, places[0], rng)


def zero_point(op: Op, rng: random.Random) -> bool:
    """The zero point of what an operator gives is off by one, for its readers too."""
    value = op.output
    if not _is_inner(value) or value.quant is None or value.quant.zero_point is None:
        return False
    points = value.quant.zero_point
    if points.size != 1 or value.dtype is not DType.INT8 or op.code not in RESCALING:
        return False
    value.quant = replace(value.quant, zero_point=points + (1 if points[0] < 127 else -1))
    return True


def output_scale(op: Op, rng: random.Random) -> bool:
    """The scale of what an operator gives is the next float, for its readers too."""
    value = op.output
    if not _is_inner(value) or value.quant is None or value.quant.count != 1:
        return False
    if value.dtype is not DType.INT8 or op.code not in RESCALING:
        return False
    assert value.quant.scale is not None
    value.quant = replace(value.quant, scale=_next(value.quant.scale, rng))
    return True


def beta(op: Op, rng: random.Random) -> bool:
    """The beta of a SOFTMAX is the next float."""
    if not isinstance(op.options, SoftmaxOptions) or op.code is not OpCode.SOFTMAX:
        return False
    op.options = SoftmaxOptions(float(_next(np.array([op.options.beta], np.float32), rng)[0]))
    return True


def slope(op: Op, rng: random.Random) -> bool:
    """The slope of a LEAKY_RELU is off by one part in 256."""
    if not isinstance(op.options, LeakyReluOptions):
        return False
    op.options = LeakyReluOptions(op.options.alpha * (1 + 1 / 256))
    return True


def table_entry(op: Op, rng: random.Random) -> bool:
    """One entry of a table in which GATHER looks is off by one."""
    value = op.input(0)
    known = op.code is OpCode.GATHER and value is not None and value.dtype is DType.INT8
    return known and _off_by_one(op, 0, rng)


def padding_value(op: Op, rng: random.Random) -> bool:
    """PAD adds what is one beside the zero point."""
    x = op.input(0)
    if op.code is not OpCode.PAD or x is None or x.quant is None or x.dtype is not DType.INT8:
        return False
    amounts = constant(op, 1)
    if x.quant.zero_point is None or amounts is None or not amounts.any():
        return False
    zero = int(x.quant.zero_point[0])
    op.opcode, op.options = op.graph.model.opcode(OpCode.PADV2, 2), PadV2Options()
    op.set_inputs([*op.inputs[:2], x])
    put(op, 2, np.array([zero + 1 if zero < 127 else zero - 1], np.int8))
    return True


def activation(op: Op, rng: random.Random) -> bool:
    """Another fused activation."""
    fused = getattr(op.options, "fused_activation_function", None)
    if fused not in NEXT or op.code not in (*WEIGHTED, OpCode.ADD, OpCode.MUL):
        return False
    op.options = replace(op.options, fused_activation_function=NEXT[fused])  # type: ignore[type-var]
    return True


RESCALING = (*LAYERS, *OPERANDS[:3], OpCode.MEAN, OpCode.QUANTIZE, OpCode.LEAKY_RELU)
STEPS: dict[str, Step] = {
    "bias": bias,
    "weight": weight,
    "weight-scale": weight_scale,
    "operand": operand,
    "zero-point": zero_point,
    "output-scale": output_scale,
    "beta": beta,
    "slope": slope,
    "table-entry": table_entry,
    "padding-value": padding_value,
    "activation": activation,
}


def step(model: Model, kind: str, rng: random.Random) -> Stepped | None:
    """Put a fault of this kind into a model; None where it has no place for one."""
    numbers = list(range(len(model.main.ops)))
    rng.shuffle(numbers)
    for number in numbers:
        if STEPS[kind](model.main.ops[number], rng):
            return Stepped(kind, number)
    return None


def _is_inner(value: Value) -> bool:
    return not value.is_graph_output and all(user.code in LAYERS for user in value.users)


def _off_by_one(op: Op, index: int, rng: random.Random) -> bool:
    data = constant(op, index)
    if data is None or data.dtype not in (np.int8, np.int32) or not data.size:
        return False
    other = data.astype(np.int64)
    flat, place = other.reshape(-1), rng.randrange(other.size)
    limits = np.iinfo(data.dtype.name)
    step = rng.choice((1, -1))
    flat[place] += step if limits.min <= flat[place] + step <= limits.max else -step
    put(op, index, other.astype(data.dtype))
    return True


def _next_scale(op: Op, index: int, rng: random.Random) -> bool:
    value = op.inputs[index]
    if value is None or value.quant is None or value.quant.scale is None:
        return False
    data = constant(op, index)
    assert data is not None
    put(op, index, data)
    fresh, scale = op.inputs[index], value.quant.scale.copy()
    assert fresh is not None
    place = rng.randrange(scale.size)
    scale[place] = _next(scale[place : place + 1], rng)[0]
    fresh.quant = replace(value.quant, scale=scale)
    return True


def _next(scale: Singles, rng: random.Random) -> Singles:
    return np.asarray(np.nextafter(scale, np.float32(rng.choice((0, np.inf)))), np.float32)
