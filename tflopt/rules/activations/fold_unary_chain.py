"""Fold chains of int8 operators of one input by enumerating their 256 values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

import numpy as np

from tflopt.arith.affine import Affine, Precision, affine_of
from tflopt.arith.fixed_point import Ints
from tflopt.facts.clamps import data_input, is_private, most_steps, reachable
from tflopt.facts.tables import (
    EVERY_INT8,
    OF_ONE,
    OF_TWO,
    SingleOperator,
    at,
    compose,
    single_operators,
    table,
    unary_table,
)
from tflopt.ir import Op, OpCode, Options, Value, same_quantization
from tflopt.rewrite import BETWEEN_PORTS, BY_ENUMERATION, Exactness, Rewriter, Rule, require
from tflopt.rewrite.makers import turn_into_reshape

Step: TypeAlias = "tuple[Op, Ints]"
"""An operator of a chain with its table."""


class FoldUnaryChain(Rule):
    """Fold chains of QUANTIZE, RELU, LOGISTIC, ABS, MUL by a constant and others into at most one.

    Exact: such a chain is a map of 256 values. Where it is the identity it goes, or becomes a
    RESHAPE that copies nothing in place if it only changes the scale; where one operator has the
    same map on every value that can occur, that one stays.
    """

    name: ClassVar[str] = "fold-unary-chain"
    number: ClassVar[int] = 9
    rank: ClassVar[int] = 90
    anchors: ClassVar[frozenset[OpCode]] = OF_ONE | OF_TWO
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the longest part of the chain that ends here for which there is a form."""
        for part, results in _parts(_chain(op)):
            source = data_input(part[0])
            if source is None or source.is_variable:
                return
            values = reachable(source)
            if _drop(op, source, results, values, rw) or _shorten(
                part, source, results, values, rw
            ):
                rw.prove("enumeration", len(values))
                return


def _chain(op: Op) -> list[Step]:
    """Operators with a table, each the only reader of the one before; empty without any."""
    results, most = table(op), most_steps(op)
    chain: list[Step] = []
    while results is not None and len(chain) < most:
        chain.append((op, results))
        source = data_input(op)
        before = None if source is None or not is_private(source) else source.producer
        if before is None or before.code not in OF_ONE | OF_TWO:
            break
        op, results = before, table(before)
    return chain[::-1]


def _parts(chain: Sequence[Step]) -> list[tuple[list[Op], Ints]]:
    """What ends where a chain ends, the longest first, with the table of all of it."""
    parts: list[tuple[list[Op], Ints]] = []
    results = np.stack([EVERY_INT8] * len(Precision))
    for start in reversed(range(len(chain))):
        step = chain[start][1]
        results = compose(step, results) if parts else compose(results, step)
        parts.append(([op for op, _ in chain[start:]], results))
    return parts[::-1]


def _goes_on(op: Op) -> bool:
    """Whether another operator continues the chain, and may do without this one."""
    after = op.output.uses[0].op if is_private(op.output) else None
    return after is not None and after.code in OF_ONE | OF_TWO and table(after) is not None


def _drop(op: Op, source: Value, results: Ints, values: Ints, rw: Rewriter) -> bool:
    """Where nothing changes: no operator, or a RESHAPE where the numbers get another meaning."""
    if not np.all(at(results, values) == values) or source.elements != op.output.elements:
        return False
    if same_quantization(source.quant, op.output.quant) and source.shape == op.output.shape:
        require(rw.can_replace(op.output, source), BETWEEN_PORTS, at=op)
        rw.bypass(op, source)
        return True
    if _goes_on(op):
        return False
    shape = np.asarray(op.output.shape, dtype=np.int32)
    rw.set_inputs(op, [source, rw.constant(shape, op.output)])
    turn_into_reshape(rw, op)
    return True


def _shorten(part: list[Op], source: Value, results: Ints, values: Ints, rw: Rewriter) -> bool:
    """Where one operator does what several do."""
    op = part[-1]
    before, after = affine_of(source), affine_of(op.output)
    if len(part) < 2 or before is None or after is None or source.shape != op.output.shape:
        return False
    for candidate in _candidates(part, before, after):
        if np.array_equal(at(candidate.table, values), at(results, values)):
            rw.set_inputs(op, [source])
            rw.set_code(op, candidate.code, candidate.options, candidate.version)
            return True
    return False


def _candidates(part: list[Op], before: Affine, after: Affine) -> list[SingleOperator]:
    """Operators that TFLM has, those of the chain included, between these parameters."""
    candidates = single_operators(before, after)
    for op in part:
        if op.code not in (OpCode.ABS, OpCode.LEAKY_RELU):
            continue
        options = op.options if isinstance(op.options, Options) else None
        results = unary_table(op.code, options, before, after)
        if results is not None:
            candidates.append(SingleOperator(op.code, options, op.opcode.version, results))
    return candidates
