from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings

from tests.plan.strategies import aliased_problems, problems
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, Solution, height_of
from tflopt.plan.solvers.disjunctive import DisjunctiveSearch
from tflopt.plan.solvers.exact import ExactSearch, NodeBudget, NodeLimitError
from tflopt.plan.validate import validate

pytestmark = pytest.mark.unit

NODES = 100_000


def _least(problem: Problem) -> tuple[int, list[int]]:
    search, limit = DisjunctiveSearch.of(problem), 0
    while True:
        found = search.fit(limit, NodeBudget(NODES))
        if found is not None:
            return limit, found
        limit += 16


@settings(max_examples=60)
@given(problems(most=7))
def test_both_exact_searches_agree(problem: Problem) -> None:
    limit, found = _least(problem)
    assert validate(problem, Solution(tuple(found), height_of(problem, found))) == []
    search = ExactSearch.of(problem)
    assert search.fit(limit, NodeBudget(NODES)) is not None
    assert search.fit(limit - 16, NodeBudget(NODES)) is None


@settings(max_examples=60)
@given(aliased_problems(most=3))
def test_with_aliases_it_finds_exactly_what_exists(problem: Problem) -> None:
    limit, found = _least(problem)
    height = height_of(problem, found)
    assert height == limit
    assert not _broken(problem, tuple(found))
    for offsets in itertools.product(range(0, limit, 16), repeat=len(found)):
        assert height_of(problem, offsets) >= limit or _broken(problem, offsets)


def _broken(problem: Problem, offsets: tuple[int, ...]) -> bool:
    solution = Solution(offsets, height_of(problem, offsets))
    return any("different content" not in v.reason for v in validate(problem, solution))


def test_a_descending_chain_needs_its_gaps() -> None:
    """Each output may start 32 bytes below its input: 3 steps down cost 96 bytes, not a jump."""
    buffers = [Buffer(f"b{i}", Lifetime(i, i + 2), 512, 16) for i in range(4)]
    aliases = [Alias.at_least(i, i + 1, 32) for i in range(3)]
    assert _least(Problem(buffers, aliases)) == (608, [96, 64, 32, 0])


def test_pins() -> None:
    pinned = Buffer("p", Lifetime(0, 2), 32, 16, 40)
    free = Buffer("f", Lifetime(1, 3), 48, 16)
    search = DisjunctiveSearch.of(Problem([pinned, free]))
    assert search.fit(128, NodeBudget(NODES)) == [40, 80]
    assert search.fit(112, NodeBudget(NODES)) is None
    assert search.fit(64, NodeBudget(NODES)) is None


def test_a_spent_budget_is_no_answer() -> None:
    problem = Problem([Buffer(f"b{i}", Lifetime(0, 1), 16, 16) for i in range(6)])
    with pytest.raises(NodeLimitError):
        DisjunctiveSearch.of(problem).fit(96, NodeBudget(2))
