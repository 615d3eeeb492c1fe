from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, Solution
from tflopt.plan.validate import _clashes, validate

pytestmark = pytest.mark.unit
Table: TypeAlias = npt.NDArray[np.int64]

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


def random_table(seed: int, count: int, most_steps: int) -> Table:
    """Start, end, first and last byte of buffers, some of them empty."""
    rng = np.random.default_rng(seed)
    start, low = rng.integers(0, count, count), rng.integers(0, 40, count)
    size = rng.integers(0, 9, count)
    end = start + rng.integers(1, most_steps, count)
    return np.stack([start, end, low, low + size], axis=1)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("most_steps", [2, 5, 60])
def test_all_pairs_that_clash_are_seen_and_no_others(seed: int, most_steps: int) -> None:
    table = random_table(seed, 80, most_steps)
    rows = table.tolist()
    expected = {
        (i, j)
        for i, (start, end, low, high) in enumerate(rows)
        for j, (first, last, below, above) in enumerate(rows[:i])
        if max(start, first) < min(end, last) and max(low, below) < min(high, above)
    }
    assert expected or most_steps == 2
    assert sorted(_clashes(table)) == sorted(expected)


def test_a_buffer_is_compared_with_what_lives_at_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with all: of 20,000 operators that took a fifteenth of the time."""
    compared, append = [0], np.append

    def counted(living: Table, index: int) -> Table:
        compared[0] += len(living)
        return append(living, index)

    monkeypatch.setattr(np, "append", counted)
    table = random_table(0, 2000, 5)
    list(_clashes(table))
    assert 0 < compared[0] < 10 * len(table)
