"""Run an int8 operator that only requantizes in a kernel that CMSIS-NN has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.arith.accumulator import convolution_multiplier, requantize_accumulator
from tflopt.arith.affine import Affine, affine_of
from tflopt.arith.binary import mul
from tflopt.arith.fixed_point import Ints, clamp
from tflopt.config import Config, Runtime
from tflopt.facts.clamps import ACTIVATION_OF
from tflopt.facts.exact_sums import is_off_halves
from tflopt.facts.tables import EVERY_INT8, table
from tflopt.ir import Activation, DType, Op, OpCode, Padding, Quantization, Value
from tflopt.ir.options import DepthwiseConv2DOptions
from tflopt.rewrite import BY_ENUMERATION, Exactness, Reason, Rewriter, Why, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.mean_forms import WIDE
from tflopt.search.worth import MOST_ELEMENTS, FormRule, Worth

FUSED = {**ACTIVATION_OF, OpCode.QUANTIZE: Activation.NONE}
ONE = Affine.make(1.0, 0)


@dataclass(frozen=True)
class RequantizeWithKernel(FormRule):
    """Run RELU, RELU6 or QUANTIZE of int8 as MUL by ones or a one-tap depthwise, if better.

    CMSIS-NN has no such operators, and TFLM's take many instructions for each element. Exact: a
    factor of 1 with scale 1 and the fused activation give the same output for all 256 inputs.

    Where LiteRT loads the file too, RELU only: its default path (XNNPACK) rounds QUANTIZE in a way
    of its own, and leaves RELU between different scales to the integer kernels. MUL must give the
    same in single precision then; the depthwise has a bias without quantization, with which it is
    left to the integer kernels too.
    """

    name: ClassVar[str] = "requantize-with-kernel"
    number: ClassVar[int] = 64
    rank: ClassVar[int] = 150
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False
    anchors: ClassVar[frozenset[OpCode]] = frozenset(FUSED)

    runtime: Runtime = Runtime.BOTH

    @classmethod
    def from_config(cls, config: Config) -> RequantizeWithKernel:
        """The rule for the goal, and for the runtimes that load the file."""
        return cls(Worth.from_config(config), config.runtime)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator by the best form."""
        results, source = table(op), op.input(0)
        before, after = affine_of(source), affine_of(op.output)
        if results is None or source is None or before is None or after is None:
            return
        if source.shape != op.output.shape or not source.elements:
            return
        for_litert = self.runtime is Runtime.BOTH
        sketches = list(_forms(op, source, before, after, results, for_litert))
        require(bool(sketches), _no_form(op, for_litert), at=op)
        sketch, choice = self.worth.best([op], sketches)
        require(choice.is_worth_it, choice.why_not("another kernel"), at=op)
        sketch.graft(rw, op)
        rw.prove("enumeration", EVERY_INT8.size)


def _no_form(op: Op, for_litert: bool) -> Reason:
    if for_litert and op.code is not OpCode.RELU:
        return Why.LITERT("another kernel would round otherwise on LiteRT's default path")
    return Why.OTHER("every other kernel rounds differently")


def _forms(
    op: Op, source: Value, before: Affine, after: Affine, results: Ints, for_litert: bool
) -> Iterator[Sketch]:
    if for_litert and op.code is not OpCode.RELU:
        return
    fused = FUSED[op.code]
    fits = source.elements <= MOST_ELEMENTS
    same = (mul(EVERY_INT8, 1, before, ONE, after, fused) == results).all()
    if fits and same and not (for_litert and not _in_floats(before, after, results)):
        yield _as_mul(op, source)
    is_image = len(source.shape) == 4 and source.shape[0] == 1
    if (
        is_image
        and source.shape[3] <= MOST_ELEMENTS
        and (_one_tap(before, after, fused) == results).all()
    ):
        yield _as_depthwise(op, source, for_litert)


def _in_floats(source: Affine, target: Affine, results: Ints) -> bool:
    """Whether a RELU that is requantized in single precision gives ``results`` too."""
    real = (EVERY_INT8 - source.zero_point) * (source.double / target.double)
    rounded = clamp(np.maximum(np.rint(real), 0) + target.zero_point)
    return bool((rounded == results).all()) and is_off_halves(real)


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


def _as_depthwise(op: Op, source: Value, for_litert: bool) -> Sketch:
    sketch, channels = Sketch(), source.shape[3]
    ones = np.ones((1, 1, 1, channels), dtype=np.int8)
    weights = sketch.constant(ones, DType.INT8, Quantization.per_tensor(1.0))
    needs_bias = channels > WIDE or for_litert
    bias = [sketch.constant(np.zeros(channels, dtype=np.int32))] if needs_bias else []
    sketch.results[op.output] = sketch.depthwise(
        [sketch.read(source), weights, *bias],
        op.output.shape,
        DepthwiseConv2DOptions(Padding.VALID, 1, 1, 1, FUSED[op.code]),
        op.output.quant,
    )
    return sketch
