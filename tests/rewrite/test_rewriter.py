"""The rewriter's edits, the driver's promises, and the trace."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from tests.support.check_rule import apply
from tests.support.graphs import QUANT, Net
from tflopt.errors import RuleError, VerifyError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, Op, OpCode, OpExtra, Origin, Quantization, Signature
from tflopt.ir.options import ReshapeOptions
from tflopt.ir.verify import verify
from tflopt.rewrite import (
    Declined,
    ModelRule,
    Rewriter,
    Rule,
    Trace,
    Why,
    require,
    required,
    run_model_rule,
    run_rules,
)
from tflopt.rewrite.rewriter import MOST_TOUCHED
from tflopt.rules.pipeline import RULES, run_pipeline
from tflopt.rules.views.merge_views import MergeViews

pytestmark = pytest.mark.unit


def chain(length: int = 3) -> Net:
    n = Net()
    x = n.feed(2, 3)
    for _ in range(length):
        x = n.relu(x)
    n.output(x)
    return n


# --- Every edit is recorded and touches its neighbours.


def test_every_edit_leaves_a_note_and_a_sound_model() -> None:
    n = chain()
    rw = Rewriter(n.model)
    first, second, third = n.graph.ops
    edits: list[Callable[[], object]] = [
        lambda: rw.set_input(third, 0, first.output),
        lambda: rw.set_inputs(third, [second.output]),
        lambda: rw.set_options(third, ReshapeOptions((2, 3))),
        lambda: rw.set_code(third, OpCode.RESHAPE, ReshapeOptions((2, 3))),
        lambda: rw.set_shape(second.output, (3, 2)),
        lambda: rw.set_quant(second.output, Quantization.per_tensor(1.0)),
        lambda: rw.set_name(second.output, "new"),
        lambda: rw.insert(third, OpCode.RELU, [first.output], [rw.value(first.output)]),
        lambda: rw.bypass(third, second.output),
    ]
    for edit in edits:
        rw.begin()
        edit()
        assert rw.edits
        verify(n.model, "an edit")


def test_neighbours_are_touched() -> None:
    n = chain(4)
    first, second, third, fourth = n.graph.ops
    rw = Rewriter(n.model)
    rw.set_input(fourth, 0, second.output)
    assert set(rw.touched) == {second, third, fourth}
    rw.begin()
    rw.replace_uses(second.output, first.output)
    assert {first, third, fourth} <= set(rw.touched)
    rw.begin()
    rw.remove(third)
    assert third not in rw.touched
    assert first in rw.touched


@pytest.mark.parametrize("readers", [MOST_TOUCHED - 1, MOST_TOUCHED + 1])
def test_of_a_value_that_many_read_only_the_readers_that_change_look_again(readers: int) -> None:
    n = Net()
    x = n.feed(2, 3)
    y = n.relu(x)
    n.output(*(n.relu(y) for _ in range(readers)))
    first, *others = n.graph.ops
    rw = Rewriter(n.model)
    rw.set_input(others[0], 0, x)
    assert {first, others[0]} <= set(rw.touched)
    assert (others[1] in rw.touched) == (readers < MOST_TOUCHED)
    rw.begin()
    rw.replace_uses(y, x)
    assert set(others[1:]) <= set(rw.touched)


def test_remove_refuses_while_read() -> None:
    n = chain()
    with pytest.raises(ValueError, match="still read by"):
        Rewriter(n.model).remove(n.graph.ops[0])
    assert len(n.graph.ops) == 3


def test_an_output_is_taken_over_with_name_signature_and_origin() -> None:
    n = chain()
    last, before = n.graph.outputs[0], n.graph.ops[1].output
    last.name, before.name = "scores", "inner"
    last.extra.shape_signature = (-1, 3)
    last.origin = Origin(0, 7)
    n.model.signatures = [Signature(n.graph, "s", None, [("y", last)])]
    rw = Rewriter(n.model)
    rw.replace_uses(last, before)
    assert list(n.graph.outputs) == [before]
    assert (before.name, last.name) == ("scores", "inner")
    assert before.extra.shape_signature == (-1, 3)
    assert before.origin == Origin(0, 7)
    assert n.model.signatures[0].outputs == [("y", before)]


def test_an_input_constant_or_other_output_cannot_stand_for_an_output() -> None:
    n = chain()
    other = n.relu(n.graph.ops[0].output)
    n.output(other)
    rw = Rewriter(n.model)
    last = n.graph.outputs[0]
    for stand_in in (n.graph.inputs[0], n.constant([1, 2]), other):
        assert not rw.can_replace(last, stand_in)
        with pytest.raises(ValueError, match="can't stand for"):
            rw.replace_uses(last, stand_in)
    assert rw.can_replace(n.graph.ops[0].output, n.graph.inputs[0])


def test_new_code_drops_fields_of_the_old_one() -> None:
    n = chain()
    op = n.graph.ops[1]
    op.extra = OpExtra(custom_options=np.ones(3, np.uint8), debug_metadata_index=4)
    Rewriter(n.model).set_code(op, OpCode.RESHAPE, ReshapeOptions(), 2)
    assert op.extra.custom_options is None
    assert op.extra.debug_metadata_index == 4
    assert (op.code, op.opcode.version) == (OpCode.RESHAPE, 2)


def test_new_constants_are_written() -> None:
    n = chain()
    op = n.graph.ops[1]
    rw = Rewriter(n.model)
    value = rw.constant(np.array([[5, -6]], np.int16), op.output, name="c")
    rw.set_inputs(op, [op.inputs[0], value])
    again = read_bytes(write_bytes(n.model))
    found = again.main.ops[1].inputs[1]
    assert found is not None
    assert found.array().tolist() == [[5, -6]]


# --- The driver.


@dataclass(frozen=True)
class OnRelu(Rule):
    """A rule made of a function."""

    name: ClassVar[str] = "on-relu"
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.RELU})
    act: Callable[[Op, Rewriter], None] = field(default=lambda op, rw: None)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        self.act(op, rw)


def run(model: Model, act: Callable[[Op, Rewriter], None]) -> Trace:
    trace = Trace()
    run_rules(model, [OnRelu(act)], trace)
    return trace


def test_rules_that_undo_each_other_are_an_error() -> None:
    n = chain()
    with pytest.raises(RuleError, match="reach no fixpoint") as caught:
        run(n.model, lambda op, rw: rw.set_name(op.output, "again"))
    assert "--disable on-relu" in str(caught.value)


def test_declining_after_an_edit_is_an_error() -> None:
    def act(op: Op, rw: Rewriter) -> None:
        rw.set_name(op.output, "x")
        require(False, "too late", at=op)

    with pytest.raises(RuleError, match="declined after an edit: too late"):
        run(chain().model, act)


def test_a_rule_that_breaks_the_model_is_found() -> None:
    def act(op: Op, rw: Rewriter) -> None:
        if op.output.name != "done":
            op.graph.ops.reverse()
            rw.set_name(op.output, "done")

    with pytest.raises(VerifyError, match="before it is produced"):
        run(chain().model, act)


def test_every_operator_is_visited_once_where_nothing_changes() -> None:
    seen: list[Op] = []
    n = chain(5)
    trace = run(n.model, lambda op, rw: seen.append(op))
    assert seen == n.graph.ops
    assert trace.steps == 5
    assert not trace.hits


def test_neighbours_of_an_edit_are_visited_again() -> None:
    seen: list[Op] = []
    n = chain(3)
    first, second, third = n.graph.ops

    def act(op: Op, rw: Rewriter) -> None:
        seen.append(op)
        if op is second and op.inputs[0] is first.output:
            rw.set_input(op, 0, n.graph.inputs[0])

    run(n.model, act)
    assert seen == [first, second, third, second, first] or set(seen[3:]) == {first, second}


def test_removed_operators_are_not_visited() -> None:
    n = chain(3)
    third = n.graph.ops[2]

    def act(op: Op, rw: Rewriter) -> None:
        assert op in op.graph.ops
        if op is n.graph.ops[0] and third in n.graph.ops:
            rw.bypass(third, n.graph.ops[1].output)

    assert len(run(n.model, act).hits) == 1
    assert len(n.graph.ops) == 2


# --- Near misses.


def test_near_misses_are_recorded_with_their_place() -> None:
    n = chain(2)
    n.graph.ops[1].output.name = "y"

    def act(op: Op, rw: Rewriter) -> None:
        require(op.output.name != "y", "it is called y", at=op)

    (miss,) = run(n.model, act).near_misses
    assert miss.rule == "on-relu"
    assert str(miss.where) == "subgraph 0 operator 1 (RELU) -> y"
    assert miss.reason == "it is called y"


def test_a_value_that_is_required_is_given_or_declined() -> None:
    op = Net().relu(Net().feed(1)).producer
    assert op is not None
    assert required(0, "there is none", at=op) == 0
    with pytest.raises(Declined) as caught:
        required(None, Why.SHARED("{count} read it", count=2), at=op)
    assert (str(caught.value), caught.value.reason.why) == ("2 read it", Why.SHARED)


def test_near_misses_are_forgotten_when_they_no_longer_hold() -> None:
    """The second look succeeds, and the operator of another near miss goes away."""
    n = chain(3)
    first, second, third = n.graph.ops

    def act(op: Op, rw: Rewriter) -> None:
        if op is first:
            require(second.output.name == "ready", "the next is not ready", at=op)
        elif op is second and op.output.name != "ready":
            rw.set_name(op.output, "ready")
            rw.set_input(op, 0, op.inputs[0])
        elif op is third:
            require(False, "never", at=op)

    trace = run(n.model, act)
    assert [miss.reason for miss in trace.near_misses] == ["never"]
    Rewriter(n.model).bypass(third, second.output)
    assert trace.near_misses == []


@dataclass(frozen=True)
class Renamer(ModelRule):
    """A rule of the whole model."""

    name: ClassVar[str] = "renamer"
    to: str | None = None

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        if self.to is not None:
            rw.set_name(model.main.inputs[0], self.to)


def test_a_rule_of_the_model_hits_only_if_it_edits() -> None:
    n, trace = chain(), Trace()
    assert not run_model_rule(n.model, Renamer(), trace)
    assert run_model_rule(n.model, Renamer("x"), trace)
    assert trace.counts == {"renamer": 1}
    assert trace.hits[0].edits == ("renamed to x",)


def test_hits_are_counted_with_their_edits() -> None:
    n = Net()
    x = n.relu(n.feed(1, 6))
    n.output(n.relu(n.reshape(n.reshape(n.reshape(x, 2, 3), 3, 2), 6)))
    trace = apply(n.model, MergeViews())
    assert trace.counts == {"merge-views": 2}
    assert all("reads" in hit.edits[0] for hit in trace.hits)


# --- The registry.


def test_rules_have_distinct_names_and_a_summary() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule.name == rule.name.lower().replace("_", "-")
        assert rule.summary.endswith(".")
        assert len(rule.summary) < 110
        assert rule.exactness.bit_exact or getattr(rule, "max_steps", None) == 0
        assert re.fullmatch(
            rf"tflopt\.rules\.\w+\.{rule.name.replace('-', '_')}", type(rule).__module__
        )


def test_the_pipeline_is_idempotent_and_deterministic() -> None:
    def build() -> Net:
        n = Net()
        x = n.relu(n.feed(1, 2, 3))
        for _ in range(3):
            x = n.reshape(n.transpose(n.transpose(x, 0, 2, 1), 0, 2, 1), 1, 2, 3)
        n.output(n.dense(n.reshape(x, 1, 6), 4), n.relu(x))
        return n

    one, two = build().model, build().model
    assert run_pipeline(one).hits
    run_pipeline(two)
    assert write_bytes(one) == write_bytes(two)
    assert not run_pipeline(one).hits
    assert QUANT
