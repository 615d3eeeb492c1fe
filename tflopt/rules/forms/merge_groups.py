"""Turn a convolution with groups into one with fewer or none, by weights of zero."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.convolution import convolution
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.forms.convolution_forms import LARGEST, as_dense, wider
from tflopt.search.worth import FormRule


class MergeGroups(FormRule):
    """Run a grouped or depthwise convolution as CONV_2D of one group, or of wide ones, if better.

    The weights of the other groups' channels are zero. Groups of 4, 8 or 16 channels take less
    scratch on MVE than a depthwise kernel, and fewer zeros than one group. Exact: a product with
    a weight of zero is zero whatever the input's zero point, and all else stays the same.
    """

    name: ClassVar[str] = "merge-groups"
    number: ClassVar[int] = 57
    rank: ClassVar[int] = 80
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        conv = convolution(op)
        if conv is None or conv.input_c == 1 or conv.is_dense:
            return
        require(conv.is_int8, Why.NOT_QUANTIZED("only int8 convolutions are compared"), at=op)
        small = conv.dense_weights <= LARGEST
        require(
            small,
            Why.NO_GAIN("one group would take {weights:,} weights", weights=conv.dense_weights),
            at=op,
        )
        sketches = [as_dense(conv, groups) for groups in (1, *wider(conv))]
        hopeful = [sketch for sketch in sketches if self.worth.may_gain([op], sketch)]
        sketch, choice = self.worth.best([op], hopeful or sketches[:1])
        if not choice.is_worth_it and sketch is not sketches[0]:
            choice = self.worth.compare([op], sketches[0])
        require(choice.is_worth_it, choice.why_not("CONV_2D of one group"), at=op)
        sketch.graft(rw, op)
