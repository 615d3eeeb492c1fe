"""``reorder-operators``: rewrites, leaves alone, keeps the order of state, idempotent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.fuzz.generate import random_model
from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tests.support.paths import TESTDATA
from tflopt.config import Config, Runtime
from tflopt.facts.state import named
from tflopt.io import read
from tflopt.ir import Model, OpCode
from tflopt.ir.clone import clone
from tflopt.ir.parse import parse
from tflopt.ir.text import dump
from tflopt.plan import offline
from tflopt.plan.lifetimes import ModelDesc, TensorAlias
from tflopt.plan.order import best_order
from tflopt.rewrite import Trace, run_model_rule
from tflopt.rules.memory.reorder_operators import ReorderOperators, order_problem
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART
from tflopt.target.memory import PlanRequest, memory_of

pytestmark = pytest.mark.runtime
RULE = ReorderOperators(request=PlanRequest(in_place=False, overlap=APART))
PADDING = ((0, 0), (0, 0), (0, 0), (0, 60))


def wide_branches(branches: int = 3, *, bands: bool = False) -> Model:
    """Each branch widens and narrows again; the given order widens all of them first."""
    n = Net()
    x = n.feed(1, 4, 4, 4)
    wide = [n.pad(x, *PADDING) for _ in range(branches)]
    narrow = [n.slice(value, (0, 0, 0, branch), (1, 4, 4, 4)) for branch, value in enumerate(wide)]
    total = narrow[0]
    for value in narrow[1:]:
        total = n.add(total, value)
    if bands:
        total = n.concat(*(n.relu(part) for part in n.split(total, 2, axis=1)), axis=1)
    n.output(total)
    return n.model


def test_branches_run_one_after_the_other() -> None:
    model = wide_branches()
    copy = check_rule(model, RULE, hits=1)
    codes = [op.code.name for op in copy.main.ops]
    assert codes[:4] == ["PAD", "SLICE", "PAD", "SLICE"]
    before, after = (memory_of(each, Device()).arena for each in (model, copy))
    assert after.minimum_bytes < before.minimum_bytes


def test_what_runs_in_bands_keeps_its_order() -> None:
    check_leaves_alone(wide_branches(bands=True), RULE)


def test_a_chain_stays() -> None:
    n = Net()
    x = n.relu(n.relu(n.feed(1, 8)))
    n.output(x)
    check_leaves_alone(n.model, RULE)


def test_an_order_that_only_lowers_the_sum_of_live_bytes_is_not_taken() -> None:
    """Where planning itself needs the most, another order gains nothing."""
    n = Net()
    x = n.input((1, 4), quant=QUANT)
    first, second = n.relu(x), n.relu(x)
    n.output(n.add(n.relu(first), n.relu(second)))
    check_leaves_alone(n.model, RULE)


def test_a_read_stays_between_the_writes_around_it() -> None:
    """Each ASSIGN_VARIABLE after what read the old content, each READ_VARIABLE after the writes."""
    model = read(TESTDATA / "streaming_variables.tflite")
    problem = order_problem(model, Device())
    ops = model.main.ops
    seen = 0
    for later, op in enumerate(ops):
        for earlier, other in enumerate(ops[:later]):
            codes = {op.code, other.code}
            writes = OpCode.ASSIGN_VARIABLE in codes
            if codes <= {OpCode.READ_VARIABLE, OpCode.ASSIGN_VARIABLE} and writes:
                alike = named(op.inputs[0]) == named(other.inputs[0])  # type: ignore[arg-type]
                assert (earlier in problem.tasks[later].after) == alike
                seen += alike
    assert seen
    order = best_order(problem).tasks
    places = {index: place for place, index in enumerate(order)}
    for index, task in enumerate(problem.tasks):
        assert all(places[other] < places[index] for other in task.after)


STATE = """
graph(%0: i8[1,64]{0.05,3}) -> %4
  %1: resource[] = VAR_HANDLE() container= shared_name=a
  %2: resource[] = VAR_HANDLE() container= shared_name=b
  %3: i8[1,64]{0.05,3} = READ_VARIABLE(%1)
   = ASSIGN_VARIABLE(%1, %0)
   = CALL_ONCE() init_subgraph_index=1
  %4: i8[1,64]{0.05,3} = READ_VARIABLE(%2)
