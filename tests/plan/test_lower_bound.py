from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings

from tests.plan.strategies import aliased_problems
from tflopt.plan.lower_bound import live_bytes, lower_bound
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, Solution, height_of
from tflopt.plan.validate import validate

pytestmark = pytest.mark.unit


def _step(*sizes: int) -> list[Buffer]:
    return [Buffer(f"b{i}", Lifetime(0, 1), size) for i, size in enumerate(sizes)]


def test_most_bytes_live_at_one_step() -> None:
    problem = Problem([Buffer("a", Lifetime(0, 2), 32), Buffer("b", Lifetime(1, 3), 16)])
    assert lower_bound(problem) == 48
    assert live_bytes(problem) == [(0, 32), (1, 48), (2, 16), (3, 0)]


def test_a_pinned_buffer_reaches_its_end() -> None:
    assert lower_bound(Problem([Buffer("a", Lifetime(0, 1), 32, 1, 100)])) == 132


@pytest.mark.parametrize(
    ("alias", "bound"),
    [
        (Alias.equal(0, 1), 64),
        (Alias.at_least(0, 1, 16), 64 + 16),
        (Alias.at_least(0, 1, -16), 64),
        (Alias.at_least(0, 1, 500), 96),
        (Alias.exactly(1, 0, 32), 64),
        (Alias.exactly(1, 0, 48), 80),
        (Alias(0, 1, None, None), 64),
    ],
)
def test_a_pair_covers_its_least_union(alias: Alias, bound: int) -> None:
    assert lower_bound(Problem(_step(64, 32), [alias])) == bound


def test_slices_that_may_not_overlap_each_other_add_up() -> None:
    aliases = [Alias.exactly(1, 0, 0), Alias.exactly(2, 0, 32)]
    assert lower_bound(Problem(_step(64, 32, 32), aliases)) == 64
    assert lower_bound(Problem(_step(48, 32, 32), aliases)) == 64


def test_large_groups_still_have_a_bound() -> None:
    sizes = (640,) + (64,) * 12
    aliases = [Alias.exactly(i, 0, 64 * (i - 1)) for i in range(1, 13)]
    assert lower_bound(Problem(_step(*sizes), aliases)) == 768
    whole = (768, *sizes[1:])
    assert lower_bound(Problem(_step(*whole), aliases)) == 768


def test_a_pair_next_to_parts_counts_if_it_covers_more() -> None:
    """What follows its input at a distance, the input being cut at the same step."""
    parts = [Alias.exactly(1, 0, 0), Alias(2, 0, 96, None)]
    assert lower_bound(Problem(_step(64, 32, 32), parts)) == 96


@settings(max_examples=60)
@given(aliased_problems(most=3))
def test_no_solution_is_below_it(problem: Problem) -> None:
    cells = range(0, 16 * 9, 16)
    bound = lower_bound(problem)
    for offsets in itertools.product(cells, repeat=len(problem.buffers)):
        height = height_of(problem, offsets)
        if height < bound:
            assert validate(problem, Solution(offsets, height))
