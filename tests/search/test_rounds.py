"""When a search would come to the same below other ceilings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.search.test_growth import BUDGET, ORIGINAL, ops
from tflopt.ir import Model
from tflopt.search.cost import Cost
from tflopt.search.growth import Refusal
from tflopt.search.objective import Budget
from tflopt.search.rounds import BudgetAt, Refused, Round, Search

pytestmark = pytest.mark.unit
NOW = Cost(1_000_000, 100_000, 100_000)
LARGER = Cost(900_000, 101_000, 100_000)
DEAR = Refusal(100_000, 0, 0, 1_000, totals=(NOW, LARGER))


def refused(*refusals: Refusal) -> Refused:
    return {op: [each] for op, each in zip(ops(len(refusals)), refusals, strict=True)}


def always(budget: Budget | None) -> BudgetAt:
    def budget_at(_: Model) -> Budget | None:
        return budget

    return budget_at


def search(*refusals: Refusal, steered: bool = False, total: Cost | None = None) -> Search:
    forms = refused(*refusals)
    return Search((Round(Model(), BUDGET, forms),), steered, total, (forms,))


def ceilings(flash: int = 100_000, arena: int = 100_000) -> BudgetAt:
    return always(Budget(ORIGINAL, flash, arena))


@pytest.mark.parametrize(
    ("budget_at", "alike"),
    [
        (ceilings(), True),
        (ceilings(flash=100_999), True),
        (ceilings(flash=101_000), False),  # what was refused fits
        (ceilings(arena=99_999), False),  # what was taken may not fit
        (always(None), False),
    ],
)
def test_ceilings_decide_alike_as_long_as_the_same_is_above_them(
    budget_at: BudgetAt, alike: bool
) -> None:
    assert search(DEAR).is_alike(budget_at) is alike


def test_without_refusals_ceilings_decide_nothing() -> None:
    assert search().is_alike(always(None))
    assert not search(steered=True).is_alike(ceilings())


def test_what_was_refused_for_an_unknown_total_may_fit() -> None:
    assert not search(replace(DEAR, totals=None)).is_alike(ceilings())


def test_growth_that_would_be_paid_for_is_tried() -> None:
    """1 % of flash for 10 % of the instructions."""
    assert search(DEAR, total=NOW).is_alike(ceilings()) is False
    cheap = replace(DEAR, saved=30_000)
    assert search(cheap, total=NOW).is_alike(ceilings())
