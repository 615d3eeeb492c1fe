"""The steps that need the most, and plans that begin with them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.plan.strategies import aliased_problems
from tflopt.plan.peaks import peaks_first, peaks_of
from tflopt.plan.problem import Buffer, Lifetime, Problem, Solution
from tflopt.plan.solve import SolveOptions, solve
from tflopt.plan.validate import validate

pytestmark = pytest.mark.unit


def test_peaks_come_by_height() -> None:
    spans = [(0, 2, 64), (1, 4, 16), (3, 5, 96), (6, 7, 16), (8, 9, 80)]
    buffers = [Buffer(str(size), Lifetime(start, end), size, 16) for start, end, size in spans]
    peaks = [(span.start, span.end) for span in peaks_of(Problem(buffers), 0.7)]
    assert peaks == [(3, 4), (0, 2), (8, 9)] or peaks == [(3, 5), (1, 2), (8, 9)]


@pytest.mark.parametrize("share", [0.9, 0.6, 0.3])
@settings(max_examples=40)
@given(problem=aliased_problems(most=12))
def test_what_is_placed_first_stays_right(share: float, problem: Problem) -> None:
    solution = peaks_first(problem, share, solve)
    if solution is not None:
        assert not validate(problem, solution)


@settings(max_examples=30)
@given(problem=aliased_problems(most=30))
def test_plans_are_never_worse_for_it(problem: Problem) -> None:
    def height(*, peaks: bool) -> int:
        return solve(problem, SolveOptions(effort=0.05, peaks=peaks)).height

    assert height(peaks=True) <= height(peaks=False)


def test_one_peak_is_the_problem_itself() -> None:
    problem = Problem([Buffer("a", Lifetime(0, 2), 16, 16), Buffer("b", Lifetime(1, 2), 16, 16)])
    assert peaks_first(problem, 0.1, lambda _: Solution((0, 0), 0)) is None
