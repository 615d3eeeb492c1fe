"""The arena as plain data: timeline, labels, targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.graphs import Net
from tests.support.paths import TESTDATA, every_model
from tflopt.io import read
from tflopt.product.labels import Labels
from tflopt.product.memory import (
    COMPARED,
    arena,
    best_plan,
    minimum_by_target,
    scratch_rows,
    timeline,
)
from tflopt.rules.pipeline import run_pipeline
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.unit
M55 = Device()


@pytest.mark.long
@every_model
def test_the_timeline_of_every_model(path: Path) -> None:
    """Its peak is a lower bound of the head; every operator sees its own tensors."""
    model = read(path)
    memory = memory_of(model, M55)
    steps = timeline(model, memory)
    assert [step.index for step in steps] == list(range(len(model.main.ops)))
    assert max((step.live_bytes for step in steps), default=0) <= memory.head.head_bytes
    assert any(step.is_peak for step in steps) or not steps
    labels = Labels(model)
    planned = {b.ref: labels.name(b) for b in memory.head.buffers}
    for step, op in zip(steps, model.main.ops, strict=True):
        names = {value.name for value in (*op.inputs, *op.outputs) if value is not None}
        assert names & set(planned.values()) <= set(step.buffers)


def test_a_timeline_by_hand() -> None:
    n = Net()
    x = n.feed(1, 64)
    y = n.relu(x)
    n.output(n.add(x, y))
    steps = timeline(n.model, memory_of(n.model, M55))
    assert [(step.operator, step.live_bytes, step.is_peak) for step in steps] == [
        ("RELU", 128, False),
        ("ADD", 192, True),
    ]
    assert len(steps[1].buffers) == 3


def test_labels_fall_back_to_numbers_and_to_the_original() -> None:
    path = TESTDATA / "ds_cnn.tflite"
    original, model = read(path), read(path)
    run_pipeline(model)
    memory = memory_of(model, M55)
    numbers = {name for step in timeline(model, memory) for name in step.buffers}
    names = {name for step in timeline(model, memory, original) for name in step.buffers}
    assert any(name.startswith("tensor ") for name in numbers)
    assert not any(name.startswith("tensor ") for name in names)
    known = {value.name for value in original.main.values}
    assert {name for name in names if not name.startswith("scratch of")} <= known


@pytest.mark.long
@every_model
def test_the_minimum_on_each_target(path: Path) -> None:
    model = read(path)
    found = minimum_by_target(model, Device(Target.parse("cortex-m7")))
    assert set(found) == {*COMPARED, "cortex-m7"}
    assert found["cortex-m4"] == found["cortex-m7"]
    assert found["cortex-m0"] == found["cortex-m33+nodsp"]
    assert found["cortex-m55"] == memory_of(model, M55).arena.minimum_bytes


def test_the_arena_as_data() -> None:
    memory = memory_of(read(TESTDATA / "upsampling1d.tflite"), M55)
    data = arena(memory)
    assert data["unknown_operators"] == ["TILE"]
    assert data["used_bytes"] == memory.arena.used_bytes
    rows = scratch_rows(memory.table)
    assert [row["scratch_bytes"] for row in rows if row["operator"] == "TILE"] == [None, None]


@pytest.mark.long
@every_model
def test_the_best_plan_is_never_worse_and_meets_its_bound(path: Path) -> None:
    plan = best_plan(read(path), M55)
    assert plan.lower_bound <= plan.head_bytes <= plan.online_head_bytes
    assert plan.declined or plan.proven_optimal
