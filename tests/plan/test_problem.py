from __future__ import annotations

import pytest

from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, align_up, height_of

pytestmark = pytest.mark.unit


def test_lifetimes_are_half_open() -> None:
    assert not Lifetime(0, 2).overlaps(Lifetime(2, 3))
    assert Lifetime(0, 3).overlaps(Lifetime(2, 3))
    assert Lifetime(0, 5).common_steps(Lifetime(3, 9)) == 2


@pytest.mark.parametrize("end", [0, -1])
def test_an_empty_lifetime_is_refused(end: int) -> None:
    with pytest.raises(ValueError, match="empty lifetime"):
        Lifetime(0, end)


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size -1"):
        Buffer("b", Lifetime(0, 1), -1)


@pytest.mark.parametrize("pair", [(0, 0), (0, 2), (-1, 0)])
def test_an_alias_needs_two_buffers(pair: tuple[int, int]) -> None:
    buffers = [Buffer(name, Lifetime(0, 1), 16) for name in "ab"]
    with pytest.raises(ValueError, match="alias between"):
        Problem(buffers, [Alias.equal(*pair)])


def test_relations() -> None:
    assert Alias.equal(0, 1).permits(32, 32)
    assert not Alias.equal(0, 1).permits(32, 48)
    assert Alias.at_least(0, 1, 16).permits(48, 32)
    assert not Alias.at_least(0, 1, 16).permits(32, 32)
    assert Alias.exactly(0, 1, 64).permits(96, 32)
    assert Alias(0, 1, None, 0).permits(-100, 0)


def test_helpers() -> None:
    assert [align_up(n, 16) for n in (0, 1, 16, 17)] == [0, 16, 16, 32]
    problem = Problem([Buffer("a", Lifetime(0, 1), 16), Buffer("b", Lifetime(0, 1), 32)])
    assert height_of(problem, [0, 16]) == 48
    assert height_of(Problem([]), []) == 0
