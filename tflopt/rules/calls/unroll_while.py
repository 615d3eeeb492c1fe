"""Write the turns of a loop one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.config import Config, Runtime
from tflopt.facts.large import MANY
from tflopt.facts.turns import Loop, loop_of, trip_count
from tflopt.ir import Op, OpCode, Value
from tflopt.rewrite import (
    BIT_EXACT,
    Exactness,
    Rewriter,
    Rule,
    Stage,
    Why,
    require,
    required,
)
from tflopt.rules.calls.inline import (
    copy_in,
    drop_uncalled,
    has_state,
    outside,
    require_copyable,
    require_no_other_caller_of_numbers,
    require_replaceable,
    require_same,
)

MOST_OPERATORS, MOST_OPERANDS = 1024, 8192
"""In all turns of one loop: a file may ask for 10^9 turns, and loops in loops multiply."""


@dataclass(frozen=True)
class UnrollWhile(Rule):
    """Write the turns of a WHILE one after another, where it is known how many there are.

    Exact: a turn reads what the turn before gives, which TFLM copies as bytes between tensors of
    one type (``while.cc``), and the same kernels compute the same of it. Constants are there once.
    A loop whose body or condition has a state stays, and one whose tensors have other types outside
    than inside. The counter, and indices that are computed from it, become constants.

    It is tried on a copy, which is kept where the model is better for the goal once the other rules
    have simplified it: instructions, the file and the arena are those of whole models.
    """

    name: ClassVar[str] = "unroll-while"
    number: ClassVar[int] = 102
    stages: ClassVar[tuple[Stage, ...]] = (Stage.CALLS,)
    exactness: ClassVar[Exactness] = BIT_EXACT
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.WHILE})
    keep: frozenset[str] = frozenset()
    runtime: Runtime = Runtime.BOTH

    @classmethod
    def from_config(cls, config: Config) -> UnrollWhile:
        """The rule with the names that stay, and who must load the file."""
        return cls(config.keep, config.runtime)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Put copies of the body's operators in front of the loop, turn by turn, and drop it."""
        loop = loop_of(op)
        if loop is None:
            return
        condition, body = loop.condition, loop.body
        unknown = Why.COMPUTED("how often it turns depends on what it computes")
        turns = required(trip_count(op), unknown, at=op)
        require_small(loop, turns)
        require_no_other_caller_of_numbers(op)
        require_copyable(body, self.keep, op)
        require_copyable(condition, self.keep, op)
        for inner in condition.ops:
            require(not has_state(inner) and inner.outputs != (), _STATE, at=inner)
        for slot in zip(op.inputs, body.inputs, body.outputs, op.outputs, strict=True):
            require_same(slot, op)
        alike = self.runtime is not Runtime.BOTH or not _is_written_early(loop)
        require(alike, _EARLY, at=op)
        ends = [end_of(loop, slot, turns) for slot in range(len(op.outputs))]
        require_replaceable(rw, zip(op.outputs, map(_old, ends), strict=True), op)
        _require_apart(op, ends)
        state, same = [op.operand(slot) for slot in range(len(op.inputs))], dict[Value, Value]()
        for _ in range(turns):
            known = copy_in(rw, op, body, dict(zip(body.inputs, state, strict=True)), same)
            state = [outside(rw, op, value, known, same) for value in body.outputs]
        for old, new in zip(op.outputs, state, strict=True):
            rw.replace_uses(old, new)
        rw.remove(op)
        rw.note(f"a loop of {turns} turns is written out")
        drop_uncalled(rw, (condition, body))


def _is_written_early(loop: Loop) -> bool:
    """Whether LiteRT gives a tensor what another one of the turn before is no longer.

    It copies the body's outputs to its inputs one after another (``while.cc`` of LiteRT); TFLM
    copies all of them to the loop's outputs first.
    """
    places = {value: place for place, value in enumerate(loop.body.inputs)}
    return any(places.get(value, slot) < slot for slot, value in enumerate(loop.body.outputs))


_EARLY = Why.LITERT("LiteRT overwrites a tensor of the loop before another one takes it over")
_STATE = Why.VARIABLE("its condition does more than to compare")


def require_small(loop: Loop, turns: int) -> None:
    """Decline where the turns together are too many operators, or have too many operands."""
    ops, graph = loop.body.ops, loop.op.graph
    operators = turns * max(1, len(ops))
    operands = turns * sum(len(op.inputs) + len(op.outputs) for op in ops)
    operands += turns * len(loop.op.outputs)
    said = Why.OTHER("its turns are {operators} operators; {most} are supported",
        operators=operators, most=MOST_OPERATORS)  # fmt: skip
    require(operators <= MOST_OPERATORS, said, at=loop.op)
    require(operands <= MOST_OPERANDS, "its turns have too many operands", at=loop.op)
    require(len(graph.ops) + operators <= MANY, "the graph would be too large", at=loop.op)


def end_of(loop: Loop, slot: int, turns: int) -> tuple[Value, int]:
    """What a loop's output is in the end: a value of the body and the turn that gives it, or a
    value outside and -1."""
    places = {value: place for place, value in enumerate(loop.body.inputs)}
    for turn in reversed(range(turns)):
        value = loop.body.outputs[slot]
        if value not in places:
            return value, -1 if value.is_constant else turn
        slot = places[value]
    return loop.op.operand(slot), -1


def _old(end: tuple[Value, int]) -> Value | None:
    """What is there already, or is a constant of the body; None for what a turn will give."""
    value, turn = end
    return value if turn < 0 else None


def _require_apart(op: Op, ends: list[tuple[Value, int]]) -> None:
    """Two outputs of the model that one turn gives at once need tensors of their own."""
    given = [end for end, old in zip(ends, op.outputs, strict=True) if old.is_graph_output]
    apart = len(set(given)) == len(given)
    require(apart, Why.INTERFACE("two outputs of the model would be one tensor"), at=op)
