"""A float softmax between DEQUANTIZE and QUANTIZE as the int8 SOFTMAX; not exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.arith import softmax
from tflopt.config import Config
from tflopt.ir import DType, Op, OpCode
from tflopt.ir.options import SoftmaxOptions
from tflopt.rewrite import APPROXIMATE, Exactness, Rewriter, Why, require, required
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.islands.float_softmax import (
    FloatSoftmax,
    find_softmax,
    has_softmax_scale,
    softmax_distance,
    stays_in_range,
)
from tflopt.rules.islands.rounding import forget_origins, ops_between, remove_unread
from tflopt.search.worth import FormRule, Worth


@dataclass(frozen=True)
class RoundSoftmax(FormRule):
    """Run a float softmax, or EXP, SUM and DIV, as int8 SOFTMAX, if better (``--allow-lsb N``).

    Not exact. Rows are too many to enumerate; the distance is a bound on the rounding errors of
    both, for every row, given that the C library's ``expf`` is off by at most 16 units in the
    last place. With a floating-point unit the float operators may take fewer instructions.

    Args:
        max_steps: N; 0 turns the rule off.
    """

    name: ClassVar[str] = "round-softmax"
    number: ClassVar[int] = 66
    rank: ClassVar[int] = 170
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.QUANTIZE})
    exactness: ClassVar[Exactness] = APPROXIMATE
    max_steps: int = 0

    @classmethod
    def from_config(cls, config: Config) -> RoundSoftmax:
        """The rule with what it needs of the options."""
        return cls(Worth.from_config(config), config.allow_lsb)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Take the softmax of the integers, approximately."""
        island = None if self.max_steps == 0 else find_softmax(op)
        if island is None:
            return
        short = island.count <= softmax.LONGEST_ROW
        require(short, f"TFLM's int8 SOFTMAX takes up to {softmax.LONGEST_ROW} elements", at=op)
        legal = softmax.is_legal(island.params, island.beta)
        require(legal, "SOFTMAX takes no scale as small as this", at=op)
        require(stays_in_range(island), "its exponentials leave the range of a float", at=op)
        steps = softmax_distance(island)
        steps = required(steps, "no QUANTIZE leads from 1/256 to this scale", at=op)
        require(
            steps <= self.max_steps,
            Why.OTHER("the int8 SOFTMAX may be off by {steps}", steps=steps),
            at=op,
        )
        sketch = _as_softmax(island, op)
        choice = self.worth.compare(replaced_ops(island, op), sketch)
        require(choice.is_worth_it, choice.why_not("SOFTMAX"), at=op)
        real = op.input(0)
        forget_origins(op, rw)
        sketch.graft(rw, op)
        remove_unread(real, rw)
        rw.prove(f"not exact: off by up to {steps}, by a bound on the errors of every row")


def _as_softmax(island: FloatSoftmax, op: Op) -> Sketch:
    """SOFTMAX, and a QUANTIZE behind it where the output has another scale."""
    sketch, shape, quant = Sketch(), op.output.shape, op.output.quant
    inputs, options = [sketch.read(island.source)], SoftmaxOptions(island.beta)
    whole = has_softmax_scale(island.target)
    result = sketch.op(
        OpCode.SOFTMAX,
        inputs,
        shape,
        options=options,
        quant=quant if whole else softmax.OUTPUT,
        dtype=DType.INT8,
        version=2,
    )
    if not whole:
        result = sketch.quantize(result, quant)
    sketch.results[op.output] = result
    return sketch


def replaced_ops(island: FloatSoftmax, op: Op) -> list[Op]:
    """The QUANTIZE and the operators down to the int8 tensor that nobody else reads, in order."""
    return ops_between(island.source, op)
