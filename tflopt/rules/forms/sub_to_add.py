"""Turn SUB of a constant into ADD of its negation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.arith.affine import Affine
from tflopt.arith.binary import add
from tflopt.arith.fixed_point import INT8_MIN
from tflopt.ir import DType, Op, OpCode
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Why, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.constants.remove_identity import EVERY, Pair, pair_of
from tflopt.search.worth import MOST_ELEMENTS, FormRule


class SubToAdd(FormRule):
    """Run SUB of a constant as ADD of its negation, which CMSIS-NN has, if that is better.

    The constant is stored in full where it was broadcast, as CMSIS-NN's ADD doesn't broadcast.
    Exact: SUB computes its multipliers in single precision and ADD in double, so both are
    compared for all 256 inputs and every different constant.
    """

    name: ClassVar[str] = "sub-to-add"
    number: ClassVar[int] = 63
    rank: ClassVar[int] = 140
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.SUB})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        pair = pair_of(op)
        if pair is None or pair.position != 1 or pair.data.shape != op.output.shape:
            return
        small = op.output.elements <= MOST_ELEMENTS
        require(small, "the constant of ADD would be too large", at=op)
        zero_point = negated_zero_point(pair)
        require(is_equal(pair, zero_point), Why.ROUNDS("ADD rounds differently from SUB"), at=op)
        sketch = as_add(pair, zero_point)
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("ADD"), at=op)
        sketch.graft(rw, op)
        rw.prove("enumeration", EVERY.size * pair.constants.size)


def negated_zero_point(pair: Pair) -> int:
    """A zero point with which the negation of every constant fits into int8.

    There always is one, as the constants differ by at most 255.
    """
    largest = int(pair.constants.max()) - int(pair.parts[1].zero_point)
    return max(INT8_MIN, INT8_MIN + largest)


def is_equal(pair: Pair, zero_point: int) -> bool:
    """Whether ADD of the negation gives the same for all inputs and constants."""
    one, two, out = pair.parts
    negated = zero_point - (pair.constants - int(two.zero_point))
    other = Affine.make(two.scale, zero_point)
    return bool((add(EVERY, negated, one, other, out, pair.fused) == pair.outputs()).all())


def as_add(pair: Pair, zero_point: int) -> Sketch:
    """The ADD, of two tensors of the same shape.

    The constant may have more axes than the output, all of them 1.
    """
    sketch, output = Sketch(), pair.op.output
    negated = zero_point - (pair.other.array().astype(np.int64) - int(pair.parts[1].zero_point))
    constant = sketch.constant(
        np.broadcast_to(negated.reshape(negated.shape[-len(output.shape) :]), output.shape),
        DType.INT8,
        (float(pair.parts[1].scale), zero_point),
    )
    sketch.results[output] = sketch.add(
        [sketch.read(pair.data), constant], output.shape, output.quant, pair.fused
    )
    return sketch
