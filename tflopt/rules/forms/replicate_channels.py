"""Let a producer emit its channels several times, so that a depthwise has no multiplier."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.facts.biases import part_of
from tflopt.facts.convolution import Convolution, convolution
from tflopt.ir import DType, Op, OpCode, Quantization, Value
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.convolution_forms import conv_options, depthwise_options
from tflopt.search.worth import FormRule


class ReplicateChannels(FormRule):
    """Have a CONV_2D emit each channel several times for the depthwise after it, if better.

    The DEPTHWISE_CONV_2D then has multiplier 1, which CMSIS-NN's fast functions need. Exact: the
    copies of a channel have the same weights, bias and scale, so they are equal, and each meets
    the weights of one output channel in the order in which they stand.
    """

    name: ClassVar[str] = "replicate-channels"
    number: ClassVar[int] = 53
    rank: ClassVar[int] = 40
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.DEPTHWISE_CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace both operators."""
        conv = convolution(op)
        if conv is None or conv.multiplier == 1:
            return
        maker = conv.data.producer
        source = None if maker is None else convolution(maker)
        if source is None or maker is None or not source.is_dense:
            return
        require(
            conv.is_int8 and source.is_int8,
            Why.NOT_QUANTIZED("only int8 convolutions are compared"),
            at=op,
        )
        alone = len(conv.data.uses) == 1
        require(
            alone, Why.SHARED("another operator reads the depthwise convolution's input"), at=op
        )
        sketch = as_pair(source, conv)
        choice = self.worth.compare([maker, op], sketch)
        require(choice.is_worth_it, choice.why_not("replicated channels"), at=op)
        sketch.graft(rw, op)
        rw.remove(maker)


def as_pair(source: Convolution, conv: Convolution) -> Sketch:
    """The producer with every channel repeated, and the depthwise with multiplier 1."""
    sketch = Sketch()
    times = conv.multiplier
    data = sketch.convolution(
        [
            sketch.read(source.data),
            sketch.constant(
                np.repeat(source.weights.array(), times, axis=0),
                DType.INT8,
                _repeated(source.weights, times),
            ),
            *_repeated_bias(sketch, source.bias, times),
        ],
        (*conv.data.shape[:3], conv.output_c),
        conv_options(source),
        conv.data.quant,
    )
    sketch.results[conv.op.output] = sketch.depthwise(
        [data, sketch.read(conv.weights), *sketch.read_present(conv.bias)],
        conv.op.output.shape,
        depthwise_options(conv, 1),
        conv.op.output.quant,
    )
    return sketch


def _repeated_bias(sketch: Sketch, bias: Value | None, times: int) -> list[Value]:
    if bias is None:
        return []
    every = np.repeat(np.arange(bias.elements), times)
    numbers = bias.array().reshape(-1)[every]
    return [sketch.constant(numbers, DType.INT32, part_of(bias.quant, every))]


def _repeated(weights: Value, times: int) -> Quantization | None:
    quant = weights.quant
    if quant is None or not quant.is_per_channel:
        return quant
    return Quantization.per_channel(np.repeat(quant.scales, times), 0)
