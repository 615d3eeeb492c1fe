"""Int8 forms of float islands, and how far they are from what the island gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from tflopt.arith import floating
from tflopt.arith.affine import LIMITS, Affine
from tflopt.arith.c_library import End
from tflopt.arith.fixed_point import INT8_MIN, Ints, Singles
from tflopt.facts.clamps import reachable
from tflopt.facts.tables import (
    ARITHMETIC,
    SUMS,
    at,
    pair_table,
    requantized_table,
    single_operators,
    unary_table,
)
from tflopt.ir import Activation, Op, OpCode, Options, Quantization, Value
from tflopt.ir.options import (
    LeakyReluOptions,
    QuantizeOptions,
)
from tflopt.rewrite import Reason, Rewriter, Why
from tflopt.rules.islands.islands import Island, Leaf


@dataclass(frozen=True)
class Step:
    """One operator of a form: inputs by number (leaves first, then earlier steps)."""

    code: OpCode
    inputs: tuple[int, ...]
    quant: Quantization
    options: Options | None
    version: int


@dataclass(frozen=True)
class Form:
    """Int8 operators that give ``table``, shaped (2, values of leaf 0[, values of leaf 1])."""

    steps: tuple[Step, ...]
    table: Ints


@dataclass(frozen=True)
class Distance:
    """How far a form is from an island over all values that can occur."""

    largest: int
    differing: int
    values: int

    @property
    def rank(self) -> tuple[int, int]:
        """Lower is nearer."""
        return self.largest, self.differing

    def reason(self, why: Why, head: str) -> Reason:
        """Why something is not equal, with how far it is from that."""
        return why(
            head + ": {differing:,} of {values:,} differ, by up to {largest}",
            differing=self.differing,
            values=self.values,
            largest=self.largest,
        )

    def __str__(self) -> str:
        return f"{self.differing:,} of {self.values:,} differ, by up to {self.largest}"


@dataclass(frozen=True)
class Reference:
    """What an island gives for each value or pair: the lowest and highest numbers it can be."""

    low: Ints
    high: Ints

    def distance(self, form: Form) -> Distance:
        """How far ``form`` is from it."""
        apart = np.maximum(np.abs(form.table - self.low), np.abs(form.table - self.high)).max(0)
        return Distance(int(apart.max()), int(np.count_nonzero(apart)), int(apart.size))


def reference_of(island: Island, leaves: Sequence[Leaf], target: Affine) -> Reference | None:
    """The island's quantized results; None where a quotient leaves 32 bits."""
    ends = []
    choices = product(*(range(2 if leaf.rounded else 1) for leaf in leaves))
    bounded = island.bounded
    for choice, sides in product(choices, product(End, repeat=len(bounded))):
        floats = _floats(island, leaves, choice)
        result = island.evaluate(floats, dict(zip(bounded, sides, strict=True)))
        if not floating.is_quantizable(result, target):
            return None
        ends.append(floating.quantize(result, target))
    shape = np.broadcast_shapes(*(_axis(leaves, number).shape for number in range(len(leaves))))
    stacked = np.stack([np.broadcast_to(end, shape) for end in ends])
    return Reference(stacked.min(0), stacked.max(0))


def _floats(
    island: Island, leaves: Sequence[Leaf], choice: tuple[int, ...]
) -> dict[Value, Singles]:
    numbers = {leaf.value: number for number, leaf in enumerate(leaves)}
    floats = {}
    for real, leaf in island.leaves.items():
        number = numbers[leaf.value]
        axis = _axis(leaves, number)
        ends = _ends(axis, leaf.params)[choice[number]] if leaf.rounded else None
        floats[real] = floating.dequantize(axis, leaf.params) if ends is None else ends
    return floats


def _axis(leaves: Sequence[Leaf], number: int) -> Ints:
    """The values of a leaf along its own axis."""
    shape = [1] * len(leaves)
    shape[number] = -1
    return reachable(leaves[number].value).reshape(shape)


def _ends(axis: Ints, params: Affine) -> tuple[Singles, Singles]:
    """The lowest and the highest float that QUANTIZE rounds to each value; more saturates."""
    ends = []
    for half in (-0.5, 0.5):
        real = (params.double * (axis - params.zero_point + half)).astype(np.float32)
        ends.append(np.nextafter(real, np.float32(np.copysign(np.inf, half))))
    return ends[0], ends[1]


