"""What the search for bands finds, and that it is the same each time."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from typing import cast

import pytest

from tests.support.kit import Kit
from tflopt.ir import Model, Padding
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.tiling.costs import CostBook
from tflopt.tiling.measure import Bench
from tflopt.tiling.moves import Segments, neighbour
from tflopt.tiling.search import SearchResult, _Hunt, search
from tflopt.tiling.windows import Windows
from tflopt.tiling.wish import Wish

pytestmark = pytest.mark.unit


def net() -> Model:
    n = Kit()
    x = n.conv2d(n.feed(1, 16, 16, 8), 64, (1, 1))
    n.output(n.conv2d(x, 4, (3, 3), stride=(2, 2)))
    return n.model


def find() -> SearchResult:
    return search(net(), Device(), PlanRequest(), lambda b: Wish(3 * b.instructions))


@cache
def found() -> SearchResult:
    return find()


def test_nothing_that_was_planned_is_better_than_what_was_found() -> None:
    tried = found().tried
    assert tried[()] == found().before
    assert tried[found().segments] == found().after
    assert len(tried) > 1
    assert all(measure.planned for measure in tried.values())
    assert min(measure.arena_bytes for measure in tried.values()) == found().after.arena_bytes


def test_another_run_finds_the_same() -> None:
    again = find()
    assert again.tried == found().tried
    assert again.evaluations == found().evaluations


def test_the_best_is_what_it_is_measured_to_be() -> None:
    bench = Bench(net(), CostBook(Device(), PlanRequest()))
    assert bench.measure(found().segments, 1.0) == found().after
    assert found().after.arena_bytes < found().before.arena_bytes


def test_no_plan_is_looked_for_where_the_arena_is_enough() -> None:
    result = search(net(), Device(), PlanRequest(), lambda b: Wish(1 << 40, b.arena_bytes))
    assert result.segments == ()
    assert result.evaluations == 1


def test_an_output_of_one_row_and_one_column_is_no_new_band() -> None:
    """A single band has no cut that a later move could shift."""
    n = Kit()
    x = n.conv2d(n.feed(1, 4, 4, 2), 8, (3, 3), padding=Padding.SAME)
    n.output(n.conv2d(x, 8, (4, 4), padding=Padding.VALID))
    windows = Windows(Bench(n.model, CostBook(Device(), PlanRequest())))
    windows.hottest = (((0, 1), 1),)
    assert windows.rows(1) == 1
    for seed in range(20):
        assert not neighbour((), windows, random.Random(seed))


def test_the_most_promising_is_found_without_asking_again() -> None:
    """Energies that rose since are put in order once each, not all of them after each rise."""
    rises, asked = {(n,): 2 * n for n in range(500)}, Counter[object]()

    class Known(_Hunt):
        def __init__(self) -> None:
            self.energies = cast("dict[Segments, float]", dict.fromkeys(rises, 0.0))

        @property
        def best(self) -> tuple[int, ...]:
            return (0,)

        def _energy(self, segments: Segments) -> float:
            asked[segments] += 1
            self.energies[segments] = rises[cast("tuple[int]", segments)]
            return self.energies[segments]

        def _promises(self, segments: Segments, best: tuple[int, ...]) -> bool:
            return cast("tuple[int]", segments)[0] >= 300

    assert Known()._most_promising() == cast("Segments", (300,))
    assert max(asked.values()) <= 2
