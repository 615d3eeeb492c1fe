"""Memory plans that a vendor's operators rely on: kept, offset by offset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import Cli
from tests.support.field import field_case
from tests.support.graphs import Net
from tflopt.config import Config, Plan, Strip
from tflopt.errors import UnsupportedError
from tflopt.io import read, write_bytes
from tflopt.ir import DType, Model, OpCode, OperatorCode, Value
from tflopt.ir.clone import clone
from tflopt.plan.describe import read_plan, write_plan
from tflopt.plan.offline import OfflineOptions
from tflopt.report.notes import vendor_notes
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest, memory_of
from tflopt.target.plan_check import plan_findings

pytestmark = pytest.mark.unit
CASES = ("D1_vela_min", "c01_vela_small")


def npu(n: Net, data: Value, name: str = "ethos-u", scratch: int = 256) -> tuple[Value, Value]:
    """A vendor's operator: command stream, weights, scratch and data; its output and scratch."""
    entry = next((e for e in n.model.opcodes if e.custom_code == name), None)
    if entry is None:
        entry = OperatorCode(int(OpCode.CUSTOM), custom_code=name)
        n.model.opcodes.append(entry)
    stream = n.constant(np.arange(32, dtype=np.uint8))
    area = Value(n.graph, DType.UINT8, (scratch,), name=f"scratch {len(n.graph.values)}")
    n.graph.add_value(area)
    out = n.op(OpCode.CUSTOM, [stream, area, data], data.shape, quant=(0.05, 3))
    assert out.producer is not None
    out.producer.opcode = entry
    return out, area


def planned(n: Net, places: dict[Value, int]) -> Model:
    offsets = [places.get(value, -1) for value in n.graph.values]
    write_plan(n.model, offsets)
    return n.model


def between_layers(noop: bool = True) -> tuple[Model, dict[Value, int]]:
    """CPU, NPU, CPU; a RESHAPE that does nothing stands where no NPU reads it."""
    n = Net()
    x = n.feed(1, 64)
    early = n.relu(x)
    done, area = npu(n, early)
    late = n.relu(done)
    n.output(n.relu(n.reshape(late, 1, 64) if noop else late))
    places = {x: 0, early: 64, area: 0, done: 128, late: 192}
    return planned(n, places), places


def offsets_by_value(model: Model) -> dict[Value, int]:
    values = [value for graph in model.graphs for value in graph.values]
    return dict(zip(values, read_plan(model) or [], strict=True))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("strip", list(Strip))
@pytest.mark.parametrize("plan", [None, PlanRequest()])
def test_vela_s_plan_stays(name: str, strip: Strip, plan: PlanRequest | None) -> None:
    model = read(field_case(name))
    before, arena = read_plan(model), memory_of(model, Device()).arena.minimum_bytes
    run_pipeline(model, config=Config(strip=strip, plan=plan))
    assert read_plan(model) == before
    assert memory_of(model, Device()).arena.minimum_bytes == arena
    assert not plan_findings(model, Device())


@pytest.mark.parametrize("name", CASES)
def test_the_command_line_says_so(cli: Cli, name: str) -> None:
    path = str(field_case(name))
    assert "operator 0 (ethos-u), a custom one" in cli("optimize", path, "-o", "out.tflite").out
    for options in (["--plan", "none"], ["--goal", "flash"]):
        out = cli("optimize", path, "-o", "out.tflite", "--no-verify", *options).out
        assert "ethos-u is a command stream for an Arm Ethos-U" in out
        assert "kept, offset by offset" in out
        assert read_plan(read("out.tflite")) == read_plan(read(path))
    assert "error" not in cli("inspect", "--memory", path).out


def test_operators_around_are_rewritten_where_nothing_moves() -> None:
    model, places = between_layers()
    count = len(model.main.ops)
    assert run_pipeline(model).counts["remove-noop"] == 1
    assert len(model.main.ops) == count - 1
    now = offsets_by_value(model)
    kept = {value: at for value, at in places.items() if value in now}
    assert len(kept) >= len(places) - 1
    assert {value: now[value] for value in kept} == kept


def test_nothing_is_rewritten_that_a_vendor_s_operator_reads() -> None:
    n = Net()
    x = n.feed(1, 64)
    view = n.reshape(n.relu(x), 1, 64)
    done, area = npu(n, view)
    n.output(done)
    model = planned(n, {x: 0, view: 64, area: 0, done: 128})
    before, raw = [op.opcode.label for op in model.main.ops], read_plan(model)
    trace = run_pipeline(model)
    assert [op.opcode.label for op in model.main.ops] == before
    assert read_plan(model) == raw
    assert "reads or writes" in trace.near_misses[0].reason


def test_nothing_is_rewritten_that_would_make_tensors_overlap() -> None:
    """Without the RESHAPE ``early`` would live through the operator that overwrites its bytes."""
    n = Net()
    x = n.feed(1, 64)
    early = n.relu(x)
    copy = n.reshape(early, 1, 64)
    other = n.add(early, early)
    done, area = npu(n, x, scratch=128)
    n.output(n.add(n.add(copy, other), done))
    model = planned(n, {x: 0, early: 64, area: 0, copy: 256, other: 320, done: 128})
    before = read_plan(model)
    # Another operator's result has no place of its own, and may live on.
    run_pipeline(model, Selection(disable=("requantize-with-kernel",)))
    assert [op.opcode.label for op in model.main.ops][:2] == ["RELU", "RESHAPE"]
    assert read_plan(model) == before


def test_ethos_u_without_a_plan_keeps_every_tensor() -> None:
    model, _ = between_layers()
    write_plan(model, None)
    before = list(model.main.values)
    run_pipeline(model)
    assert list(model.main.values) == before
    assert read_plan(model) is None


@pytest.mark.parametrize("name", ["NeutronGraph", "XC_conv2d_v2", "edgetpu-custom-op"])
def test_other_vendors_operators_are_known_by_name(name: str) -> None:
    n = Net()
    done, area = npu(n, n.relu(n.feed(1, 64)), name)
    n.output(n.relu(done))
    assert name in vendor_notes(n.model)[0]
    assert "passed through" in vendor_notes(n.model)[0]
    before = offsets_by_value(planned(n, {area: 0, done: 256}))
    run_pipeline(n.model)
    now = offsets_by_value(n.model)
    assert now[area] == before[area] == 0
    assert now[done] == before[done] == 256


def test_another_plan_can_t_be_asked_for() -> None:
    model, _ = between_layers()
    request = PlanRequest(offline=OfflineOptions(reserve_head_bytes=64))
    with pytest.raises(UnsupportedError, match="part of the program"):
        run_pipeline(model, config=Config(plan=request))


@pytest.mark.parametrize("only", [[], ["strip-names"], ["remove-noop"]])
def test_a_selection_keeps_it_too(only: Sequence[str]) -> None:
    model, _ = between_layers(noop=False)
    before = read_plan(model)
    run_pipeline(model, Selection(only=only))
    assert read_plan(model) == before


def test_it_is_idempotent(tmp_path: Path) -> None:
    model, _ = between_layers()
    run_pipeline(model)
    once = write_bytes(clone(model))
    run_pipeline(model)
    assert write_bytes(model) == once


def test_other_plans_are_made_anew() -> None:
    n = Net()
    n.output(n.relu(n.reshape(n.relu(n.feed(1, 64)), 1, 64)))
    assert Plan.OFFLINE.value == "offline"
    model = planned(n, dict.fromkeys(n.graph.inputs, 4096))
    run_pipeline(model)
    assert 4096 not in (read_plan(model) or [])
