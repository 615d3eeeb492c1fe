"""``benchmarks/growth.py``: what it measures, and that it fails where time grows too fast."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import growth
from benchmarks.growth import FAMILIES, LIMIT, Measured, exponent, measure, table
from tflopt.facts import clamps
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model
from tflopt.plan import order, timeline
from tflopt.plan.order import OrderProblem, Task, best_order
from tflopt.ranges import analysis
from tflopt.rules.activations import fold_unary_chain, fuse_activation
from tflopt.rules.channels import fold_constant_values
from tflopt.rules.constants import merge_duplicates
from tflopt.rules.pipeline import run_pipeline
from tflopt.search import book

pytestmark = pytest.mark.unit
FEW = 8
"""Calls that may come once more than they did."""


def test_an_exponent_is_that_of_the_two_largest() -> None:
    runs = [Measured(0.1, 50), Measured(1.0, 50), Measured(4.0, 60)]
    power = exponent([100, 200, 400], runs)
    assert power is not None
    assert round(power, 6) == 2
    assert exponent([1, 2], [Measured(0.1, 1), Measured(0.4, 1)]) is None


@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_is_valid_and_has_about_as_many_operators(name: str) -> None:
    model = read_bytes(write_bytes(FAMILIES[name].build(60)))
    assert 60 <= len(model.main.ops) <= 125


def test_one_run_is_measured(tmp_path: Path) -> None:
    found = measure(FAMILIES["mixed"].build(12), tmp_path)
    assert found.seconds > 0
    assert 20 < found.peak_mib < 400


@pytest.mark.parametrize(("power", "code"), [(1.0, 0), (1.2, 0), (1.5, 1), (2.0, 1)])
def test_the_session_fails_above_the_limit(
    power: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fake(model: Model, folder: Path, source_tree: Path | None = None) -> Measured:
        return Measured((len(model.main.ops) / 10) ** power, 60)

    monkeypatch.setattr(growth, "measure", fake)
    monkeypatch.setattr(sys, "argv", ["growth.py", "--only", "one value read often"])
    assert growth.main() == code
    said = capsys.readouterr()
    assert ("grows with the power" in said.err) == bool(code)


def test_the_table_has_a_row_for_each_family() -> None:
    runs = {"mixed": [Measured(1, 50), Measured(2, 51), Measured(4, 52)]}
    row = "| mixed | 300: 1.0 s, 50, 600: 2.0 s, 51, 1,200: 4.0 s, 52 | 1.00 |"
    assert table(runs, FAMILIES)[-1] == row


@pytest.mark.long
@pytest.mark.parametrize("name", FAMILIES)
def test_evaluations_grow_no_faster_than_the_limit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted and not timed: operators that are priced, operators whose ranges are computed, peaks
    that are added up and compared, operators that are looked at for effects, pairs that may be
    duplicates, tables that are composed, and producers that are looked through.

    Each firing priced all operators again, each rule that asks for ranges computed them, each form
    added up all subgraphs, each output looked at all others, each reader was compared with all,
    each operator of a row composed all parts of it, each reader of a view all views before.
    """
    calls: Counter[str] = Counter()

    def counted(module: object, attribute: str) -> None:
        plain = getattr(module, attribute)

        def call(*arguments: object, **named: object) -> object:
            calls[attribute] += 1
            return plain(*arguments, **named)

        monkeypatch.setattr(module, attribute, call)

    counted(book, "cost_of")
    counted(analysis, "_outputs")
    counted(timeline, "_peak")
    counted(fold_constant_values, "is_strange")
    counted(merge_duplicates, "_same")
    counted(book, "nlargest")
    counted(fold_unary_chain, "compose")
    counted(fuse_activation, "compose")
    counted(clamps, "moved")
    monkeypatch.setattr(clamps, "MOST_MOVES", 4)  # as far as from 64 in a row on
    counts = []
    for size in (48, 96):
        calls.clear()
        run_pipeline(read_bytes(write_bytes(FAMILIES[name].build(size))))
        counts.append(calls.copy())
    few, many = counts
    assert many["cost_of"]
    for what in many:
        assert many[what] <= 2**LIMIT * few[what] + FEW, what


@pytest.mark.parametrize("count", [64, 256, 1024, 3000])
def test_the_effort_for_an_order_shrinks_with_the_number_of_operators(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All can run at any time, and each has tensors of another size: the worst case."""
    problem = OrderProblem(
        [Task((2 * i,), (2 * i + 1,)) for i in range(count)],
        [16 * (1 + i * 7919 % 61) for i in range(2 * count)],
        alive=[2 * i for i in range(count)],
        kept=[2 * i + 1 for i in range(count)],
    )
    trials = [0]
    step = order._Search.step

    def counted(search: order._Search, done: int, live: int, index: int) -> tuple[int, int]:
        trials[0] += 1
        return step(search, done, live, index)

    monkeypatch.setattr(order._Search, "step", counted)
    best_order(problem)
    effort = order.EFFORT * order.SMALL**2 // (order.SMALL**2 + count**2)
    assert trials[0] <= 2 * effort + count
