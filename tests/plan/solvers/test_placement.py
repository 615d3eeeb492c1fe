from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan.strategies import aliased_problems, problems
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, Solution
from tflopt.plan.solvers.heuristics import ORDERS, heuristic_solutions, orders, runtime_solution
from tflopt.plan.solvers.local_search import improve, order_of
from tflopt.plan.solvers.merge import merge
from tflopt.plan.solvers.placement import Arrangement, Conflicts, Placer
from tflopt.plan.validate import validate

pytestmark = pytest.mark.unit


def _two(*aliases: Alias) -> Problem:
    buffers = [Buffer("a", Lifetime(0, 2), 64, 16), Buffer("b", Lifetime(1, 3), 32, 16)]
    return Problem(buffers, aliases)


@given(aliased_problems(), st.booleans(), st.randoms(use_true_random=False))
def test_any_order_gives_a_valid_placement(
    problem: Problem, best_fit: bool, rng: random.Random
) -> None:
    order = list(range(len(problem.buffers)))
    rng.shuffle(order)
    found = Placer(Conflicts.of(problem), best_fit).place(order)
    assert found is not None
    broken = validate(problem, Solution(tuple(found[0]), found[1]))
    assert [v for v in broken if "different content" not in v.reason] == []


def test_an_alias_cuts_a_window_out_of_the_forbidden_offsets() -> None:
    assert Conflicts.of(_two()).neighbours[1] == ((0, -32, 64),)
    conflicts = Conflicts.of(_two(Alias.exactly(1, 0, 16)))
    assert conflicts.neighbours[1] == ((0, -32, 16), (0, 16, 64))
    assert conflicts.neighbours[0] == ((1, -64, -16), (1, -16, 32))
    upwards = Conflicts.of(_two(Alias.at_least(1, 0, 0)))
    assert upwards.neighbours[1] == ((0, -32, 0),)


def test_best_fit_takes_the_tightest_gap() -> None:
    spans = [(64, 0), (16, 96), (16, 144)]
    pinned = [Buffer(f"p{at}", Lifetime(0, 1), size, 16, at) for size, at in spans]
    problem = Problem([*pinned, Buffer("x", Lifetime(0, 1), 32, 16)])
    wide = Problem([*pinned[:1], pinned[2], Buffer("x", Lifetime(0, 1), 32, 16)])
    assert Placer(Conflicts.of(problem), best_fit=True).place([3]) == ([0, 96, 144, 64], 160)
    assert Placer(Conflicts.of(problem)).place([3]) == ([0, 96, 144, 64], 160)
    assert Placer(Conflicts.of(wide)).place([2]) == ([0, 144, 64], 160)


def test_a_limit_ends_a_placement_early() -> None:
    placer = Placer(Conflicts.of(_two()))
    assert placer.place([0, 1], limit=96) is None
    assert placer.place([0, 1], limit=97) == ([0, 64], 96)


@given(problems())
def test_heuristics_improve_one_by_one(problem: Problem) -> None:
    heights = [s.height for s in heuristic_solutions(Conflicts.of(problem), None)]
    assert heights == sorted(set(heights), reverse=True)
    assert [name for name, _ in orders(problem)] == list(ORDERS)


def test_the_runtime_has_no_solution_where_it_breaks_an_alignment() -> None:
    odd = [Buffer("a", Lifetime(0, 1), 24, 16), Buffer("b", Lifetime(0, 1), 24, 16)]
    assert runtime_solution(Problem(odd)) is None


@given(problems(), st.integers(0, 5))
def test_local_search_never_loses(problem: Problem, seed: int) -> None:
    conflicts = Conflicts.of(problem)
    first = next(iter(heuristic_solutions(conflicts, None)))
    order = order_of(problem, first)
    if len(order) < 2:
        return
    found = improve(conflicts, order, 0, 80, seed, lambda: False)
    again = improve(conflicts, order, 0, 80, seed, lambda: False)
    assert found is not None
    assert found == again
    assert found.height <= first.height
    assert validate(problem, found) == []


@given(st.one_of(problems(), aliased_problems()), st.integers(0, 1000))
def test_a_move_is_as_good_as_placing_all_again(problem: Problem, seed: int) -> None:
    """The same offsets, in the same order; or none, where the height would grow."""
    conflicts, rng = Conflicts.of(problem), random.Random(seed)
    order = rng.sample(range(len(problem.buffers)), len(problem.buffers))
    now = Arrangement(conflicts, order)
    for _ in range(12 if len(order) > 1 else 0):
        source = rng.randrange(1, len(order))
        target = rng.randrange(source)
        trial = list(now.order)
        trial.insert(target, trial.pop(source))
        expected = Placer(conflicts).place(trial, now.height + 1)
        unchanged = (list(now.offsets), now.height, list(now.order))
        assert now.move(source, target) == (expected is not None)
        wanted = unchanged if expected is None else (*expected, trial)
        assert (now.offsets, now.height, now.order) == wanted


@given(aliased_problems())
def test_merged_problems_expand_to_valid_solutions(problem: Problem) -> None:
    merged = merge(problem)
    if merged is None:
        return
    found = Placer(Conflicts.of(merged.problem)).place(range(len(merged.problem.buffers)))
    assert found is not None
    offsets = merged.expand(found[0])
    top = max(o + b.size_bytes for o, b in zip(offsets, problem.buffers, strict=True))
    broken = validate(problem, Solution(tuple(offsets), top))
    assert [v for v in broken if "different content" not in v.reason] == []


def test_a_chain_of_in_place_operators_becomes_one_buffer() -> None:
    buffers = [Buffer(f"b{i}", Lifetime(i, i + 2), 32, 16) for i in range(4)]
    merged = merge(Problem(buffers, [Alias.equal(i + 1, i) for i in range(3)]))
    assert merged is not None
    assert merged.problem.buffers == [Buffer("b0+b1+b2+b3", Lifetime(0, 5), 32, 16)]
    assert merged.expand([48]) == [48] * 4
    assert merge(Problem(buffers)) is None
