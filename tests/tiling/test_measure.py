"""What is measured without writing it is what the written model takes, to the byte."""

from __future__ import annotations

import random

import pytest

from tests.support.conv_nets import random_net
from tests.tiling.test_random_cuts import draw, tiled
from tflopt.plan.describe import write_plan
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest, memory_of, plan_memory
from tflopt.tiling.costs import CostBook
from tflopt.tiling.measure import Bench

pytestmark = pytest.mark.unit


@pytest.mark.long
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("seed", range(12))
def test_measured_is_what_is_written(seed: int, target: str) -> None:
    rng = random.Random(seed)
    model = random_net(rng, in_time=seed % 4 == 0)
    segments = draw(rng, model)
    written = tiled(model, segments) if segments else None
    device, request = Device(Target.parse(target)), PlanRequest(overlap="target")
    bench = Bench(model, CostBook(device, request))
    measured = bench.measure(segments, 1.0)
    if written is None or measured is None:  # also for a new defect of the kernels
        return
    bound = bench.measure(segments)
    assert bound is not None
    plan = plan_memory(written, device, request)
    write_plan(written, plan.offsets)
    arena = memory_of(written, device).arena.minimum_bytes
    assert bound.arena_bytes <= arena <= measured.arena_bytes
    assert measured.instructions == predict_model(written, device).instructions
    assert measured.operators == len(written.main.ops)
    if plan.head_bytes == plan.lower_bound:
        assert bound.arena_bytes == arena
