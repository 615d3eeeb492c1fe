"""Fuse clamps into the operator that computes what they clamp."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tflopt.arith.fixed_point import Ints
from tflopt.facts.clamps import (
    data_input,
    equal_activation,
    fused_activation,
    fusing_source,
    is_private,
    most_steps,
    with_activation,
)
from tflopt.facts.operators import Trait, facts_of
from tflopt.facts.tables import EVERY_INT8, OF_ONE, OF_TWO, compose, table
from tflopt.ir import Activation, Op, OpCode, Value, same_quantization
from tflopt.rewrite import (
    BETWEEN_PORTS,
    BY_ENUMERATION,
    Declined,
    Exactness,
    Reason,
    Rewriter,
    Rule,
    Why,
    require,
)
from tflopt.rules.activations.fused_map import TWICE, fused_map


class FuseActivation(Rule):
    """Fuse RELU, RELU6, RELU_N1_TO_1, MINIMUM, MAXIMUM into the operator that computes their input.

    Others too where they are clamps (HARD_SWISH of a coarse scale, MUL by 1 with RELU, QUANTIZE).
    Exact where both sides have one quantization and a fused activation clamps each of the 256
    values as the operator does: kernels clamp to the range of the activation after they requantize
    (``CalculateActivationRangeQuantized``). Where the quantizations differ, every pair of inputs of
    ADD, SUB or MUL is computed both ways; for the sums of convolutions and FULLY_CONNECTED the
    scale has to be the same. A clamp of each element commutes with RESHAPE, TRANSPOSE, SLICE and
    other movements on the way.
    """

    name: ClassVar[str] = "fuse-activation"
    number: ClassVar[int] = 8
    rank: ClassVar[int] = 80
    anchors: ClassVar[frozenset[OpCode]] = OF_ONE | OF_TWO
    exactness: ClassVar[Exactness] = BY_ENUMERATION

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Give the producer the activation, and let the readers read its output."""
        source, row = data_input(op), _row(op)
        first = row[-1][0] if row else op.inputs[0] or op.output
        if source is None or fusing_source(first) is None:
            return
        same = same_quantization(source.quant, op.output.quant)
        reason: Reason | None = None if same else TWICE
        is_clamp = Trait.CLAMPS in facts_of(op).traits
        for value, results in reversed(list(_composed(row))):
            fit = _fit(value, op.output, results, is_clamp)
            if isinstance(fit, Fit):
                fit.apply(op, source, rw)
                return
            reason = fit or reason
        # Others may be clamps too: a slope of 0, a factor of 1 with a fused activation.
        if is_clamp and reason is not None:
            raise Declined(reason, op)


@dataclass(frozen=True)
class Fit:
    """A producer, its output and what moves it, and the activation that it gets."""

    producer: Op
    path: list[Value]
    activation: Activation
    values: int

    def apply(self, op: Op, source: Value, rw: Rewriter) -> None:
        """Let the readers of ``op``, which clamps ``source``, read what the producer gives."""
        start = self.path[0]
        shared = Why.SHARED("another operator reads the tensor before the activation")
        require(all(is_private(value) for value in self.path), shared, at=self.producer)
        require(rw.can_replace(op.output, start), BETWEEN_PORTS, at=op)
        if self.activation is not fused_activation(self.producer):
            rw.set_options(self.producer, with_activation(self.producer, self.activation))
        for value in self.path:
            rw.update(value, origin=None)
            if not same_quantization(value.quant, op.output.quant):
                rw.set_quant(value, op.output.quant)
        rw.update(start, origin=op.output.origin)
        rw.bypass(op, start)
        _remove_between(start, source, rw)
        rw.prove("enumeration", self.values)


def _row(op: Op) -> list[tuple[Value, Ints]]:
    """The inputs of this clamp and of those before it, each with its table."""
    row: list[tuple[Value, Ints]] = []
    step, source, most = table(op), data_input(op), most_steps(op)
    while source is not None and step is not None and len(row) < most:
        row.append((source, step))
        before = source.producer
        if before is None or before.code not in FuseActivation.anchors or not is_private(source):
            break
        step, source = table(before), data_input(before)
    return row


def _composed(row: Sequence[tuple[Value, Ints]]) -> Iterator[tuple[Value, Ints]]:
    """The inputs with the table from there to the last clamp."""
    results: Ints | None = None
    for value, step in row:
        results = step if results is None else compose(step, results)
        yield value, results


def _fit(value: Value, output: Value, results: Ints, is_asked: bool) -> Fit | Reason | None:
    """How the producer of ``value`` gives ``output``; why not, None where that is obvious.

    Args:
        is_asked: whether somebody is told why not.
    """
    source = fusing_source(value)
    if source is None:
        return None
    producer, path = source
    if same_quantization(value.quant, output.quant):
        activation = equal_activation(producer, results)
        if activation is None:
            return Why.OTHER("no fused activation clamps to this range")
        return Fit(producer, path, activation, len(EVERY_INT8))
    fused = fused_map(producer, results, output, is_asked=is_asked)
    if isinstance(fused, Reason):
        return fused
    if fused.distance.differing:
        return fused.distance.reason(Why.OTHER, "no fused form is equal")
    return Fit(producer, path, fused.activation, fused.distance.values)


def _remove_between(start: Value, last: Value, rw: Rewriter) -> None:
    """Drop the clamps that led from ``start`` to ``last``, which nobody reads any more."""
    while last is not start:
        op = last.producer
        assert op is not None
        source = data_input(op)
        assert source is not None
        rw.remove(op)
        last = source
