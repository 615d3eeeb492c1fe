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
from tflopt.rules.forms.convolution_forms import MOST_PARTS, depthwise_options
from tflopt.rules.forms.expanded_groups import (
    apart_instructions,
    expanded_order,
    grouped_reader,
    with_reader,
)
from tflopt.search.worth import FormRule


class ExpandDepthMultiplier(FormRule):
    """Split a DEPTHWISE_CONV_2D with a multiplier into one per multiple, if that is better.

    The parts have multiplier 1, which CMSIS-NN's fast functions need; a CONCATENATION puts their
    channels behind each other instead of in turns, and the weights of the layer that sums up over
    the channels are put into the same order; a layer with groups, which then lie apart, becomes one
    without, where both together are better than each by itself. Exact: every output channel has the
    same products, bias and multiplier as before, beside products with a weight of zero, and int32
    sums do not depend on their order.
    """

    name: ClassVar[str] = "expand-depth-multiplier"
    number: ClassVar[int] = 54
    rank: ClassVar[int] = 25
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator and reorder the readers' weights."""
        conv = convolution(op)
        if conv is None or conv.depth > 1 or conv.multiplier == 1 or conv.input_c == 1:
            return
        reader = grouped_reader(conv)
        if not conv.is_depthwise and reader is None:
            return  # conv-to-depthwise
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
        if reader is not None:
            self._with_reader(conv, reader, rw)
            return
        readers = readers_of(op.output)
        if readers is None:
            require(False, Why.SHARED("no single reader whose weights could be reordered"), at=op)
            return
        sketch = as_parts(conv)
        choice = self.worth.compare([op], sketch)
        why = choice.why_not(f"{conv.multiplier} DEPTHWISE_CONV_2D and a CONCATENATION")
        require(choice.is_worth_it, why, at=op)
        _graft(rw, op, conv, sketch, readers)

    def _with_reader(self, conv: Convolution, reader: Convolution, rw: Rewriter) -> None:
        """Both become others at once: by itself the one has no reader that could take it."""
        region, sketch = [conv.op, reader.op], with_reader(conv, reader, as_parts(conv))
        choice = self.worth.compare(region, sketch)
        why = choice.why_not(f"{conv.multiplier} DEPTHWISE_CONV_2D and a CONV_2D of one group")
        require(choice.is_worth_it, why, at=conv.op)
        apart = apart_instructions(self.worth, conv, reader)
        slow = apart is not None and (choice.after.instructions or 0) >= apart
        require(not slow, Why.NO_GAIN("other forms of both take fewer instructions"), at=conv.op)
        sketch.graft(rw, reader.op)
        rw.remove(conv.op)


def _graft(rw: Rewriter, op: Op, conv: Convolution, sketch: Sketch, readers: Readers) -> None:
    """The first inner tensor is the operator's output, which the sketch's result replaces."""
    readers.reorder(rw, expanded_order(conv))
    sketch.graft(rw, op)


def as_parts(conv: Convolution) -> Sketch:
    """One depthwise convolution for each multiple, and a CONCATENATION."""
    sketch = Sketch()
    parts = [_part(sketch, conv, number) for number in range(conv.multiplier)]
    output = conv.op.output
    sketch.results[output] = sketch.concatenation(parts, output.shape, 3, output.quant)
    return sketch


def _part(sketch: Sketch, conv: Convolution, number: int) -> Value:
    weights, quant, bias = conv.weights.array(), conv.weights.quant, conv.bias
    if not conv.is_depthwise:
        weights = np.transpose(weights, (3, 1, 2, 0))
    every = slice(number, None, conv.multiplier)
    if quant is not None and quant.is_per_channel:
        quant = Quantization.per_channel(quant.scales[every], 3)
    kernel = sketch.constant(weights[..., every], DType.INT8, quant)
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
