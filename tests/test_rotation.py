"""Of the tests marked ``long`` each round runs a share, and all rounds together run every one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from itertools import groupby

import pytest

from tests.support.paths import MODELS, ROOT
from tests.support.rotation import SHARE, due, turn_of

SOME = "tests/io/test_layout.py"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 17])
@pytest.mark.parametrize("spread", [1, 2, SHARE])
def test_each_round_runs_a_share_and_all_together_every_one(count: int, spread: int) -> None:
    turns = [7 + place * spread for place in range(count)]
    for first in range(739_000, 739_004):
        rounds = [due(turns, number) for number in range(first, first + SHARE)]
        assert all(rounds)
        assert set.union(*rounds) == set(range(count))
        if spread == 1:
            assert max(map(len, rounds)) <= -(-count // SHARE)


def test_a_round_takes_the_same_models_of_every_family() -> None:
    for path in MODELS:
        assert turn_of([path], "one", 3) == turn_of(["cortex-m4", path], "two", 5)
    assert len({turn_of([path], "one", 0) for path in MODELS}) == len(MODELS)
    assert turn_of([ROOT], "one", 1) == turn_of([7], "one", 0) + 1


def collected(*arguments: str, some: str = SOME) -> set[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", some, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {line for line in done.stdout.splitlines() if "::" in line}


def families(names: Iterable[str]) -> set[str]:
    return {name.partition("[")[0] for name in names}


def test_only_long_tests_rotate_and_only_where_asked() -> None:
    everything, long = collected(), collected("-m", "long")
    assert set() < long < everything
    today = collected("--rotate", "--fuzz-round", "5")
    assert everything - long < today < everything
    assert families(today) == families(everything)
    assert len(long & today) < len(long) / 2


def test_a_round_takes_the_same_boards_of_every_family() -> None:
    name = "tests/micro_runner/test_boards.py"
    today = collected("--rotate", "--fuzz-round", "2", some=name)
    taken = {
        frozenset(re.findall(r"mps\d-an\d+", " ".join(members)))
        for _, members in groupby(sorted(today), lambda name: name.partition("[")[0])
    }
    assert len(taken - {frozenset()}) == 1
