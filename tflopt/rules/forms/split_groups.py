"""Turn a convolution with groups into one convolution for each group."""

from __future__ import annotations

from typing import ClassVar

from tflopt.data import dataclass
from tflopt.facts.convolution import Convolution, convolution
from tflopt.ir import DType, Op, OpCode, Quantization, Value
from tflopt.ir.options import SplitOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.convolution_forms import conv_options
from tflopt.rules.forms.expand_depth_multiplier import MOST_PARTS
from tflopt.search.worth import FormRule


@dataclass(frozen=True)
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
        found = convolution(op)
        if found is None or found.groups == 1:
            return
        require(found.is_int8, Why.NOT_QUANTIZED("only int8 convolutions are compared"), at=op)
        few = found.groups <= MOST_PARTS
        require(
            few,
            Why.OTHER(
                "CONCATENATION takes {most} inputs, not {count}",
                most=MOST_PARTS,
                count=found.groups,
            ),
            at=op,
        )
        sketch = as_parts(found)
        choice = self.worth.compare([op], sketch)
        require(self.takes(op, choice), choice.why_not(f"{found.groups} CONV_2D"), at=op)
        sketch.graft(rw, op)


def as_parts(found: Convolution) -> Sketch:
    """SPLIT, the convolutions and CONCATENATION."""
    sketch, output = Sketch(), found.op.output
    shape = (*found.data.shape[:3], found.input_c // found.groups)
    slices = sketch.ops(
        OpCode.SPLIT,
        [sketch.constant(3), sketch.read(found.data)],
        [shape] * found.groups,
        SplitOptions(found.groups),
        found.data.quant,
        DType.INT8,
        2,
    )
    parts = [_part(sketch, found, data, number) for number, data in enumerate(slices)]
    sketch.results[output] = sketch.concatenation(parts, output.shape, 3, output.quant)
    return sketch


def _part(sketch: Sketch, found: Convolution, data: Value, number: int) -> Value:
    count = found.output_c // found.groups
    own = slice(number * count, (number + 1) * count)
    quant, bias = found.weights.quant, found.bias
    if quant is not None and quant.is_per_channel:
        quant = Quantization.per_channel(quant.scales[own], 0)
    weights = sketch.constant(found.weights.array()[own], DType.INT8, quant)
    offset = [] if bias is None else [sketch.constant(bias.array()[own])]
    return sketch.convolution(
        [data, weights, *offset],
        (*found.op.output.shape[:3], count),
        conv_options(found),
        found.op.output.quant,
    )