def forms_of(island: Island, leaves: Sequence[Leaf], out: Value) -> Iterator[Form]:
    """Int8 forms that may give what the island gives, the cheapest first."""
    quant = out.quant
    assert quant is not None
    values = [reachable(leaf.value) for leaf in leaves]
    if len(leaves) == 1:
        yield from _single_forms(island, leaves[0], values[0], quant)
    elif len(leaves) == 2:
        yield from _pair_forms(leaves, values, quant)
        yield from _requantized_forms(leaves, values, quant)


def _single_forms(island: Island, leaf: Leaf, values: Ints, quant: Quantization) -> Iterator[Form]:
    target = Affine.make(*quant.scalar())
    yield Form((), np.stack([values, values]))
    for operator in single_operators(leaf.params, target):
        step = Step(operator.code, (0,), quant, operator.options, operator.version)
        yield Form((step,), at(operator.table, values))
    for op in island.ops:
        options = op.options if isinstance(op.options, LeakyReluOptions) else None
        if options is None and op.code is not OpCode.ABS:
            continue
        results = unary_table(op.code, options, leaf.params, target)
        if results is not None:
            step = Step(op.code, (0,), quant, options, 2)
            yield Form((step,), at(results, values))


def _pair_forms(
    leaves: Sequence[Leaf], values: Sequence[Ints], quant: Quantization
) -> Iterator[Form]:
    out = Affine.make(*quant.scalar())
    for code, activation in product(ARITHMETIC, LIMITS):
        for order in ((0, 1), (1, 0)) if code is OpCode.SUB else ((0, 1),):
            one, two = (leaves[number].params for number in order)
            results = pair_table(code, one, two, out, activation)
            if results is None:
                continue
            part = np.stack([_pick(row, values[order[0]], values[order[1]]) for row in results])
            step = _pair_step(code, order, quant, activation)
            yield Form((step,), part if order == (0, 1) else part.swapaxes(1, 2))


def _pick(results: Ints, first: Ints, second: Ints) -> Ints:
    """The part of a table of pairs that belongs to these values."""
    return np.asarray(results[np.ix_(first - INT8_MIN, second - INT8_MIN)])


def _pair_step(
    code: OpCode, inputs: tuple[int, int], quant: Quantization, activation: Activation
) -> Step:
    options = ARITHMETIC[code](fused_activation_function=activation)
    return Step(code, inputs, quant, options, 2)


def _requantized_forms(
    leaves: Sequence[Leaf], values: Sequence[Ints], quant: Quantization
) -> Iterator[Form]:
    """With a QUANTIZE of one input to the other's or the output's scale before the sum."""
    out = Affine.make(*quant.scalar())
    others = [leaf.value.quant for leaf in leaves]
    for number, middle in product((0, 1), (others[1], others[0], quant)):
        if middle is None or middle == others[number]:
            continue
        between = Affine.make(*middle.scalar())
        before = requantized_table(leaves[number].params, between)
        if before is None:
            continue
        params = [between if number == i else leaf.params for i, leaf in enumerate(leaves)]
        for code, activation in product((code for code in ARITHMETIC if code in SUMS), LIMITS):
            results = pair_table(code, params[0], params[1], out, activation)
            if results is None:
                continue
            axes = [np.stack([numbers, numbers]) for numbers in values]
            axes[number] = at(before, values[number])
            table = np.stack([_pick(results[row], axes[0][row], axes[1][row]) for row in (0, 1)])
            inputs = (2, 1) if number == 0 else (0, 2)
            first = Step(OpCode.QUANTIZE, (number,), middle, QuantizeOptions(), 2)
            yield Form((first, _pair_step(code, inputs, quant, activation)), table)


def place(form: Form, leaves: Sequence[Leaf], op: Op, rw: Rewriter) -> None:
    """Let the operators of ``form`` compute the output of ``op``, a QUANTIZE."""
    values = [leaf.value for leaf in leaves]
    for step in form.steps[:-1]:
        shape = values[step.inputs[0]].shape
        value = rw.value(op.output, shape=shape, quant=step.quant)
        rw.insert(
            op, step.code, [values[i] for i in step.inputs], [value], step.options, step.version
        )
        values.append(value)
    last = form.steps[-1]
    rw.set_inputs(op, [values[i] for i in last.inputs])
    rw.set_code(op, last.code, last.options, last.version)


def nearest(reference: Reference, forms: Iterator[Form]) -> tuple[Form, Distance] | None:
    """The first form without a difference, else the one with the smallest; None without any."""
    best: tuple[Form, Distance] | None = None
    for form in forms:
        distance = reference.distance(form)
        if best is None or distance.rank < best[1].rank:
            best = form, distance
        if distance.largest == 0:
            break
    return best
