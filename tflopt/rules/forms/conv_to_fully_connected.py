"""Turn a convolution whose kernel covers its whole input into a FULLY_CONNECTED."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.convolution import Convolution, convolution
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.forms.dense_forms import Dense, as_fully_connected, same_multipliers
from tflopt.search.worth import FormRule


class ConvToFullyConnected(FormRule):
    """Run CONV_2D with one window, as large as the input, as FULLY_CONNECTED, if better.

    Exact: input and weights are summed up in the order in which they lie. The multipliers, which
    FULLY_CONNECTED computes in single precision with one weight scale, are compared.
    """

    name: ClassVar[str] = "conv-to-fully-connected"
    number: ClassVar[int] = 61
    rank: ClassVar[int] = 120
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    alike_on_litert: ClassVar[bool] = False
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        conv = convolution(op)
        if conv is None or not conv.is_dense or not conv.is_int8 or not covers(conv):
            return
        quant = conv.weights.quant
        assert quant is not None
        weights = conv.weights.array().reshape(conv.output_c, -1)
        fused = conv.options.fused_activation_function
        dense = Dense(op, conv.data, weights, quant, conv.bias, fused)
        same = same_multipliers(dense)
        require(same, Why.ROUNDS("FULLY_CONNECTED would compute another multiplier"), at=op)
        sketch = as_fully_connected(dense)
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("FULLY_CONNECTED"), at=op)
        sketch.graft(rw, op)


def covers(conv: Convolution) -> bool:
    """One window without padding: kernel and input have the same height and width."""
    one = conv.op.output.shape[1:3] == (1, 1)
    undilated = conv.dilation == (1, 1)
    return one and undilated and conv.weights.shape[1:3] == conv.data.shape[1:3]
