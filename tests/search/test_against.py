"""``benchmarks/against.py``: what it takes for worse, and that it sees it in two checkouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.against import Bench, Judged, worse_than_base, worse_than_original
from tests.support.paths import ROOT, TESTDATA
from tflopt.config import Goal
from tflopt.search.cost import Cost

pytestmark = pytest.mark.unit
ORIGINAL = Judged(Cost(1_000_000, 100_000, 100_000), 0)
FASTER = Judged(Cost(900_000, 90_000, 90_000), 0)
PAID = Judged(Cost(800_000, 100_000, 104_000), 0)
UNPAID = Judged(Cost(990_000, 100_000, 104_000), 0)
SLOWER = Judged(Cost(1_010_000, 50_000, 50_000), 0)


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (FASTER, []),
        (PAID, []),
        (UNPAID, ["arena grows without being paid for"]),
        (SLOWER, ["slower than the original"]),
        (Judged(FASTER.cost, 1), ["more layers that come out wrong or don't run"]),
    ],
)
def test_worse_than_the_original(result: Judged, told: list[str]) -> None:
    assert list(worse_than_original(Goal.BALANCED, ORIGINAL, result)) == told


def test_what_comes_right_may_cost_what_it_likes() -> None:
    wrong = Judged(ORIGINAL.cost, 1)
    assert not list(worse_than_original(Goal.BALANCED, wrong, SLOWER))
    assert list(worse_than_original(Goal.SPEED, ORIGINAL, SLOWER))


@pytest.mark.parametrize("goal", [Goal.BALANCED, Goal.SPEED])
def test_worse_than_the_other(goal: Goal) -> None:
    assert list(worse_than_base(goal, ORIGINAL, FASTER, UNPAID))
    assert not list(worse_than_base(goal, ORIGINAL, UNPAID, FASTER))
    broken = Judged(FASTER.cost, 1)
    assert not list(worse_than_base(goal, ORIGINAL, broken, UNPAID))


def test_a_checkout_is_never_worse_than_itself(tmp_path: Path) -> None:
    bench = Bench(ROOT, tmp_path, 0, "tflm")
    found = list(bench.findings(TESTDATA / "autoencoder.tflite", "cortex-m4", Goal.SPEED))
    bench.close()
    assert found == []
    assert bench.runs == {"results": 1}
