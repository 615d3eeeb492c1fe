"""Of the tests marked ``long`` each round runs a share, and all rounds together run every one."""

from __future__ import annotations

import subprocess
import sys

from tests.support.paths import ROOT
from tests.support.rotation import SHARE, is_due

NAMES = [f"tests/test_x.py::test_y[{number}]" for number in range(200)]
SOME = "tests/io/test_layout.py"


def test_each_is_due_once_in_a_turn() -> None:
    for name in NAMES:
        assert sum(is_due(name, 739_000 + number) for number in range(SHARE)) == 1


def test_a_round_runs_about_its_share() -> None:
    for number in range(SHARE):
        due = sum(is_due(name, number) for name in NAMES)
        assert 0.7 < due * SHARE / len(NAMES) < 1.3


def collected(*arguments: str) -> set[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", SOME, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {line for line in done.stdout.splitlines() if "::" in line}


def test_only_long_tests_rotate_and_only_where_asked() -> None:
    number = 5
    everything, long = collected(), collected("-m", "long")
    due = {name for name in long if is_due(name, number)}
    assert set() < due < long < everything
    assert collected("--rotate", "--fuzz-round", str(number)) == everything - (long - due)
