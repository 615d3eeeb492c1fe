"""Turn per-channel weights with equal parameters into per-tensor ones."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.biases import bias_quantization
from tflopt.ir import Op, OpCode, Quantization, Value
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Rule, Why, require


class PerChannelToPerTensor(Rule):
    """Store one scale where all channels of convolution weights have the same.

    Exact: ``PopulateConvolutionQuantizationParams`` computes every channel's multiplier from
    input, weight and output scale in the same way; with one scale it takes that for every
    channel. Not for FULLY_CONNECTED, whose per-tensor path multiplies the scales in float.

    The bias then has one scale too: LiteRT's default path refuses a file where it has more than
    the weights.
    """

    name: ClassVar[str] = "per-channel-to-per-tensor"
    number: ClassVar[int] = 35
    rank: ClassVar[int] = 330
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Shorten scale and zero point of the weights."""
        weights = op.input(1)
        quant = None if weights is None else weights.quant
        if weights is None or quant is None or not quant.is_per_channel:
            return
        if quant.zero_point is None or not (quant.scales == quant.scales[0]).all():
            return
        require(not quant.zero_point.any(), "the weights have zero points", at=op)
        require(_is_alone(weights, op, 1), Why.SHARED("another operator reads the weights"), at=op)
        bias = op.input(2)
        many = bias is not None and bias.quant is not None and bias.quant.is_per_channel
        told = Why.SHARED("another operator reads the bias")
        require(not many or _is_alone(bias, op, 2), told, at=op)
        rw.set_quant(weights, Quantization(quant.scales[:1], quant.zero_point[:1]))
        if many and bias is not None:
            rw.set_quant(bias, bias_quantization(op.input(0), weights))


def _is_alone(value: Value | None, op: Op, index: int) -> bool:
    return value is not None and all(use.op is op and use.position == index for use in value.uses)
