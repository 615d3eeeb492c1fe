"""Remove ADD, SUB and MUL with a constant that change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.arith.affine import Affine, affine_of
from tflopt.arith.fixed_point import INT8_MAX, INT8_MIN, Ints, ints
from tflopt.facts.tables import ARITHMETIC, distinct, of_pairs
from tflopt.ir import Activation, DType, Op, OpCode, Value, same_quantization
from tflopt.ir.options import AddOptions, MulOptions, SubOptions
from tflopt.rewrite import (
    BETWEEN_PORTS,
    BY_ENUMERATION,
    Exactness,
    Rewriter,
    Rule,
    require,
    require_no_variable,
)

EVERY = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)[:, None]
"""Every int8 number, as a column."""
FUSED = frozenset({Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1})


@dataclass(frozen=True)
class Pair:
    """An int8 ADD, SUB or MUL of a tensor and a constant, each quantized per tensor."""

    op: Op
    data: Value
    other: Value
    position: int
    parts: tuple[Affine, Affine, Affine]

    @property
    def constants(self) -> Ints:
        """The different numbers of the constant, as a row."""
        return distinct(ints(self.other.array()))[None, :]

    @property
    def fused(self) -> Activation:
        """The fused activation."""
        options = self.op.options
        assert isinstance(options, AddOptions | SubOptions | MulOptions)
        return options.fused_activation_function

    def outputs(self) -> Ints:
        """The output for every input, a column for each different constant.

        A layer of them for each way in which versions of TFLM compute SUB's multipliers.
        """
        one, two, out = self.parts
        a, b = EVERY, self.constants
        if self.position == 0:
            a, b, one, two = b, a, two, one
        return of_pairs(self.op.code, a, b, (one, two, out), self.fused)


def pair_of(op: Op) -> Pair | None:
    """The operator as a function of one tensor, None where both are computed or not int8."""
    if op.code not in ARITHMETIC or len(op.inputs) != 2:
        return None
    first, second = op.inputs
    if first is None or second is None or first.has_data == second.has_data:
        return None
    position = 1 if second.has_data else 0
    data, other = (first, second) if second.has_data else (second, first)
    parts = (affine_of(data), affine_of(other), affine_of(op.output))
    one, two, out = parts
    if one is None or two is None or out is None or not other.has_array:
        return None
    if any(v.dtype is not DType.INT8 for v in (data, other, op.output)):
        return None
    if not isinstance(op.options, AddOptions | SubOptions | MulOptions) or not other.elements:
        return None
    if op.options.fused_activation_function not in FUSED:
        return None
    return Pair(op, data, other, position, (one, two, out))


class RemoveIdentity(Rule):
    """Remove ADD, SUB and MUL with a constant whose output is the input for all 256 values.

    Exact: TFLM's integer arithmetic is done for every input and every different constant.
    """

    name: ClassVar[str] = "remove-identity"
    number: ClassVar[int] = 42
    rank: ClassVar[int] = 400
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    anchors: ClassVar[frozenset[OpCode]] = frozenset(ARITHMETIC)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Let the readers of the output read the input."""
        pair = pair_of(op)
        if pair is None or pair.data.shape != op.output.shape:
            return
        same = same_quantization(pair.data.quant, op.output.quant)
        if not same or not (pair.outputs() == EVERY).all():
            return
        require_no_variable(pair.data, at=op)
        require(rw.can_replace(op.output, pair.data), BETWEEN_PORTS, at=op)
        rw.bypass(op, pair.data)
        rw.prove("enumeration", EVERY.size * pair.constants.size)
