"""Turn a convolution with groups into one convolution for each group."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.biases import part_of
from tflopt.facts.convolution import Convolution, convolution
from tflopt.ir import DType, Op, OpCode, Quantization, Value
from tflopt.ir.options import SplitOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.convolution_forms import MOST_PARTS, conv_options
from tflopt.search.worth import FormRule


class SplitGroups(FormRule):
    """Run a grouped CONV_2D as SPLIT, one CONV_2D for each group, CONCATENATION, if better.

    Exact: each group has the same input channels, weights, bias and multipliers as before, and
    all tensors the same quantization.
    """

    name: ClassVar[str] = "split-groups"
    number: ClassVar[int] = 58
    rank: ClassVar[int] = 90
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        conv = convolution(op)
        if conv is None or conv.groups == 1:
            return
        require(conv.is_int8, Why.NOT_QUANTIZED("only int8 convolutions are compared"), at=op)
        fits = conv.groups <= MOST_PARTS
        require(
            fits,
            Why.OTHER(
                "CONCATENATION takes {most} inputs, not {count}",
                most=MOST_PARTS,
                count=conv.groups,
            ),
            at=op,
        )
        sketch = as_parts(conv)
        choice = self.worth.compare([op], sketch)
        require(self.takes(op, choice), choice.why_not(f"{conv.groups} CONV_2D"), at=op)
        sketch.graft(rw, op)


def as_parts(conv: Convolution) -> Sketch:
    """SPLIT, the convolutions and CONCATENATION."""
    sketch, output = Sketch(), conv.op.output
    shape = (*conv.data.shape[:3], conv.input_c // conv.groups)
    slices = sketch.ops(
        OpCode.SPLIT,
        [sketch.constant(3), sketch.read(conv.data)],
        [shape] * conv.groups,
        SplitOptions(conv.groups),
        conv.data.quant,
        DType.INT8,
        2,
    )
    parts = [_part(sketch, conv, data, number) for number, data in enumerate(slices)]
    sketch.results[output] = sketch.concatenation(parts, output.shape, 3, output.quant)
    return sketch


def _part(sketch: Sketch, conv: Convolution, data: Value, number: int) -> Value:
    count = conv.output_c // conv.groups
    own = slice(number * count, (number + 1) * count)
    quant, bias = conv.weights.quant, conv.bias
    if quant is not None and quant.is_per_channel:
        quant = Quantization.per_channel(quant.scales[own], 0)
    weights = sketch.constant(conv.weights.array()[own], DType.INT8, quant)
    offset = []
    if bias is not None:
        kept = part_of(bias.quant, own)
        offset = [sketch.constant(bias.array()[own], DType.INT32, kept)]
    return sketch.convolution(
        [data, weights, *offset],
        (*conv.op.output.shape[:3], count),
        conv_options(conv),
        conv.op.output.quant,
    )
