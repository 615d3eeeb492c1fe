"""Graphs that are too large are looked at less, which is told; what is left is as exact."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from benchmarks.growth import mixed
from tests.support.graphs import Net
from tflopt.facts import large
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, OpCode
from tflopt.product.growth import effort_notes
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.ranges import ranges_of
from tflopt.ranges.interval import whole
from tflopt.report.console_summary import result_notes
from tflopt.rewrite import Trace, run_model_rule
from tflopt.rules.movement.assign_layouts import AssignLayouts
from tflopt.rules.pipeline import run_pipeline

pytestmark = pytest.mark.unit
SETTINGS = Settings(samples=None)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs of more than three operators are large."""
    monkeypatch.setattr(large, "MANY", 3)
    monkeypatch.setattr(_module("tflopt.ranges.analysis"), "MANY", 3)


def _module(name: str) -> ModuleType:
    return sys.modules[name]


def chain(count: int) -> Model:
    n = Net()
    x = n.input((1, 4))
    for _ in range(count):
        x = n.op(OpCode.RELU6, [x], (1, 4))
    n.output(x)
    return n.model


@pytest.mark.usefixtures("few")
def test_values_are_followed_through_the_first_operators() -> None:
    graph = chain(5).main
    ranges = ranges_of(graph)
    widths = []
    for op in graph.ops:
        found, full = ranges.of(op.output), whole(op.output)
        assert found is not None
        assert full is not None
        widths.append(int(found.low.min()) > int(full.low.min()))
    assert widths == [True, True, True, False, False]


@pytest.mark.parametrize("is_large", [False, True])
def test_axes_stay_in_a_large_graph(is_large: bool, request: pytest.FixtureRequest) -> None:
    if is_large:
        request.getfixturevalue("few")
    n = Net()
    x = n.transpose(n.input((1, 4, 6, 2)), 0, 3, 1, 2)
    x = n.transpose(n.op(OpCode.LOGISTIC, [x], x.shape), 0, 2, 3, 1)
    n.output(n.transpose(n.op(OpCode.LOGISTIC, [x], x.shape), 0, 2, 1, 3))
    assert run_model_rule(n.model, AssignLayouts(), Trace()) is not is_large


@pytest.mark.parametrize("is_large", [False, True])
def test_it_is_told_in_one_line(is_large: bool, request: pytest.FixtureRequest) -> None:
    if is_large:
        request.getfixturevalue("few")
    data = write_bytes(mixed(24))
    result = optimize_file_bytes(read_bytes(data), data, SETTINGS)
    told = [text for text in result_notes(result, SETTINGS) if "operators, more than" in text]
    assert told == effort_notes(result.trace)
    assert len(told) == is_large
    if is_large:
        assert told[0].startswith("a graph of ")


@pytest.mark.usefixtures("few")
def test_no_budget_is_worked_out_for_a_large_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("the whole model was planned for the forms")

    monkeypatch.setattr(_module("tflopt.rules.pipeline"), "unplanned_cost", asked)
    trace = run_pipeline(mixed(24))
    assert trace.many > 3
