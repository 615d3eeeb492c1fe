"""Limits steer; a result that is worse than the original is not the last one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fuzz.generate import random_model
from tests.search.test_growth import APART, PLAIN, grouped, result_of
from tests.support.kit import Kit
from tflopt.config import Config, Goal, Tiling
from tflopt.errors import ArenaError, FlashError, InstructionsError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, OpCode
from tflopt.product.choose import Draft, MakeDraft, choose, cost_of_original, make_draft
from tflopt.product.settings import Settings
from tflopt.rewrite.watch import Watch, verify_runs
from tflopt.rules.tiling.tile_layers import TileLayers
from tflopt.search.objective import growths
from tflopt.target.device import Device

pytestmark = pytest.mark.unit


def chosen(model: Model, settings: Settings) -> tuple[Draft, list[str]]:
    said: list[str] = []
    return choose(model, write_bytes(model), settings, said.append, verify_runs), said


def test_a_limit_that_is_kept_anyway_costs_no_search() -> None:
    draft, said = chosen(grouped(), replace(PLAIN, max_arena_bytes=100_000))
    assert said == ["rewriting"]
    assert {op.code for op in draft.model.ops()} == {OpCode.DEPTHWISE_CONV_2D}


@pytest.mark.parametrize("goal", [Goal.BALANCED, Goal.SPEED])
def test_an_arena_that_is_limited_keeps_the_forms_that_fit(goal: Goal) -> None:
    """The depthwise functions want 3,888 bytes more; the limit is what the original takes."""
    config = replace(APART.config, goal=goal)
    settings = replace(APART, config=config, max_arena_bytes=34_496)
    draft, said = chosen(grouped(), settings)
    assert draft.whole.arena_bytes <= 34_496
    assert {op.code for op in draft.model.ops()} == {OpCode.CONV_2D}
    assert said[1] == "searching: 2 results"


def test_a_limit_is_exceeded_by_as_little_as_possible() -> None:
    with pytest.raises(ArenaError) as caught:
        result_of(grouped(), replace(APART, max_arena_bytes=30_000))
    assert caught.value.need_bytes <= 34_496
    assert "the closest of " in str(caught.value)


def test_speed_is_found_where_the_goal_is_another_one() -> None:
    config = replace(APART.config, goal=Goal.MEMORY)
    slow, _ = chosen(grouped(), replace(PLAIN, config=config))
    assert slow.cost.instructions is not None
    assert slow.cost.instructions > 2_000_000
    fast, _ = chosen(grouped(), replace(PLAIN, config=config, max_instructions=2_000_000))
    assert fast.cost.instructions is not None
    assert fast.cost.instructions <= 2_000_000


@pytest.mark.parametrize(
    ("limits", "error"),
    [({"max_flash_bytes": 500}, FlashError), ({"max_instructions": 10}, InstructionsError)],
)
def test_what_cannot_be_kept_fails(limits: dict[str, int], error: type[Exception]) -> None:
    with pytest.raises(error, match="the closest of "):
        result_of(grouped(1), replace(PLAIN, **limits))  # type: ignore[arg-type]


def test_more_effort_looks_further_and_is_never_worse() -> None:
    first, said = chosen(grouped(), PLAIN)
    assert said == ["rewriting"]
    best, said = chosen(grouped(), replace(PLAIN, effort=1.5))
    assert len(said) > 1
    assert best.cost == first.cost


@pytest.mark.parametrize("effort", [1.0, 1.5])
def test_bands_that_were_asked_for_may_cost_what_is_allowed(effort: float) -> None:
    """They are slower than the original, and the file grows."""
    n = Kit()
    x = n.conv2d(n.feed(1, 12, 12, 8), 64, (1, 1))
    n.output(n.conv2d(x, 4, (3, 3), stride=(2, 2)))
    without, _ = chosen(n.model, PLAIN)
    config = Config(tiling=Tiling(3.0))
    draft, said = chosen(n.model, replace(PLAIN, config=config, effort=effort))
    assert (said == ["rewriting"]) == (effort == 1.0)
    assert draft.trace.counts[TileLayers.name] == 1
    assert draft.cost.arena_bytes < without.cost.arena_bytes
    assert without.cost.instructions is not None
    assert draft.cost.instructions is not None
    assert 1 < draft.cost.instructions / without.cost.instructions <= 4


def drafts_of(arenas: dict[Goal, int]) -> tuple[MakeDraft, list[tuple[Goal, bool]]]:
    """Makes results of so much arena, and what was asked for: goal, and whether with bands."""
    asked: list[tuple[Goal, bool]] = []

    def make(original: Model, data: bytes, settings: Settings, watch: Watch) -> Draft:
        goal, banded = settings.config.goal, settings.config.tiling is not None
        asked.append((goal, banded))
        untiled = replace(settings, config=replace(settings.config, tiling=None))
        draft = make_draft(original, data, untiled, watch)
        return replace(draft, cost=replace(draft.cost, arena_bytes=arenas[goal]))

    return make, asked


@pytest.mark.parametrize(
    ("memory", "balanced", "taken"),
    [
        (900, 1000, Goal.MEMORY),
        (1000, 900, Goal.BALANCED),
        (900, 900, Goal.BALANCED),  # the same arena in fewer instructions
    ],
)
def test_the_least_arena_is_looked_for_with_the_forms_that_plan_best(
    memory: int, balanced: int, taken: Goal
) -> None:
    make, asked = drafts_of({Goal.MEMORY: memory, Goal.BALANCED: balanced})
    settings = replace(PLAIN, config=replace(APART.config, goal=Goal.MEMORY, tiling=Tiling(0.1)))
    model = grouped()
    draft = choose(model, write_bytes(model), settings, lambda _: None, verify_runs, make)
    assert asked == [(Goal.MEMORY, False), (Goal.BALANCED, False), (taken, True)]
    assert draft.cost.arena_bytes == min(memory, balanced)


def test_other_goals_make_one_result() -> None:
    make, asked = drafts_of({Goal.BALANCED: 1000})
    model = grouped()
    choose(model, write_bytes(model), PLAIN, lambda _: None, verify_runs, make)
    assert asked == [(Goal.BALANCED, False)]


@pytest.mark.parametrize("grows", [True, False])
def test_growth_that_nobody_tried_need_not_be_forbidden(grows: bool) -> None:
    n = Kit()
    n.output(n.conv2d(n.feed(1, 6, 6, 8), 8))
    draft, _ = chosen(grouped() if grows else n.model, APART)
    frugal = replace(draft.settings, config=replace(draft.settings.config, exchange=False))
    assert draft.is_result_of(frugal) is not grows
    assert not draft.is_result_of(replace(frugal, config=Config(goal=Goal.SPEED)))


def test_what_estimates_see_too_small_grows_no_arena_either() -> None:
    """The plan took 256 bytes more than the original's, for less than that costs."""
    model = random_model(253)
    data = write_bytes(model)
    settings = replace(PLAIN, config=Config(device=Device.of("cortex-m0", "4ab83cc")))
    draft, _ = chosen(read_bytes(data), settings)
    before = cost_of_original(read_bytes(data), data, settings)
    assert all(growth.is_paid for growth in growths(before, before, draft.cost))
