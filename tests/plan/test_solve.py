from __future__ import annotations

import itertools
import random
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings

from tests.plan.strategies import aliased_problems, problems
from tests.support.waiting import cpu_s
from tflopt.errors import PlanError
from tflopt.plan import searches
from tflopt.plan.culprits import culprits_of
from tflopt.plan.lower_bound import lower_bound
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, Solution, restricted
from tflopt.plan.solve import SolveOptions, solve
from tflopt.plan.solvers import local_search
from tflopt.plan.solvers.heuristics import runtime_solution
from tflopt.plan.solvers.placement import Conflicts, Placer
from tflopt.plan.validate import validate

pytestmark = pytest.mark.unit


@given(problems())
def test_solutions_validate_and_beat_the_runtime(problem: Problem) -> None:
    solution = solve(problem)
    assert validate(problem, solution) == []
    assert solution.height >= lower_bound(problem)
    runtime = runtime_solution(problem)
    assert runtime is not None
    assert solution.height <= runtime.height


@given(aliased_problems())
def test_aliased_solutions_validate(problem: Problem) -> None:
    solution = solve(problem)
    assert solution.proven
    pairs = [v for v in validate(problem, solution) if "different content" not in v.reason]
    assert pairs == []


@settings(max_examples=60)
@given(problems(most=6))
def test_small_problems_are_solved_exactly(problem: Problem) -> None:
    solution = solve(problem)
    placer = Placer(Conflicts.of(problem))
    heights = []
    for order in itertools.permutations(range(len(problem.buffers))):
        found = placer.place(order)
        assert found is not None
        heights.append(found[1])
    assert (solution.height, solution.proven) == (min(heights), True)


@given(problems())
def test_one_seed_gives_one_solution(problem: Problem) -> None:
    options = SolveOptions(seed=7)
    assert solve(problem, options) == solve(problem, options)


def test_no_buffers_and_empty_buffers() -> None:
    assert solve(Problem([])).height == 0
    empty = Buffer("e", Lifetime(0, 9), 0, 16)
    full = Buffer("f", Lifetime(0, 1), 32, 16)
    assert solve(Problem([empty])).offsets == (0,)
    assert solve(Problem([empty, full])).height == 32


def _hard() -> Problem:
    """First fit by any order fails, and the bound can't be reached: 5 bytes live, 6 needed."""
    spans = [(0, 2, 2), (1, 4, 1), (3, 6, 2), (5, 8, 3), (3, 5, 2), (6, 9, 1), (0, 1, 3), (4, 7, 1)]
    buffers = [Buffer(f"b{i}", Lifetime(a, b), s) for i, (a, b, s) in enumerate(spans)]
    return Problem(buffers)


def test_switches_and_limits_only_lose_quality() -> None:
    best = solve(_hard())
    for options in (
        SolveOptions(exact=False),
        SolveOptions(local_search=False),
        SolveOptions(beam=False),
        SolveOptions(exact=False, beam=False, local_search=False),
        SolveOptions(time_limit_s=0.0),
        SolveOptions(effort=0.0),
    ):
        worse = solve(_hard(), options)
        assert validate(_hard(), worse) == []
        assert worse.height >= best.height


def test_local_search_is_told_what_nothing_is_below(monkeypatch: pytest.MonkeyPatch) -> None:
    goals = []

    def improve(*of: Any) -> Solution:  # noqa: ANN401 (passed on)
        goals.append(of[2])
        return local_search.improve(*of)

    monkeypatch.setattr(searches, "improve", improve)
    spans = [(0, 4, 4), (1, 5, 4), (2, 5, 9), (3, 5, 3), (4, 7, 1), (5, 9, 9)]
    buffers = [Buffer(f"b{i}", Lifetime(a, b), s) for i, (a, b, s) in enumerate(spans)]
    problem = Problem(buffers, [Alias(i, i + 1, 0, 0) for i in range(3)])
    solution = solve(problem, SolveOptions(time_limit_s=1e9))  # which is not remembered
    assert (lower_bound(problem), solution.height, solution.proven) == (13, 14, True)
    assert goals == [14]


@given(aliased_problems(most=14))
def test_the_short_proof_before_local_search_changes_no_plan(problem: Problem) -> None:
    never = SolveOptions(time_limit_s=1e9)
    with mock.patch.object(searches, "_FIRST_PROOF", 0.0):
        without = solve(problem, never)
    assert solve(problem, never) == without


def test_pins_are_kept_and_clashing_ones_refused() -> None:
    free = Buffer("free", Lifetime(0, 3), 32, 16)
    pinned = Buffer("pinned", Lifetime(1, 2), 32, 16, 16)
    solution = solve(Problem([free, pinned]))
    assert solution.offsets == (48, 16)
    with pytest.raises(PlanError) as error:
        solve(Problem([pinned, Buffer("other", Lifetime(0, 3), 32, 16, 0)]))
    assert error.value.culprits == ("pinned", "other")


def test_pinned_aliases_may_overlap() -> None:
    pins = [Buffer(n, Lifetime(0, 1), 32, 16, at) for n, at in (("a", 0), ("b", 16))]
    assert solve(Problem(pins, [Alias.at_least(1, 0, 16)])).height == 48


def test_what_does_not_fit_names_a_smallest_set() -> None:
    sizes = {"big": 64, "middle": 48, "small": 16}
    buffers = [Buffer(n, Lifetime(0, 1), s) for n, s in sizes.items()]
    buffers.append(Buffer("elsewhere", Lifetime(5, 6), 100))
    with pytest.raises(PlanError) as error:
        solve(Problem(buffers, capacity=100))
    assert error.value.culprits == ("big", "middle")
    assert error.value.need_bytes == 128
    assert culprits_of(Problem(buffers), 128) == ()
    assert solve(Problem(buffers, capacity=128)).height == 128


@settings(max_examples=60)
@given(aliased_problems(most=6))
def test_culprits_are_minimal(problem: Problem) -> None:
    capacity = solve(problem).height - 16
    names = culprits_of(problem, capacity)
    kept = [i for i, b in enumerate(problem.buffers) if b.name in names]
    assert kept  # small problems are always decided
    assert solve(restricted(problem, kept)).height > capacity
    for index in kept:
        fewer = [i for i in kept if i != index]
        assert lower_bound(restricted(problem, fewer)) <= capacity


def test_two_thousand_buffers_in_seconds() -> None:
    rng = random.Random(0)
    buffers = []
    for index in range(2000):
        start = rng.randrange(2000)
        length = 1 + int(rng.expovariate(0.1))
        size = 16 * rng.randint(1, 400)
        buffers.append(Buffer(f"b{index}", Lifetime(start, start + length), size, 16))
    problem = Problem(buffers)
    begin = cpu_s()
    solution = solve(problem)
    assert cpu_s() - begin < 10
    assert solution.height >= solution.lower_bound
