"""The same distances by the kernels of emulated cores, as the planner rounds them: all at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.plan.test_in_place_distances import LAYERS, QUANT
from tests.run.test_on_device import CORES, FEW, device_of
from tests.run.test_on_device import images as images
from tests.support.kit import Kit
from tflopt.facts.offline_plan import ONLINE
from tflopt.io import write_bytes
from tflopt.ir import DType, Model
from tflopt.ir.clone import clone
from tflopt.plan.describe import runtime_bytes, write_plan_bytes
from tflopt.plan.in_place import aliases_at
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.plan.problem import align_up
from tflopt.verify.compare import Candidate, compare

pytestmark = [pytest.mark.device, pytest.mark.runtime]


def all_layers() -> Model:
    n = Kit(1)
    for layer in LAYERS.values():
        if layer.dtype is DType.INT8:
            made = [n.input(shape, quant=QUANT) for shape in layer.shapes]
            n.output(*layer.build(n, made))
    return n.model


def in_place(model: Model) -> Model:
    """A copy in which each operator's last pair lies as closely as its kernel bears."""
    values, place = list(model.main.values), 0
    offsets = [ONLINE] * len(values)
    for op in model.main.ops:
        *_, alias = aliases_at(op)
        assert alias.low is not None
        distance = align_up(alias.low, ARENA_ALIGNMENT)
        first, second = place + max(0, distance), place + max(0, -distance)
        offsets[values.index(alias.first)] = first
        offsets[values.index(alias.second)] = second
        ends = (first + runtime_bytes(alias.first), second + runtime_bytes(alias.second))
        place = align_up(max(ends), ARENA_ALIGNMENT)
    copy = clone(model)
    write_plan_bytes(copy, np.array([1, 1, len(values), *offsets], "<i4").tobytes())
    return copy


@pytest.mark.parametrize("core", CORES)
def test_the_kernels_of_a_core_bear_them(core: str, images: Path) -> None:
    model = all_layers()
    planned = in_place(model)
    verdict = compare(
        Candidate(model, write_bytes(model)),
        Candidate(planned, write_bytes(planned), derived=True),
        runner=device_of(core, images),
        options=FEW,
    )
    assert verdict.status == "identical", verdict
