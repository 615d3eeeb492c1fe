from __future__ import annotations

from dataclasses import replace

import pytest

from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, Solution
from tflopt.plan.validate import validate

pytestmark = pytest.mark.unit

TWO = Problem([Buffer("a", Lifetime(0, 2), 32, 16), Buffer("b", Lifetime(1, 3), 32, 16)])


def test_a_right_solution_passes() -> None:
    assert validate(TWO, Solution((0, 32), 64)) == []


def test_a_clash_names_both_buffers_and_the_step() -> None:
    (violation,) = validate(TWO, Solution((0, 16), 48))
    assert violation.buffers == ("b", "a")
    assert str(violation) == "b and a: bytes 16..48 and 0..32 overlap at step 1"


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        (Solution((0,), 32), "1 offset for 2 buffers"),
        (Solution((0, 40), 72), "not a multiple of 16"),
        (Solution((-32, 0), 32), "negative offset"),
        (Solution((0, 32), 60), "the height is 64, not 60"),
        (Solution((0, 32), 64, lower_bound=80), "below its bound"),
    ],
)
def test_each_broken_rule_has_a_reason(solution: Solution, reason: str) -> None:
    assert any(reason in str(violation) for violation in validate(TWO, solution))


def test_capacity_and_pins() -> None:
    assert validate(replace(TWO, capacity=48), Solution((0, 32), 64))
    pinned = Problem([replace(TWO.buffers[0], fixed_offset=64), TWO.buffers[1]])
    assert validate(pinned, Solution((0, 32), 64))
    assert validate(pinned, Solution((64, 0), 96)) == []


def test_an_alias_permits_its_distances_only() -> None:
    problem = replace(TWO, aliases=[Alias.at_least(0, 1, 16)])
    assert validate(problem, Solution((16, 0), 48)) == []
    assert validate(problem, Solution((0, 0), 32))
    mirrored = replace(TWO, aliases=[Alias.at_least(1, 0, 16)])
    assert validate(mirrored, Solution((0, 16), 48)) == []


def test_different_content_may_meet_in_one_step_only() -> None:
    long = Problem(
        [Buffer("a", Lifetime(0, 4), 32), Buffer("b", Lifetime(1, 4), 32)], [Alias.equal(0, 1)]
    )
    assert "different content" in str(validate(long, Solution((0, 0), 32))[0])
    shared = replace(long, aliases=[Alias.equal(0, 1, shares_content=True)])
    assert validate(shared, Solution((0, 0), 32)) == []


def test_empty_buffers_clash_with_nothing() -> None:
    problem = Problem([Buffer("a", Lifetime(0, 1), 0), Buffer("b", Lifetime(0, 1), 16)])
    assert validate(problem, Solution((0, 0), 16)) == []
