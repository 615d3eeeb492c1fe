"""``plan-memory``: what is written, what is not worth its flash, and that TFLM obeys it."""

from __future__ import annotations

import pytest

from tests.support.check_rule import apply, check_same_outputs
from tests.support.graphs import Net
from tests.support.paths import TESTDATA
from tflopt.config import Config
from tflopt.errors import PlanError, UsageError
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.plan.describe import read_plan
from tflopt.plan.offline import OfflineOptions
from tflopt.rules.memory.plan_memory import PlanMemory
from tflopt.rules.pipeline import run_pipeline
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART
from tflopt.target.memory import PlanRequest, memory_of, plan_memory
from tflopt.target.plan_check import plan_findings

pytestmark = pytest.mark.runtime
M55 = Device()
ALONE = PlanRequest(in_place=False, overlap=APART)


def mobilenet() -> Model:
    return read(TESTDATA / "mobilenet_v1.tflite")


def test_a_plan_is_written_where_it_lowers_the_arena() -> None:
    model = mobilenet()
    before = memory_of(model, M55)
    trace = apply(model, PlanMemory(M55, ALONE))
    after = memory_of(model, M55)
    assert after.has_plan
    assert not before.has_plan
    assert (before.arena.head_bytes, after.arena.head_bytes) == (18432, 15984)
    assert "15,984" in trace.hits[0].edits[0]


def test_the_plan_survives_the_file_and_outputs_stay() -> None:
    model = mobilenet()
    original = clone(model)
    apply(model, PlanMemory(M55, ALONE))
    again = read_bytes(write_bytes(model))
    assert read_plan(again) == read_plan(model)
    check_same_outputs(original, again)


@pytest.mark.parametrize("name", ["torch_tcn", "squeeze_excite", "tcn_causal_dilated", "resnet8"])
def test_in_place_plans_give_the_same_outputs_on_tflm(name: str) -> None:
    model = read(TESTDATA / f"{name}.tflite")
    original = clone(model)
    plan = plan_memory(model, M55, PlanRequest())
    run_pipeline(model)
    assert plan.head_bytes <= plan.online_head_bytes
    check_same_outputs(original, model, runners=("tflm",))


def test_nothing_is_written_where_nothing_is_saved() -> None:
    model = read(TESTDATA / "ds_cnn.tflite")
    assert not apply(model, PlanMemory(M55, ALONE)).hits
    assert read_plan(model) is None


def test_a_plan_that_saves_less_than_its_flash_is_worth_is_not_written() -> None:
    """gru_unrolled: 16 bytes of arena for 600 bytes of flash."""
    model = read(TESTDATA / "gru_unrolled.tflite")
    plan = plan_memory(model, M55, ALONE)
    assert plan.is_useful
    assert not apply(model, PlanMemory(M55, ALONE)).hits


def test_views_cost_nothing_in_place() -> None:
    n = Net()
    x = n.relu(n.feed(1, 8, 64))
    n.output(n.relu(n.reshape(x, 1, 512)))
    apart = plan_memory(n.model, M55, ALONE)
    shared = plan_memory(n.model, M55, PlanRequest())
    assert shared.head_bytes == 512
    assert apart.head_bytes == 1024


def test_a_plan_is_right_on_every_core() -> None:
    model = mobilenet()
    apply(model, PlanMemory(M55, PlanRequest()))
    for name in ("cortex-m0", "cortex-m4", "cortex-m55"):
        device = Device(Target.parse(name))
        assert not [f for f in plan_findings(model, device) if f.severity.value == "error"]


def test_a_wrong_plan_is_found_by_the_lint() -> None:
    model = mobilenet()
    apply(model, PlanMemory(M55, ALONE))
    entry = next(m for m in model.metadata or () if m.name == "OfflineMemoryAllocation")
    assert entry.buffer.data is not None
    words = entry.buffer.data.view("<i4").copy()
    words[3:] = 0
    entry.buffer.data = words.view("u1")
    assert [f for f in plan_findings(model, M55) if f.severity.value == "error"]


def test_pins_by_name() -> None:
    model = mobilenet()
    name = model.main.inputs[0].name
    assert name is not None
    config = Config(plan=PlanRequest(pins=((name, 4096),)))
    run_pipeline(model, config=config)
    plan = read_plan(model)
    assert plan is not None
    assert plan[list(model.main.values).index(model.main.inputs[0])] == 4096


def test_a_pin_of_nothing_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nowhere"):
        plan_memory(mobilenet(), M55, PlanRequest(pins=(("nowhere", 0),)))


def test_a_head_that_can_t_fit_names_the_culprits() -> None:
    request = PlanRequest(offline=OfflineOptions(max_head_bytes=1000))
    with pytest.raises(PlanError) as caught:
        plan_memory(mobilenet(), M55, request)
    assert caught.value.culprits
    assert caught.value.need_bytes > 1000
