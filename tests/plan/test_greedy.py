from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflopt.facts.offline_plan import ONLINE
from tflopt.plan import greedy
from tflopt.plan.greedy import Requirement, simulate_greedy

pytestmark = pytest.mark.unit


def test_the_largest_comes_first_and_equal_sizes_in_reverse() -> None:
    requirements = [Requirement(16, 0, 1), Requirement(32, 0, 1), Requirement(16, 0, 1)]
    assert simulate_greedy(requirements).offsets == (48, 0, 32)


def test_a_buffer_takes_the_lowest_gap_that_fits() -> None:
    requirements = [
        Requirement(16, 0, 0, 0),
        Requirement(16, 0, 0, 64),
        Requirement(48, 0, 0),
        Requirement(32, 0, 0),
    ]
    assert simulate_greedy(requirements).offsets == (0, 64, 16, 80)


def test_lifetimes_are_inclusive() -> None:
    touching = [Requirement(32, 0, 1), Requirement(32, 1, 2)]
    apart = [Requirement(32, 0, 1), Requirement(32, 2, 3)]
    assert simulate_greedy(touching).height == 64
    assert simulate_greedy(apart).height == 32


def test_unused_tensors_clash_with_each_other_only() -> None:
    requirements = [Requirement(32, -1, -1), Requirement(32, -1, -1), Requirement(48, 0, 9)]
    assert simulate_greedy(requirements).offsets == (32, 0, 0)


def test_overlapping_offline_buffers_are_one_obstacle() -> None:
    requirements = [Requirement(64, 0, 0, 0), Requirement(16, 0, 0, 16), Requirement(16, 0, 0)]
    assert simulate_greedy(requirements).offsets == (0, 16, 64)


def test_offline_buffers_are_taken_as_they_are() -> None:
    requirements = [Requirement(64, 0, 5, 8), Requirement(64, 0, 5, 8), Requirement(16, 6, 6)]
    placement = simulate_greedy(requirements)
    assert placement.offsets == (8, 8, 0)
    assert placement.height == 72


def test_a_gap_before_the_first_offline_buffer_is_used() -> None:
    requirements = [Requirement(16, 0, 0, 128), Requirement(16, 0, 0, 32), Requirement(32, 0, 0)]
    assert simulate_greedy(requirements).offsets == (128, 32, 0)


def test_nothing_at_all() -> None:
    assert simulate_greedy([]).height == 0


def test_an_empty_buffer_looks_for_a_gap_and_is_an_obstacle() -> None:
    empty_last = [Requirement(32, 0, 0), Requirement(0, 0, 0)]
    assert simulate_greedy(empty_last).offsets == (0, 0)
    pinned = [Requirement(0, 0, 0, 16), Requirement(32, 0, 0)]
    assert simulate_greedy(pinned).offsets == (16, 16)


requirements = st.lists(
    st.builds(
        lambda size, first, length, offline: Requirement(16 * size, first, first + length, offline),
        st.integers(1, 6),
        st.integers(-1, 5),
        st.integers(0, 4),
        st.sampled_from([ONLINE, ONLINE, 0, 16, 48]),
    ),
    max_size=14,
)


@given(requirements)
def test_agrees_with_a_second_derivation(given_requirements: list[Requirement]) -> None:
    assert list(simulate_greedy(given_requirements).offsets) == _byte_map(given_requirements)


def _byte_map(found: list[Requirement]) -> list[int]:
    """First fit with a map of occupied bytes instead of a list of gaps."""
    ranked = sorted(
        (i for i, r in enumerate(found) if r.offline_offset == ONLINE),
        key=lambda i: (found[i].size_bytes, i),
        reverse=True,
    )
    offsets = [r.offline_offset for r in found]
    placed = [i for i, r in enumerate(found) if r.offline_offset != ONLINE]
    for index in ranked:
        mine = found[index]
        live = [
            j
            for j in placed
            if found[j].first_used <= mine.last_used and mine.first_used <= found[j].last_used
        ]
        cells = {cell for j in live for cell in range(offsets[j], offsets[j] + found[j].size_bytes)}
        offset = 0
        while not cells.isdisjoint(range(offset, offset + mine.size_bytes)):
            offset += 1
        offsets[index] = offset
        placed.append(index)
    return offsets


@pytest.mark.parametrize("seed", range(8))
def test_many_requirements_are_placed_as_few_are(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    made = []
    for _ in range(300):
        first = rng.randint(-1, 60)
        last = rng.choice([first, first + rng.randint(0, 70)])
        offset = rng.choice([ONLINE] * 9 + [16 * rng.randint(0, 50)])
        made.append(Requirement(16 * rng.randint(0, 20), first, last, offset))
    found = simulate_greedy(made)
    monkeypatch.setattr(greedy, "MANY", 1000)
    assert simulate_greedy(made) == found
