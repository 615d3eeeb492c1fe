"""What became of each operator."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.graphs import Net
from tests.support.paths import every_model
from tests.support.reports import report_of
from tflopt.ir.clone import clone
from tflopt.report.graph import graph_rows, increasing
from tflopt.report.plain import Plain, number, rows, table, text
from tflopt.rules.pipeline import Selection, run_pipeline

pytestmark = pytest.mark.unit


def fates(found: list[dict[str, object]]) -> list[tuple[object, object, object]]:
    return [(row["operator"], row["fate"], row["counterpart"]) for row in found]


def pair_of_graphs(n: Net) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    copy = clone(n.model)
    run_pipeline(copy, Selection(disable=("requantize-with-kernel",)))
    return graph_rows(n.model, copy, derived=True)


def test_folded_and_kept() -> None:
    n = Net()
    x = n.feed(1, 4, 8)
    n.output(n.relu(n.transpose(n.transpose(x, 0, 2, 1), 0, 2, 1)))
    before, after = pair_of_graphs(n)
    assert fates(before) == [
        ("TRANSPOSE", "folded", None),
        ("TRANSPOSE", "folded", None),
        ("RELU", "kept", 0),
    ]
    assert fates(after) == [("RELU", "kept", 2)]
    assert [row["reads"] for row in before] == [[], [0], [1]]


def test_nothing_changed() -> None:
    n = Net()
    x = n.feed(1, 8)
    n.output(n.add(n.relu(x), x))
    before, after = pair_of_graphs(n)
    assert fates(before) == fates(after)
    assert {row["fate"] for row in before} == {"kept"}
    assert after[1]["reads"] == [0]


def test_chains() -> None:
    assert increasing([(0, 0), (1, 5), (2, 1), (3, 2)]) == [(0, 0), (2, 1), (3, 2)]
    assert increasing([(0, 1), (0, 2), (1, 2)]) == [(0, 1), (1, 2)]
    assert increasing([]) == []


def by_place(side: Plain) -> dict[tuple[int, int], Plain]:
    return {(number(r, "subgraph"), number(r, "index")): r for r in rows(side, "graph")}


@pytest.mark.long
@every_model
def test_counterparts_agree(path: Path) -> None:
    """They point at each other, with the same fate; every operator is there once."""
    report = report_of(path)
    old, new = (by_place(table(report, key)) for key in ("input", "output"))
    assert len(old) == number(table(report, "input"), "operators")
    assert len(new) == number(table(report, "output"), "operators")
    for (graph, index), row in old.items():
        twin = row["counterpart"]
        assert (twin is None) == (row["fate"] == "folded")
        if isinstance(twin, int):
            assert new[graph, twin]["counterpart"] == index
            assert new[graph, twin]["fate"] == row["fate"]
            same = text(new[graph, twin], "operator") == text(row, "operator")
            assert same == (row["fate"] != "rewritten")
    assert all((row["counterpart"] is None) == (row["fate"] == "added") for row in new.values())
