"""Run an int8 operator that only requantizes in a kernel that CMSIS-NN has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.arith.accumulator import convolution_multiplier, requantize_accumulator
from tflopt.arith.affine import Affine, affine_of
from tflopt.arith.binary import mul
from tflopt.arith.fixed_point import Ints
from tflopt.facts.clamps import ACTIVATION_OF
from tflopt.facts.tables import EVERY_INT8, table
from tflopt.ir import Activation, DType, Op, OpCode, Padding, Quantization, Value
from tflopt.ir.options import DepthwiseConv2DOptions
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.mean_forms import WIDE
from tflopt.search.worth import MOST_ELEMENTS, FormRule

FUSED = {**ACTIVATION_OF, OpCode.QUANTIZE: Activation.NONE}
ONE = Affine.make(1.0, 0)


@dataclass(frozen=True)
class RequantizeWithKernel(FormRule):
    """Run RELU, RELU6 or QUANTIZE of int8 as MUL by ones or a one-tap depthwise, if better.

    CMSIS-NN has no such operators, and TFLM's take many instructions for each element. Exact: a
    factor of 1 with scale 1 and the fused activation give the same output for all 256 inputs.
    """

    name: ClassVar[str] = "requantize-with-kernel"
    number: ClassVar[int] = 64
    rank: ClassVar[int] = 150
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False
    anchors: ClassVar[frozenset[OpCode]] = frozenset(FUSED)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator by the best form."""
        results, source = table(op), op.input(0)
        before, after = affine_of(source), affine_of(op.output)
        if results is None or source is None or before is None or after is None:
            return
        if source.shape != op.output.shape or not source.elements:
            return
        sketches = list(_forms(op, source, before, after, results))
        require(bool(sketches), "every other kernel rounds differently", at=op)
        sketch, choice = self.worth.best([op], sketches)
        require(choice.is_worth_it, choice.why_not("another kernel"), at=op)
        sketch.graft(rw, op)
        rw.prove("enumeration", EVERY_INT8.size)


def _forms(op: Op, source: Value, before: Affine, after: Affine, results: Ints) -> Iterator[Sketch]:
    fused = FUSED[op.code]
    fits = source.elements <= MOST_ELEMENTS
    if fits and (mul(EVERY_INT8, 1, before, ONE, after, fused) == results).all():
        yield _as_mul(op, source)
    is_image = len(source.shape) == 4 and source.shape[0] == 1
    if (
        is_image
        and source.shape[3] <= MOST_ELEMENTS
        and (_one_tap(before, after, fused) == results).all()
    ):
        yield _as_depthwise(op, source)


def _one_tap(source: Affine, target: Affine, fused: Activation) -> Ints:
    """The output for every input, of a weight of 1 with scale 1."""
    multiplier, shift = convolution_multiplier(source, 1.0, target)
    return requantize_accumulator(
        EVERY_INT8 - int(source.zero_point), multiplier, shift, target, fused
    )


def _as_mul(op: Op, source: Value) -> Sketch:
    """By a constant in full, as CMSIS-NN's MUL doesn't broadcast; equal ones share their bytes."""
    sketch = Sketch()
    ones = sketch.constant(np.ones(source.shape, dtype=np.int8), DType.INT8, (1.0, 0))
    sketch.results[op.output] = sketch.multiply(
        [sketch.read(source), ones], op.output.shape, op.output.quant, FUSED[op.code]
    )
    return sketch


def _as_depthwise(op: Op, source: Value) -> Sketch:
    sketch, channels = Sketch(), source.shape[3]
    ones = np.ones((1, 1, 1, channels), dtype=np.int8)
    weights = sketch.constant(ones, DType.INT8, Quantization.per_tensor(1.0))
    bias = [sketch.constant(np.zeros(channels, dtype=np.int32))] if channels > WIDE else []
    sketch.results[op.output] = sketch.depthwise(
        [sketch.read(source), weights, *bias],
        op.output.shape,
        DepthwiseConv2DOptions(Padding.VALID, 1, 1, 1, FUSED[op.code]),
        op.output.quant,
    )
    return sketch
