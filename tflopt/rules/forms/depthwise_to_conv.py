"""Turn a DEPTHWISE_CONV_2D with a depth multiplier into a CONV_2D."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.convolution import convolution
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.forms.convolution_forms import as_grouped
from tflopt.search.worth import FormRule


class DepthwiseToConv(FormRule):
    """Run DEPTHWISE_CONV_2D of one input channel, or with a multiplier, as CONV_2D, if better.

    With several input channels the CONV_2D has as many groups. Exact: both sum up the same
    products with the same int32 bias, and ``PopulateConvolutionQuantizationParams`` computes the
    multipliers of both kernels.
    """

    name: ClassVar[str] = "depthwise-to-conv"
    number: ClassVar[int] = 56
    rank: ClassVar[int] = 70
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.DEPTHWISE_CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        conv = convolution(op)
        if conv is None or (conv.input_c > 1 and conv.multiplier == 1):
            return
        require(conv.is_int8, Why.NOT_QUANTIZED("only int8 convolutions are compared"), at=op)
        sketch = as_grouped(conv)
        choice = self.worth.compare([op], sketch)
        require(self.takes(op, choice), choice.why_not("CONV_2D"), at=op)
        sketch.graft(rw, op)
