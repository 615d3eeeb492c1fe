"""How resources are weighed."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from tests.support.kit import Kit
from tests.support.worth import FORMS
from tflopt.config import Config, Goal, Limits, Strip
from tflopt.facts.convolution import Convolution, convolution
from tflopt.ir import Model, OpCode
from tflopt.ir.clone import clone
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.convolution_forms import as_dense, as_depthwise
from tflopt.rules.pipeline import Selection, make_rules, run_pipeline
from tflopt.search.book import cost_of
from tflopt.search.budget_of_forms import (
    make_budget,
    original_cost,
    planned_cost,
    unplanned_cost,
)
from tflopt.search.cost import Cost, flash_estimate
from tflopt.search.objective import Budget, worth_it
from tflopt.search.worth import FormRule, Worth
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.sharing import Sharing

pytestmark = pytest.mark.unit
COSTS = [Cost(*numbers) for numbers in product((1, 2), repeat=3)]
BUDGET = Budget(Cost(100, 100, 100), 1 << 30, 1 << 30)
M4 = Device(Target.parse("cortex-m4"))


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize("budget", [None, BUDGET])
def test_never_both_ways_round(goal: Goal, budget: Budget | None) -> None:
    for one, two in product(COSTS, repeat=2):
        assert not (worth_it(goal, one, two, budget) and worth_it(goal, two, one, budget))


@pytest.mark.parametrize(
    ("goal", "after", "better"),
    [
        (Goal.SPEED, Cost(9, 99, 99), True),
        (Goal.SPEED, Cost(11, 1, 1), False),
        (Goal.SPEED, Cost(10, 9, 10), True),
        (Goal.MEMORY, Cost(99, 99, 9), True),
        (Goal.MEMORY, Cost(1, 1, 11), False),
        (Goal.FLASH, Cost(99, 9, 99), True),
        (Goal.FLASH, Cost(1, 11, 1), False),
        (Goal.BALANCED, Cost(9, 10, 10), True),
        (Goal.BALANCED, Cost(1, 11, 10), False),
        (Goal.BALANCED, Cost(10, 10, 9), True),
        (Goal.BALANCED, Cost(10, 10, 10), False),
    ],
)
def test_goals(goal: Goal, after: Cost, better: bool) -> None:
    assert worth_it(goal, Cost(10, 10, 10), after) is better


@pytest.mark.parametrize(
    ("after", "better"),
    [(Cost(5, 16, 10), True), (Cost(5, 80, 10), False), (Cost(11, 1, 1), False)],
)
def test_with_a_budget_the_gain_must_outweigh_the_price(after: Cost, better: bool) -> None:
    assert worth_it(Goal.BALANCED, Cost(10, 10, 10), after, BUDGET) is better


@pytest.mark.parametrize(("instructions", "better"), [(980, False), (960, True)])
def test_with_a_budget_a_gain_below_the_error_counts_for_nothing(
    instructions: int, better: bool
) -> None:
    after = Cost(instructions, 10, 10)
    assert worth_it(Goal.BALANCED, Cost(1000, 10, 10), after, BUDGET) is better


@pytest.mark.parametrize("goal", list(Goal))
def test_unknown_instructions_decide_nothing(goal: Goal) -> None:
    assert not worth_it(goal, Cost(None, 10, 10), Cost(1, 1, 1))
    assert not worth_it(goal, Cost(10, 10, 10), Cost(None, 1, 1))


def grouped(channels: int = 16) -> tuple[Kit, Convolution]:
    n = Kit()
    x = n.feed(1, 16, 16, channels)
    n.output(n.conv2d(x, channels, groups=channels))
    found = convolution(n.graph.ops[0])
    assert found is not None
    return n, found


def test_a_depthwise_convolution_is_faster_on_every_core() -> None:
    _, found = grouped()
    for name in ("cortex-m4", "cortex-m55", "cortex-m3"):
        device = Device(Target.parse(name))
        choice = Worth(Goal.SPEED, device).compare([found.op], as_depthwise(found))
        assert choice.is_worth_it
        assert choice.before.instructions is not None
        assert choice.after.instructions is not None
        assert choice.after.instructions < 0.25 * choice.before.instructions
        assert choice.before.flash_bytes == choice.after.flash_bytes


def test_a_view_that_a_plan_puts_in_place_copies_nothing() -> None:
    n = Kit()
    x = n.feed(1, 96, 96, 3)
    n.reshape(x, 1, 96, 48, 6)
    n.reshape(n.constant([1] * 4096), 64, 64)
    planned, constant = (
        [cost_of(op, M4, sharing) for sharing in (Sharing.OVERLAPPING, Sharing.APART)]
        for op in n.graph.ops
    )
    assert planned[0].moved_bytes == 0
    assert planned[1].moved_bytes == x.elements
    assert (planned[0].instructions or 0) < 300
    assert (planned[1].instructions or 0) > 10_000
    assert constant[0] == constant[1]
    assert constant[0].moved_bytes == 4 * 4096


def test_scratch_counts_where_the_arena_is_fullest() -> None:
    """On MVE the depthwise function wants 4,464 bytes, which matter only at the peak."""
    n, found = grouped()
    worth = Worth(Goal.MEMORY, sharing=Sharing.IN_PLACE)
    choice = worth.compare([found.op], as_depthwise(found))
    assert choice.after.arena_bytes - choice.before.arena_bytes == 4464 - 576
    n = Kit()
    x = n.feed(1, 32, 32, 16)
    y = n.conv2d(x, 32)
    z = n.conv2d(n.pool(OpCode.MAX_POOL_2D, y, (4, 4), stride=(4, 4)), 32, groups=32)
    n.output(z)
    found = convolution(n.graph.ops[2]) or found
    choice = worth.compare([found.op], as_depthwise(found))
    assert choice.after.arena_bytes == choice.before.arena_bytes


def test_a_shared_constant_stays_in_the_file() -> None:
    n = Kit()
    x = n.feed(1, 8, 8, 4)
    n.output(n.conv2d(x, 4, groups=4))
    op = n.graph.ops[0]
    found = convolution(op)
    assert found is not None
    alone = Worth().compare([op], as_depthwise(found))
    n.output(n.op(op.code, op.inputs, op.output.shape, options=op.options, quant=(0.05, 3)))  # type: ignore[arg-type]
    shared = Worth().compare([op], as_depthwise(found))
    weights, bias = 4 * 9 + 4 * 4, 4 * 4 + 4 * 4
    assert alone.before.flash_bytes - shared.before.flash_bytes >= weights + bias
    assert shared.after.flash_bytes > shared.before.flash_bytes


def test_the_longer_life_of_a_merged_tensor_counts() -> None:
    n = Kit()
    x = n.feed(1, 32)
    one = n.relu(x)
    wide = n.fully_connected(one, 512)
    two = n.relu(x)
    n.output(n.fully_connected(wide, 32), two)
    sketch = Sketch()
    sketch.results[two] = sketch.read(one)
    assert two.producer is not None
    choice = Worth(Goal.MEMORY).compare([two.producer], sketch)
    assert choice.after.instructions == 0
    assert choice.after.arena_bytes <= choice.before.arena_bytes


def budget_of(model: Model, stripped: Model) -> Budget:
    worth = Worth()
    now = planned_cost(unplanned_cost(model, stripped, worth), stripped, worth, None)
    return make_budget(now, worth.total(model), original_cost(model, worth), Config())


def test_a_form_may_not_take_more_than_the_original_model() -> None:
    n = Kit()
    x = n.feed(1, 8, 8, 16)
    n.output(n.reduce(OpCode.MEAN, x, (1, 2)))
    budget = budget_of(n.model, n.model)
    assert budget.flash_bytes == flash_estimate(n.model), "no name was dropped, so no room"
    config = Config(device=M4)
    assert not run_pipeline(n.model, Selection(["mean-to-convolution"]), config).hits


def test_dropped_names_make_room() -> None:
    n = Kit()
    x = n.feed(1, 16, 16, 4)
    x.name = "a name that a converter wrote" * 100
    n.output(n.relu(n.reduce(OpCode.MEAN, x, (1, 2))))
    stripped = clone(n.model)
    run_pipeline(stripped, Selection(["strip-names"]), Config(strip=Strip.ALL))
    budget = budget_of(n.model, stripped)
    room = budget.flash_bytes - flash_estimate(n.model)
    assert 2000 < room < 2900, "less what plan and annotation take"


def test_forms_have_what_the_options_say() -> None:
    config = Config(device=M4, plan=None, goal=Goal.FLASH)
    forms = [rule for rule in make_rules(config) if isinstance(rule, FormRule)]
    assert {type(rule) for rule in forms} > set(FORMS)
    assert {rule.worth for rule in forms} == {Worth(Goal.FLASH, M4, sharing=Sharing.APART)}


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize("budget", [None, BUDGET, replace(BUDGET, limits=Limits(1, 1, 1))])
@pytest.mark.parametrize(("channels", "wide"), [(4, 3), (8, 1), (32, 5)])
def test_what_instructions_rule_out_is_never_worth_it(
    goal: Goal, budget: Budget | None, channels: int, wide: int
) -> None:
    n = Kit()
    n.output(n.depthwise(n.feed(1, 9, wide, channels), (5, 1)))
    (op,) = n.graph.ops
    worth, conv = Worth(goal, M4, budget=budget), convolution(op)
    assert conv is not None
    sketches = [as_dense(conv, groups) for groups in (1, 2, channels // 4)]
    taken = [sketch for sketch in sketches if worth.compare([op], sketch).is_worth_it]
    assert all(worth.may_gain([op], sketch) for sketch in taken)
    if goal is Goal.BALANCED and channels > 4 and not (budget and budget.limits):
        assert not all(worth.may_gain([op], sketch) for sketch in sketches)