graph() ->
  %0: resource[] = VAR_HANDLE() container= shared_name=b
   = ASSIGN_VARIABLE(%0, const i8[1,64]{0.05,3})
"""


def test_what_may_touch_any_state_stays_in_its_place() -> None:
    tasks = order_problem(parse(STATE), Device()).tasks
    assert [sorted(task.after) for task in tasks] == [[], [], [0], [0, 2], [0, 1, 2, 3], [1, 4]]


def test_the_real_inception_needs_less() -> None:
    model = read(TESTDATA / "inception.tflite")
    copy = clone(model)
    check_rule(copy, RULE, hits=1, runners=("tflm",))


@pytest.mark.parametrize("seed", range(16))
def test_no_order_is_missed_where_none_is_looked_for(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, rule = random_model(seed), ReorderOperators(request=PlanRequest())
    quick, slow = clone(model), clone(model)
    run_model_rule(quick, rule, Trace())
    monkeypatch.setattr(ReorderOperators, "_may_gain", lambda *_: True)
    run_model_rule(slow, rule, Trace())
    assert dump(quick) == dump(slow)


def test_what_was_planned_with_names_is_not_planned_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, planned = list[int](), offline._planned

    def counted(
        model: ModelDesc, aliases: Sequence[TensorAlias], options: offline.OfflineOptions
    ) -> offline._Planned:
        asked.append(model.tensor_count)
        return planned(model, aliases, options)

    monkeypatch.setattr(offline, "_planned", counted)
    model, rule = wide_branches(5), ReorderOperators(request=PlanRequest())
    assert run_model_rule(clone(model), rule, Trace())
    before = len(asked)
    for value in model.main.values:
        value.name = None
    assert run_model_rule(clone(model), rule, Trace())
    assert len(asked) == before == 2


BRANCHES = """
graph(%0: i8[1,4096]{0.05,3}, %1: i8[1,512]{0.05,3}) -> %5, %10
  %2: resource[] = VAR_HANDLE() container= shared_name=level
  %3: i8[1,4096]{0.05,3} = READ_VARIABLE(%2)
  %4: i8[1,4096]{0.05,3} = ADD(%3, %0)
   = ASSIGN_VARIABLE(%2, %4)
  %5: i8[1,4]{0.05,3} = SLICE(%4, [0, 0], [1, 4])
  %6: i8[1,5120]{0.05,3} = PAD(%1, [0, 0, 0, 4608])
  %7: i8[1,5120]{0.05,3} = PAD(%1, [0, 0, 4608, 0])
  %8: i8[1,512]{0.05,3} = SLICE(%6, [0, 4], [1, 512])
  %9: i8[1,512]{0.05,3} = SLICE(%7, [0, 8], [1, 512])
  %10: i8[1,512]{0.05,3} = ADD(%8, %9)
"""
"""The copies of a state take most; without them the wide branches do."""


def test_operators_are_ordered_again_once_states_are_written_in_place() -> None:
    codes = {}
    for runtime in (Runtime.BOTH, Runtime.TFLM):
        model = parse(BRANCHES)
        rules = Selection(only=[RULE.name, "write-states-in-place", "remove-dead"])
        run_pipeline(model, rules, Config(runtime=runtime))
        codes[runtime] = [op.code.name for op in model.main.ops]
    together = {runtime: "PAD PAD" in " ".join(names) for runtime, names in codes.items()}
    assert together == {Runtime.BOTH: True, Runtime.TFLM: False}
