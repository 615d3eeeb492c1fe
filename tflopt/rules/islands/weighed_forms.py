"""Int8 forms of an island over one tensor that may take more than its float operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tflopt.arith.accumulator import convolution_multiplier, requantize_accumulator
from tflopt.arith.affine import LIMITS, Affine, affine_of
from tflopt.arith.binary import mul
from tflopt.arith.fixed_point import Ints
from tflopt.facts.biases import bias_quantization
from tflopt.facts.clamps import reachable
from tflopt.facts.tables import (
    LOGISTIC_OUTPUT,
    TANH_OUTPUT,
    at,
    compose,
    product_is_defined,
    requantized_table,
    unary_table,
)
from tflopt.ir import Activation, DType, OpCode, Padding, Quantization, Value
from tflopt.ir.options import DepthwiseConv2DOptions
from tflopt.rewrite import Reason, Why
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.islands.island_forms import Form, reference_of
from tflopt.rules.islands.islands import Island, Leaf, is_known_by_ends
from tflopt.search.worth import MOST_ELEMENTS

SIGMOIDS = {OpCode.LOGISTIC: LOGISTIC_OUTPUT, OpCode.TANH: TANH_OUTPUT}
FACTOR, FACTOR_SCALE = 127, (1 / 128, -1)
"""128 times 1/128. A product of 15 bits is rounded once to its last bit, where QUANTIZE rounds
eight bits twice."""
WEIGHT, WEIGHT_SCALE = 64, 1 / 64
VERSION = 2
Draw = Callable[[Sketch, Value], Value]


@dataclass(frozen=True)
class Candidate:
    """What a form gives for each value of the tensor, for both precisions, and how to draw it."""

    table: Ints
    draw: Draw


def weigh(island: Island, leaf: Leaf, out: Value) -> tuple[list[Sketch], Reason]:
    """The forms that give what the island gives once it is quantized as ``out``.

    Without any, how far the nearest is from it, in words.
    """
    target = affine_of(out)
    assert target is not None
    if not is_known_by_ends(island):
        return [], Why.OTHER("what it makes of a C library's function isn't known by its ends")
    reference = reference_of(island, [leaf], target)
    if reference is None:
        return [], Why.OTHER("its values leave 32 bits when they are quantized")
    weighed = [
        (reference.distance(Form((), candidate.table)), candidate)
        for candidate in candidates(island, leaf, out)
    ]
    if not weighed:
        return [], Why.NOT_QUANTIZED("no int8 operator takes these scales")
    equal = [
        _drawn(candidate, leaf, out) for distance, candidate in weighed if distance.largest == 0
    ]
    nearest = min((distance for distance, _ in weighed), key=lambda distance: distance.rank)
    return equal, nearest.reason(Why.ROUNDS, "every int8 form rounds differently from the floats")


def _drawn(candidate: Candidate, leaf: Leaf, out: Value) -> Sketch:
    sketch = Sketch()
    sketch.results[out] = candidate.draw(sketch, sketch.read(leaf.value))
    return sketch


def candidates(island: Island, leaf: Leaf, out: Value) -> Iterator[Candidate]:
    """Forms between the quantization of the leaf and that of ``out``."""
    source, target, quant = leaf.params, affine_of(out), out.quant
    assert target is not None
    assert quant is not None
    values = reachable(leaf.value)
    codes = dict.fromkeys(op.code for op in island.bounded)
    for code in codes.keys() & SIGMOIDS.keys():
        yield from _sigmoids(code, source, quant, values)
    factor = Affine.make(*FACTOR_SCALE)
    fits = not codes and product_is_defined(source, factor, target)
    for fused in LIMITS if fits else ():
        if leaf.value.elements <= MOST_ELEMENTS:
            table = mul(values, FACTOR, source, factor, target, fused)
            yield Candidate(np.stack([table, table]), _product(quant, fused))
        is_image = len(leaf.value.shape) == 4 and leaf.value.shape[0] == 1
        if is_image and leaf.value.shape[3] <= MOST_ELEMENTS:
            yield Candidate(_one_tap(values, source, target, fused), _depthwise(quant, fused))


def _sigmoids(
    code: OpCode, source: Affine, quant: Quantization, values: Ints
) -> Iterator[Candidate]:
    """LOGISTIC or TANH, whose output has one scale, and a QUANTIZE to another."""
    target, middle = Affine.make(*quant.scalar()), Affine.make(*SIGMOIDS[code])
    between = Quantization.per_tensor(*SIGMOIDS[code])
    direct = unary_table(code, None, source, target)
    first = unary_table(code, None, source, middle)
    second = requantized_table(middle, target)

    def draw(sketch: Sketch, x: Value, given: Quantization = quant) -> Value:
        return sketch.op(code, [x], x.shape, quant=given, version=VERSION)

    def both(sketch: Sketch, x: Value) -> Value:
        return sketch.quantize(draw(sketch, x, between), quant)

    if direct is not None:
        yield Candidate(at(direct, values), draw)
    elif first is not None and second is not None:
        yield Candidate(at(compose(first, second), values), both)


def _product(quant: Quantization, fused: Activation) -> Draw:
    """MUL by a constant in full, as CMSIS-NN's doesn't broadcast."""

    def draw(sketch: Sketch, x: Value) -> Value:
        numbers = np.full(x.shape, FACTOR, dtype=np.int8)
        factor = sketch.constant(numbers, DType.INT8, FACTOR_SCALE)
        return sketch.multiply([x, factor], x.shape, quant, fused)

    return draw


def _one_tap(values: Ints, source: Affine, target: Affine, fused: Activation) -> Ints:
    multiplier, shift = convolution_multiplier(source, WEIGHT_SCALE, target)
    sums = WEIGHT * (values - source.zero_point)
    table = requantize_accumulator(sums, multiplier, shift, target, fused)
    return np.stack([table, table])


def _depthwise(quant: Quantization, fused: Activation) -> Draw:
    """DEPTHWISE_CONV_2D with a window of one element."""

    def draw(sketch: Sketch, x: Value) -> Value:
        channels = x.shape[3]
        numbers = np.full((1, 1, 1, channels), WEIGHT, dtype=np.int8)
        weights = sketch.constant(numbers, DType.INT8, Quantization.per_tensor(WEIGHT_SCALE))
        bias = sketch.constant(np.zeros(channels), DType.INT32, bias_quantization(x, weights))
        options = DepthwiseConv2DOptions(Padding.VALID, 1, 1, 1, fused)
        return sketch.depthwise([x, weights, bias], x.shape, options, quant)

    return draw
