from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan.strategies import problems
from tflopt.plan.lower_bound import lower_bound
from tflopt.plan.problem import Buffer, Lifetime, Problem, Solution, height_of
from tflopt.plan.solvers.beam import BeamOptions, BeamSearch
from tflopt.plan.solvers.exact import ExactSearch
from tflopt.plan.validate import validate

pytestmark = pytest.mark.unit


def _search(problem: Problem) -> BeamSearch:
    search = BeamSearch.of(ExactSearch.of(problem))
    assert search is not None
    return search


@settings(max_examples=60)
@given(problems(), st.integers(1, 6), st.sampled_from([4.0, 16.0]))
def test_solutions_validate_and_repeat(problem: Problem, width: int, power: float) -> None:
    search, options = _search(problem), BeamOptions(width, choices=5, power=power)
    found = search.run(lower_bound(problem), options, lambda: False)
    assert found is not None
    height = height_of(problem, found)
    assert validate(problem, Solution(tuple(found), height)) == []
    assert found == search.run(lower_bound(problem), options, lambda: False)


def test_it_can_be_stopped() -> None:
    problem = Problem([Buffer("a", Lifetime(0, 1), 16, 16)])
    assert _search(problem).run(16, BeamOptions(), lambda: True) is None


def test_offsets_are_multiples_of_the_granule() -> None:
    problem = Problem([Buffer(f"b{i}", Lifetime(i, i + 2), 48, 16) for i in range(5)])
    found = _search(problem).run(96, BeamOptions(), lambda: False)
    assert found is not None
    assert height_of(problem, found) == 96
    assert {offset % 48 for offset in found} == {0}


def test_sizes_beyond_32_bits_are_refused() -> None:
    huge = [Buffer("a", Lifetime(0, 1), 1 << 40), Buffer("b", Lifetime(0, 1), 3)]
    assert BeamSearch.of(ExactSearch.of(Problem(huge))) is None
