"""Turn per-channel weights with equal parameters into per-tensor ones."""

from __future__ import annotations

from typing import ClassVar

from tflopt.ir import Op, OpCode, Quantization
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Rule, Why, require


class PerChannelToPerTensor(Rule):
    """Store one scale where all channels of convolution weights have the same.

    Exact: ``PopulateConvolutionQuantizationParams`` computes every channel's multiplier from
    input, weight and output scale in the same way; with one scale it takes that for every
    channel. Not for FULLY_CONNECTED, whose per-tensor path multiplies the scales in float.
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
        alone = all(use.op is op and use.index == 1 for use in weights.uses)
        require(alone, Why.SHARED("another operator reads the weights"), at=op)
        rw.set_quant(weights, Quantization(quant.scales[:1], quant.zero_point[:1]))
