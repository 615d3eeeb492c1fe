"""A file whose plan is for one device, without an annotation that says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.kit import Kit
from tflopt.annotation.annotate import Annotate, is_for_device_only
from tflopt.config import Config, Goal
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model
from tflopt.plan.describe import read_plan, write_plan
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.kernel_sets import ISA_ALONE
from tflopt.target.memory import PlanRequest, plan_memory

CORES = ("cortex-m4", "cortex-m55")


def net() -> Model:
    n = Kit()
    x = n.depthwise(n.conv2d(n.feed(1, 12, 12, 4), 16, (3, 3)), (3, 3))
    n.output(n.conv2d(x, 8, (3, 3), stride=(2, 2)))
    return n.model


def overlapping(core: str) -> Model:
    """A model with the tightest plan for a core, and nothing that says so."""
    model = net()
    plan = plan_memory(model, Device(Target.parse(core)), PlanRequest(overlap=ISA_ALONE))
    write_plan(model, plan.offsets)
    return read_bytes(write_bytes(model))


@pytest.mark.unit
@pytest.mark.parametrize("core", CORES)
def test_such_a_plan_is_known_for_what_it_is(core: str) -> None:
    assert is_for_device_only(overlapping(core))


@pytest.mark.unit
def test_a_plan_that_any_kernel_bears_is_not() -> None:
    model = net()
    assert not is_for_device_only(model)
    write_plan(model, plan_memory(model, Device(), PlanRequest()).offsets)
    assert not is_for_device_only(model)


@pytest.mark.unit
def test_a_plan_that_is_wrong_everywhere_is_not() -> None:
    model = overlapping("cortex-m55")
    offsets = read_plan(model)
    assert offsets is not None
    write_plan(model, [0 if offset >= 0 else offset for offset in offsets])
    assert not is_for_device_only(model)


@pytest.mark.runtime
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("target", CORES)
def test_it_is_optimized_again(core: str, target: str) -> None:
    model = overlapping(core)
    config = Config(device=Device(Target.parse(target)), plan=PlanRequest(overlap="target"))
    settings = Settings(config=replace(config, goal=Goal.BALANCED), annotate=Annotate.NONE)
    result = optimize_file_bytes(model, write_bytes(model), settings)
    assert result.verification is not None
    assert result.verification.status == "identical"
