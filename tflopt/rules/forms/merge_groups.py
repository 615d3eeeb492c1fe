"""Turn a convolution with groups into one without, by weights of zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.facts.convolution import convolution
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.forms.convolution_forms import as_dense
from tflopt.search.worth import FormRule


@dataclass(frozen=True)
class MergeGroups(FormRule):
    """Run a grouped or depthwise convolution as CONV_2D of one group, if that is better.

    The weights of the other groups' channels are zero. Exact: a product with a weight of zero is
    zero whatever the input's zero point, and all else stays the same.
    """

    name: ClassVar[str] = "merge-groups"
    rank: ClassVar[int] = 80
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        found = convolution(op)
        if found is None or found.input_c == 1 or found.is_dense:
            return
        require(found.is_int8, Why.NOT_QUANTIZED("only int8 convolutions are compared"), at=op)
        small = found.dense_weights <= LARGEST
        require(
            small,
            Why.NO_GAIN("one group would take {weights:,} weights", weights=found.dense_weights),
            at=op,
        )
        sketch = as_dense(found)
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("CONV_2D of one group"), at=op)
        sketch.graft(rw, op)


LARGEST = 1 << 18
"""Weights of a layer that is worth a look: wider ones never gain by zeros."""
