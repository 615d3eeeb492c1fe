"""How far a balanced result grows, and that somebody who refuses is heard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fuzz.generate import random_model
from tests.support.kit import Kit
from tflopt.annotation.annotate import Annotate
from tflopt.config import Config, Limits, Runtime
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, Op, OpCode
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.product.trades import trade_notes
from tflopt.search.cost import Cost
from tflopt.search.growth import Refusal, raised
from tflopt.search.objective import Budget, Growth, excess, growths, most_growth
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest

pytestmark = pytest.mark.unit
ORIGINAL = Cost(1_000_000, 100_000, 100_000)
BUDGET = Budget(ORIGINAL, 100_000, 100_000)
PLAIN = Settings(samples=None, annotate=Annotate.NONE)
APART = replace(PLAIN, config=Config(plan=PlanRequest(overlap="")))
"""Outputs don't lie over the inputs that they consume."""


def ops(count: int) -> list[Op]:
    n = Kit()
    x = n.feed(1, 4)
    for _ in range(count):
        x = n.relu(x)
    return list(n.graph.ops)


def level(*refusals: Refusal) -> Budget | None:
    refused = {op: [each] for op, each in zip(ops(len(refusals)), refusals, strict=True)}
    return raised(BUDGET, ORIGINAL, refused, BUDGET)


def test_layers_that_use_the_same_head_share_its_price() -> None:
    """4 % of the arena cost 16 % of the instructions: one layer saves 10 %, three save 30 %."""
    one = Refusal(100_000, 4_000, 0, 0)
    assert level(one) is None
    found = level(one, one, one)
    assert found is not None
    assert (found.arena_bytes, found.flash_bytes) == (104_000, 100_000)


def test_tails_and_constants_add_up() -> None:
    found = level(*[Refusal(200_000, 0, 500, 1_000)] * 2)
    assert found is not None
    assert (found.arena_bytes, found.flash_bytes) == (101_000, 102_000)


def test_the_level_ends_where_the_last_byte_no_longer_pays() -> None:
    found = level(Refusal(400_000, 1_000, 0, 0), Refusal(10_000, 4_000, 0, 0))
    assert found is not None
    assert found.arena_bytes == 101_000


def test_the_form_of_an_operator_that_pays_for_itself_is_taken() -> None:
    """Not the one that saves most: its constants would cost more than it saves beyond the other."""
    [op] = ops(1)
    large, small = Refusal(310_000, 0, 0, 4_900), Refusal(300_000, 0, 0, 1_000)
    found = raised(BUDGET, ORIGINAL, {op: [large, small]}, BUDGET)
    assert found is not None
    assert found.flash_bytes == 101_000


def test_a_tail_for_which_there_is_room_has_no_price() -> None:
    [op] = ops(1)
    lesser, better = Refusal(60_000, 0, 0, 1_000), Refusal(100_000, 0, 4_000, 1_100)
    for arena_bytes, flash_bytes in ((95_000, 101_100), (100_000, 101_000)):
        now = Cost(1_000_000, 100_000, arena_bytes)
        found = raised(BUDGET, now, {op: [lesser, better]}, BUDGET)
        assert found is not None
        assert found.flash_bytes == flash_bytes


def test_a_search_that_begins_again_finds_the_model_as_large_as_it_was() -> None:
    """A form was refused before others made the model smaller: below their ceilings it is again."""
    [op] = ops(1)
    totals = Cost(1_200_000, 99_000, 103_000), Cost(1_000_000, 99_500, 105_000)
    refused = {op: [Refusal(200_000, 2_000, 0, 500, totals)]}
    found = [raised(BUDGET, ORIGINAL, refused, BUDGET, anew=anew) for anew in (False, True)]
    assert [(b.arena_bytes, b.flash_bytes) for b in found if b] == [
        (102_000, 100_500),
        (105_000, 100_500),
    ]


def test_what_is_refused_early_is_taken_once_others_made_room() -> None:
    """Three depthwise and a CONCATENATION for a multiplier of 3, in front of a MEAN that goes."""
    model = read_bytes(write_bytes(random_model(30)))
    config = Config(device=Device.of("cortex-m0"), runtime=Runtime.TFLM)
    result = result_of(model, replace(PLAIN, config=config))
    assert "expand-depth-multiplier" in result.trace.counts


