"""Run a depthwise kernel of one row or column in the function that needs no scratch."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from tflopt.facts.convolution import Convolution, convolution
from tflopt.ir import Op, OpCode
from tflopt.ir.options import DepthwiseConv2DOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, require
from tflopt.rewrite.sketch import Sketch
from tflopt.search.worth import FormRule

DILATED = 2


class DilateFlatKernel(FormRule):
    """Give a DEPTHWISE_CONV_2D with one row or column a dilation across, where arena is short.

    CMSIS-NN's fast function takes scratch for each tap (``arm_depthwise_conv_s8_opt``: 496 bytes
    with MVE, two for each channel with DSP) and no dilation; ``arm_depthwise_conv_s8`` takes
    dilation and no scratch, and many times the instructions: only ``--goal memory`` and limits on
    the arena ask for that. Exact: between taps that are alone in their axis there is nothing to
    leave out, SAME pads alike, and both functions requantize the same int32 sum.
    """

    name: ClassVar[str] = "dilate-flat-kernel"
    number: ClassVar[int] = 101
    rank: ClassVar[int] = 65
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.DEPTHWISE_CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        conv = convolution(op)
        if conv is None or not conv.is_int8 or conv.dilation != (1, 1):
            return
        if 1 not in conv.weights.shape[1:3]:
            return
        sketch = _dilated(conv)
        if not self.worth.may_gain([op], sketch):
            return
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("the kernel without scratch"), at=op)
        sketch.graft(rw, op)


def _dilated(conv: Convolution) -> Sketch:
    options, sketch = conv.op.options, Sketch()
    assert isinstance(options, DepthwiseConv2DOptions)
    if conv.weights.shape[2] == 1:
        across = replace(options, dilation_w_factor=DILATED)
    else:
        across = replace(options, dilation_h_factor=DILATED)
    inputs = [sketch.read(conv.data), sketch.read(conv.weights), *sketch.read_present(conv.bias)]
    output = conv.op.output
    sketch.results[output] = sketch.depthwise(inputs, output.shape, across, output.quant)
    return sketch
