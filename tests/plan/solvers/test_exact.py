from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan.strategies import problems
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, Solution, height_of
from tflopt.plan.solvers.exact import ExactSearch, NodeBudget, NodeLimitError, supports
from tflopt.plan.validate import validate

pytestmark = pytest.mark.unit


@settings(max_examples=60)
@given(problems(most=7), st.integers(0, 3))
def test_it_finds_exactly_what_exists(problem: Problem, seed: int) -> None:
    search = ExactSearch.of(problem)
    limit, found = 0, None
    while found is None:
        limit += 16
        found = search.fit(limit, NodeBudget(100_000), random.Random(seed))
    height = height_of(problem, found)
    assert height <= limit
    assert validate(problem, Solution(tuple(found), height)) == []
    assert search.fit(height - 16, NodeBudget(100_000)) is None


def test_a_spent_budget_is_no_answer() -> None:
    problem = Problem([Buffer(f"b{i}", Lifetime(0, 1), 16, 16) for i in range(4)])
    search = ExactSearch.of(problem)
    with pytest.raises(NodeLimitError):
        search.fit(64, NodeBudget(3))
    with pytest.raises(NodeLimitError):
        search.fit(64, NodeBudget(65, expired=lambda: True))
    assert search.fit(64, NodeBudget(4)) is not None


def test_a_deep_problem_does_not_exhaust_the_stack() -> None:
    problem = Problem([Buffer(f"b{i}", Lifetime(i, i + 2), 16, 16) for i in range(1500)])
    assert ExactSearch.of(problem).fit(32, NodeBudget(2000)) is not None


@pytest.mark.parametrize(
    ("problem", "complete"),
    [
        (Problem([Buffer("a", Lifetime(0, 1), 32, 16)]), True),
        (Problem([Buffer("a", Lifetime(0, 1), 24, 16)]), False),
        (Problem([Buffer("a", Lifetime(0, 1), 32, 16, 0)]), False),
        (Problem([Buffer("a", Lifetime(0, 1), 0, 16)]), False),
        (Problem([Buffer(n, Lifetime(0, 1), 32, 16) for n in "ab"], [Alias.equal(0, 1)]), False),
        (Problem([Buffer("a", Lifetime(0, 1), 32, a) for a in (16, 32)]), False),
    ],
)
def test_where_it_is_complete(problem: Problem, complete: bool) -> None:
    assert supports(problem) is complete
