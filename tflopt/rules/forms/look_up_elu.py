"""Let TFLM's ELU, which is a table, do what other int8 operators do to positive numbers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.arith.affine import affine_of
from tflopt.arith.fixed_point import INT8_MIN, Ints
from tflopt.arith.unary import elu
from tflopt.config import Config, Runtime
from tflopt.facts.clamps import reachable
from tflopt.facts.tables import EVERY_INT8, OF_ONE, at, table
from tflopt.ir import Op, OpCode, Value
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, require
from tflopt.rewrite.sketch import Sketch
from tflopt.search.worth import FormRule


class LookUpElu(FormRule):
    """Run RELU, QUANTIZE and the like of int8 as ELU, if that is better.

    TFLM's int8 ELU looks up a table of 256 bytes that its Prepare fills in: 4 to 8 instructions an
    element, where RELU and QUANTIZE take 50. ELU hands on what isn't negative, rescaled. Exact:
    that is compared for every such value; negative numbers, which rest on the C library, either
    never occur or lie below an output whose zero point is -128, so that all are clamped to it.
    LiteRT's reference kernels have no ELU: with ``--runtime tflm`` only.
    """

    name: ClassVar[str] = "look-up-elu"
    number: ClassVar[int] = 86
    rank: ClassVar[int] = 148
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    anchors: ClassVar[frozenset[OpCode]] = OF_ONE

    @classmethod
    def suits(cls, config: Config) -> bool:
        """Whether TFLM alone must load the result."""
        return config.runtime is Runtime.TFLM

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        source, results = op.input(0), table(op)
        if source is None or results is None or len(op.inputs) != 1:
            return
        if source.shape != op.output.shape or not _is_elu(source, op.output, results):
            return
        sketch, output = Sketch(), op.output
        inputs = [sketch.read(source)]
        sketch.results[output] = sketch.op(OpCode.ELU, inputs, output.shape, quant=output.quant)
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("ELU"), at=op)
        sketch.graft(rw, op)
        rw.prove("enumeration", EVERY_INT8.size)


def _is_elu(source: Value, output: Value, results: Ints) -> bool:
    """Whether ELU gives ``results`` for every value that can occur, on every device."""
    before, after = affine_of(source), affine_of(output)
    if before is None or after is None:
        return False
    values = reachable(source)
    positive = values[values >= before.zero_point]
    negative = values[values < before.zero_point]
    if not bool((at(results, positive) == elu(positive, before, after)).all()):
        return False
    clamped = bool(np.all(at(results, negative) == INT8_MIN)) and int(after.zero_point) == INT8_MIN
    return clamped or not negative.size
