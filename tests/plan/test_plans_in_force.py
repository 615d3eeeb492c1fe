"""Default plans, run as they ship on TFLM's own kernels: the outputs are those without a plan."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.plan.random_models import random_model
from tests.support.conv_nets import random_net
from tests.support.paths import needs_tflm
from tests.support.runtime import RuntimeFailure, runtime
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.plan.describe import write_plan
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target.device import Device
from tflopt.target.kernel_sets import EVERY, THIS_ISA, KernelSet
from tflopt.target.memory import PlanRequest, plan_memory
from tflopt.target.plan_check import bearers

pytestmark = [pytest.mark.runtime, needs_tflm]
SEEDS = range(0, 40, 2)


def with_plan(model: Model, overlap: str) -> Model:
    copy = clone(model)
    write_plan(copy, plan_memory(model, Device(), PlanRequest(overlap=overlap)).offsets)
    return copy


@pytest.mark.parametrize("seed", SEEDS)
def test_outputs_are_those_without_a_plan(seed: int) -> None:
    for model in (random_net(random.Random(seed)), random_model(seed)):
        samples = make_samples(model, SampleOptions(3, seed=1))
        try:
            expected = runtime().run("tflm", write_bytes(model), samples)
        except RuntimeFailure:
            continue  # TFLM can't allocate each of them
        for overlap in (EVERY, THIS_ISA):
            planned = with_plan(model, overlap)
            found = runtime().run("tflm", write_bytes(planned), samples)
            for one, two in zip(expected, found, strict=True):
                assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
            assert KernelSet.REFERENCE in bearers(planned, Device())
        assert bearers(with_plan(model, EVERY), Device()) == set(KernelSet)