def test_nothing_pays_for_more_than_the_most() -> None:
    assert most_growth(100_000) == 5_000
    assert most_growth(10_000) == 4_096
    assert level(Refusal(990_000, 5_001, 0, 0)) is None
    assert level(Refusal(990_000, 0, 0, 5_001)) is None


@pytest.mark.parametrize(("grown", "share", "paid"), [(5_000, 0.2, True), (5_000, 0.19, False)])
def test_a_growth_is_paid_for_at_four_times_its_share(grown: int, share: float, paid: bool) -> None:
    assert Growth("arena", 100_000, grown, share).is_paid is paid


@pytest.mark.parametrize(("share", "paid"), [(0.05, True), (0.04, False)])
def test_a_small_file_counts_as_16_kib(share: float, paid: bool) -> None:
    """The tables of an operator more are a third of a file of one layer."""
    assert Growth("flash", 600, 200, share).is_paid is paid
    assert not Growth("arena", 600, 200, share).is_paid


@pytest.mark.parametrize(("grown", "fits"), [(200, True), (400, True), (1_000, False)])
def test_a_search_prices_a_small_file_as_what_judges_it_does(grown: int, fits: bool) -> None:
    original = Cost(1_000_000, 600, 100_000)
    budget = Budget(original, 600, 100_000)
    [op] = ops(1)
    refused = {op: [Refusal(200_000, 0, 0, grown)]}
    assert (raised(budget, original, refused, budget) is not None) is fits
    assert Growth("flash", 600, grown, 0.2).is_paid is fits


def test_what_was_above_the_original_already_is_no_growth() -> None:
    start, result = Cost(900_000, 120_000, 90_000), Cost(500_000, 121_000, 99_000)
    assert growths(ORIGINAL, start, result) == [Growth("flash", 100_000, 1_000, 400 / 900)]


def test_limits_count_what_exceeds_them() -> None:
    assert excess(Limits(), ORIGINAL) == 0
    assert excess(Limits(arena_bytes=50_000, instructions=2_000_000), ORIGINAL) == 1


def grouped(layers: int = 3) -> Model:
    n = Kit()
    x = n.feed(1, 32, 32, 16)
    for _ in range(layers):
        x = n.conv2d(x, 16, groups=16)
    n.output(x)
    return read_bytes(write_bytes(n.model))


def result_of(model: Model, settings: Settings = PLAIN) -> Result:
    return optimize_file_bytes(model, write_bytes(model), settings)


def test_three_grouped_layers_become_depthwise_and_say_what_that_costs() -> None:
    """Measured for one of them: 9.3 M instructions to 1.2 M (docs/forms.md)."""
    result = result_of(grouped(), APART)
    assert [op.code for op in result.model.ops()] == [OpCode.DEPTHWISE_CONV_2D] * 3
    assert result.memory_before is not None
    before = result.memory_before.arena.minimum_bytes
    [note] = trade_notes(result, APART)
    assert note.startswith("the arena takes 3,888 bytes more than the original's (+11.3 %) for 89")
    assert note.endswith(f"--max-arena {before} refuses it.")


def test_without_the_exchange_nothing_grows() -> None:
    settings = replace(APART, config=replace(APART.config, exchange=False))
    result = result_of(grouped(), settings)
    assert [op.code for op in result.model.ops()] == [OpCode.CONV_2D] * 3
    assert not trade_notes(result, settings)


def test_outputs_that_lie_over_their_inputs_leave_room_for_scratch() -> None:
    """Forms are weighed with the overlaps that the plan will have: nothing has to grow."""
    settings = replace(PLAIN, config=Config(exchange=False))
    result = result_of(grouped(), settings)
    assert [op.code for op in result.model.ops()] == [OpCode.DEPTHWISE_CONV_2D] * 3
    assert result.memory_before is not None and result.memory_after is not None
    least = result.memory_before.arena.minimum_bytes
    assert result.memory_after.arena.minimum_bytes < 0.7 * least
