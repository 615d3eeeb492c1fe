"""The memory map's data."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from tests.support.graphs import Net
from tests.support.paths import every_model
from tests.support.reports import report_of
from tflopt.io.files import load
from tflopt.plan.describe import read_plan
from tflopt.report.occupancy import occupancy
from tflopt.report.plain import Plain, number, rows, table
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART
from tflopt.target.memory import PlanRequest, memory_of

pytestmark = pytest.mark.unit


def overlaps(one: Plain, two: Plain) -> bool:
    keys = (("first_step", "last_step", 0), ("offset_bytes", "size_bytes", 1))
    meets = []
    for start, end, is_size in keys:
        a, b = number(one, start), number(two, start)
        a_end = a + number(one, end) if is_size else number(one, end) + 1
        b_end = b + number(two, end) if is_size else number(two, end) + 1
        meets.append(a < b_end and b < a_end)
    return all(meets)


@pytest.mark.long
@every_model
def test_maps_of_all_models(path: Path) -> None:
    """Buffers lie in the head, without a plan apart; no head is below the bound."""
    report = report_of(path)
    for key in ("input", "output"):
        memory = table(table(report, key), "memory_map")
        if not memory:
            continue
        buffers, head = rows(memory, "buffers"), number(memory, "head_bytes")
        tops = [number(b, "offset_bytes") + number(b, "size_bytes") for b in buffers]
        assert max(tops, default=0) == head
        assert number(memory, "lower_bound_bytes") <= head
        steps = {number(step, "step") for step in rows(memory, "steps")}
        assert {number(b, k) for b in buffers for k in ("first_step", "last_step")} <= steps
        if key == "input" and read_plan(load(path)[0]) is None:
            assert not any(overlaps(a, b) for a, b in combinations(buffers, 2))


def test_a_map_by_hand() -> None:
    n = Net()
    x = n.feed(1, 64)
    y = n.relu(x)
    n.output(n.add(x, y))
    memory = memory_of(n.model, Device())
    found = occupancy(n.model, memory, PlanRequest(in_place=False, overlap=APART))
    steps = [(s["step"], s["operator"], s["live_bytes"]) for s in rows(found, "steps")]
    assert steps == [(0, "", 64), (1, "RELU", 128), (2, "ADD", 192)]
    assert found["lower_bound_bytes"] == found["head_bytes"] == 192
    spans = [(b["first_step"], b["last_step"]) for b in rows(found, "buffers")]
    assert spans == [(0, 2), (1, 2), (2, 2)]
