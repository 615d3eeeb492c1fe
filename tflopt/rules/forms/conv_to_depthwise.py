"""Turn a CONV_2D with as many groups as input channels into a DEPTHWISE_CONV_2D."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.convolution import convolution
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.forms.convolution_forms import as_depthwise
from tflopt.search.worth import FormRule


class ConvToDepthwise(FormRule):
    """Run CONV_2D as DEPTHWISE_CONV_2D where each group has one input channel, if it is better.

    The groups of a CONV_2D are its input channels divided by its filter's input channels. Exact:
    the same products with the same int32 bias are summed up, the output channels have the same
    order, and ``PopulateConvolutionQuantizationParams`` computes the multipliers of both kernels.
    """

    name: ClassVar[str] = "conv-to-depthwise"
    number: ClassVar[int] = 52
    rank: ClassVar[int] = 30
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        conv = convolution(op)
        if conv is None or conv.groups != conv.input_c:
            return
        require(conv.is_int8, Why.NOT_QUANTIZED("only int8 convolutions are compared"), at=op)
        sketch = as_depthwise(conv)
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("DEPTHWISE_CONV_2D"), at=op)
        sketch.graft(rw, op)
