"""Turn a dilated depthwise kernel into a larger one with zeros."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.convolution import convolution
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.forms.convolution_forms import filled_elements, without_dilation
from tflopt.search.worth import MOST_ELEMENTS, FormRule


class FillDilation(FormRule):
    """Put zeros between the taps of a dilated DEPTHWISE_CONV_2D, if that is better.

    CMSIS-NN's fast functions take no dilation. Exact: the added taps are zero, and SAME padding
    follows from the kernel's extent, which stays the same.
    """

    name: ClassVar[str] = "fill-dilation"
    number: ClassVar[int] = 55
    rank: ClassVar[int] = 60
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.DEPTHWISE_CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        conv = convolution(op)
        if conv is None or conv.dilation == (1, 1):
            return
        require(conv.is_int8, Why.NOT_QUANTIZED("only int8 convolutions are compared"), at=op)
        small = filled_elements(conv) <= MOST_ELEMENTS
        require(small, "the kernel filled with zeros would be too large", at=op)
        sketch = without_dilation(conv)
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("the kernel filled with zeros"), at=op)
        sketch.graft(rw, op)
