from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

import numpy as np
import pytest

from tflopt.layout.solver import FORBIDDEN, Factor, cost_of, solve

pytestmark = pytest.mark.unit


def draw(seed: int, most: int = 7) -> tuple[list[int], list[Factor]]:
    """Some variables, and tables over one to four of them, a few entries forbidden."""
    rng = np.random.default_rng(seed)
    sizes = [int(n) for n in rng.integers(1, 4, rng.integers(2, most + 1))]
    factors = []
    for _ in range(int(rng.integers(1, 10))):
        count = int(rng.integers(1, min(4, len(sizes)) + 1))
        chosen = tuple(int(v) for v in rng.choice(len(sizes), count, replace=False))
        table = rng.integers(0, 50, [sizes[v] for v in chosen])
        table = np.where(rng.random(table.shape) < 0.05, FORBIDDEN, table)
        factors.append(Factor(chosen, table))
    return sizes, factors


def everything(sizes: list[int]) -> Iterator[tuple[int, ...]]:
    return product(*(range(size) for size in sizes))


@pytest.mark.parametrize("seed", range(150))
def test_the_best_of_all(seed: int) -> None:
    sizes, factors = draw(seed)
    found = solve(sizes, factors, [0] * len(sizes))
    assert cost_of(factors, found) == min(cost_of(factors, each) for each in everything(sizes))


@pytest.mark.parametrize("seed", range(60))
def test_with_small_tables_never_worse_than_the_start(seed: int) -> None:
    sizes, factors = draw(seed)
    rng = np.random.default_rng(seed)
    start = [int(rng.integers(size)) for size in sizes]
    largest = max(prod(sizes[v] for v in factor.variables) for factor in factors)
    found = solve(sizes, factors, start, max_entries=max(2, largest // 2))
    assert cost_of(factors, found) <= cost_of(factors, start)
    assert all(0 <= value < size for value, size in zip(found, sizes, strict=True))


def test_small_tables_still_find_a_lot() -> None:
    """Most of the problems above are solved in full although a table is cut."""
    exact = 0
    for seed in range(60):
        sizes, factors = draw(seed)
        found = solve(sizes, factors, [0] * len(sizes), max_entries=9)
        best = min(cost_of(factors, each) for each in everything(sizes))
        exact += cost_of(factors, found) == best
    assert exact >= 40


def test_the_same_problem_gives_the_same_values() -> None:
    sizes, factors = draw(3)
    assert solve(sizes, factors, [0] * len(sizes)) == solve(sizes, factors, [0] * len(sizes))


def test_ties_keep_the_first_value() -> None:
    assert solve([3], [Factor((0,), np.zeros(3, dtype=np.int64))], [0]) == [0]


def test_a_long_chain_is_fast_and_exact() -> None:
    """Alternating wishes along a chain: the dearest links are kept, known in closed form."""
    count = 2000
    sizes = [2] * count
    differ = np.asarray([[0, 3], [3, 0]], dtype=np.int64)
    factors = [Factor((i, i + 1), differ) for i in range(count - 1)]
    factors.append(Factor((0,), np.asarray([0, 9], dtype=np.int64)))
    factors.append(Factor((count - 1,), np.asarray([9, 0], dtype=np.int64)))
    assert cost_of(factors, solve(sizes, factors, [0] * count)) == 3
