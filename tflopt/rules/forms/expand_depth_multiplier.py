"""Turn a depthwise convolution with a multiplier into several without."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.facts.biases import part_of
from tflopt.facts.convolution import Convolution, convolution
from tflopt.ir import DType, Op, OpCode, Quantization, Value
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.channel_order import Readers, readers_of
from tflopt.rules.forms.convolution_forms import depthwise_options
from tflopt.search.worth import FormRule

MOST_PARTS = 10
"""Inputs that TFLM's CONCATENATION takes."""


class ExpandDepthMultiplier(FormRule):
    """Split a DEPTHWISE_CONV_2D with a multiplier into one per multiple, if that is better.

    The parts have multiplier 1, which CMSIS-NN's fast functions need; a CONCATENATION puts their
    channels behind each other instead of in turns, and the weights of the layer that sums up over
    the channels are put into the same order. Exact: every output channel has the same products,
    bias and multiplier as before, and int32 sums do not depend on their order.
    """

    name: ClassVar[str] = "expand-depth-multiplier"
    number: ClassVar[int] = 54
    rank: ClassVar[int] = 50
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.DEPTHWISE_CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator and reorder the readers' weights."""
        conv = convolution(op)
        if conv is None or conv.multiplier == 1 or conv.input_c == 1:
            return
        require(conv.is_int8, Why.NOT_QUANTIZED("only int8 convolutions are compared"), at=op)
        fits = conv.multiplier <= MOST_PARTS
        require(
            fits,
            Why.OTHER(
                "CONCATENATION takes {most} inputs, not {count}",
                most=MOST_PARTS,
                count=conv.multiplier,
            ),
            at=op,
        )
        readers = readers_of(op.output)
        if readers is None:
            require(False, Why.SHARED("no single reader whose weights could be reordered"), at=op)
            return
        sketch = as_parts(conv)
        choice = self.worth.compare([op], sketch)
        why = choice.why_not(f"{conv.multiplier} DEPTHWISE_CONV_2D and a CONCATENATION")
        require(choice.is_worth_it, why, at=op)
        _graft(rw, op, conv, sketch, readers)


def _graft(rw: Rewriter, op: Op, conv: Convolution, sketch: Sketch, readers: Readers) -> None:
    """The first inner tensor is the operator's output, which the sketch's result replaces."""
    order = np.arange(conv.output_c).reshape(-1, conv.multiplier).T.reshape(-1)
    readers.reorder(rw, order)
    sketch.graft(rw, op)


def as_parts(conv: Convolution) -> Sketch:
    """One depthwise convolution for each multiple, and a CONCATENATION."""
    sketch = Sketch()
    parts = [_part(sketch, conv, number) for number in range(conv.multiplier)]
    output = conv.op.output
    sketch.results[output] = sketch.concatenation(parts, output.shape, 3, output.quant)
    return sketch


def _part(sketch: Sketch, conv: Convolution, number: int) -> Value:
    weights, quant, bias = conv.weights, conv.weights.quant, conv.bias
    every = slice(number, None, conv.multiplier)
    if quant is not None and quant.is_per_channel:
        quant = Quantization.per_channel(quant.scales[every], 3)
    kernel = sketch.constant(weights.array()[..., every], DType.INT8, quant)
    offset = []
    if bias is not None:
        kept = part_of(bias.quant, every)
        offset = [sketch.constant(bias.array()[every], DType.INT32, kept)]
    shape = (*conv.op.output.shape[:3], conv.input_c)
    return sketch.depthwise(
        [sketch.read(conv.data), kernel, *offset],
        shape,
        depthwise_options(conv, 1),
        conv.op.output.quant,
    )
