"""What is added up over segments is what the whole model takes; fitted bands fit."""

from __future__ import annotations

import random

import pytest

from tests.support.conv_nets import random_net
from tests.tiling.test_random_cuts import draw
from tests.tiling.test_search import net
from tflopt.ir import Model
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.tiling.costs import CostBook
from tflopt.tiling.fit import fitted
from tflopt.tiling.measure import Bench
from tflopt.tiling.pack import Packs
from tflopt.tiling.segment import Segment
from tflopt.tiling.windows import Windows

pytestmark = pytest.mark.unit
ROUNDING = 16
"""Of the tail, which an estimate doesn't follow allocation by allocation."""
PLANNER = 64
"""Bytes for each buffer that TFLM's planner takes for itself: smaller heads don't matter."""


def windows_of(model: Model) -> Windows:
    return Windows(Bench(model, CostBook(Device(), PlanRequest(overlap="target"))))


@pytest.mark.parametrize("seed", range(10))
def test_segments_add_up_to_the_model(seed: int) -> None:
    rng = random.Random(seed)
    windows = windows_of(random_net(rng, in_time=seed % 4 == 0))
    segments = draw(rng, windows.bench.model)
    estimate, measured = windows.estimate(segments), windows.bench.measure(segments)
    if estimate is None or measured is None:  # also for a new defect of the kernels
        return
    head = windows.head(segments)
    assert head is not None
    assert estimate.rest_bytes + head <= measured.arena_bytes + ROUNDING
    draft = windows.bench.draft(segments)
    assert draft is not None
    scratch = sum(len(windows.bench.book.of(op).scratch_bytes) for op in draft.ops)
    if head >= PLANNER * (len(draft.values) + scratch):
        assert estimate.rest_bytes + head >= measured.arena_bytes - ROUNDING
    assert estimate.instructions == measured.instructions
    assert estimate.operators == measured.operators


def test_no_band_is_larger_than_fits_and_none_could_be_larger() -> None:
    windows = windows_of(net())
    start = Segment(0, 1, (0, 4, 8))
    head = windows.op(0).head_bytes * 3 // 4
    found = fitted(windows, start, head)
    assert found is not None
    need = windows.segment(found)
    assert need is not None
    assert need.head_bytes <= head
    for place in range(1, len(found.bounds) - 1):
        bounds = list(found.bounds)
        bounds[place] += 1
        if bounds[place] < bounds[place + 1]:
            wider = windows.segment(Segment(0, 1, tuple(bounds)))
            assert wider is None or wider.head_bytes > head


def test_nothing_fits_into_nothing() -> None:
    assert fitted(windows_of(net()), Segment(0, 1, (0, 4, 8)), 64) is None


@pytest.mark.parametrize("wanted", [0, 512, 1 << 20])
def test_a_segment_alone_needs_no_less_than_its_bound(wanted: int) -> None:
    windows = windows_of(net())
    packs = Packs(windows)
    for bounds in ((0, 4, 8), (0, 2, 5, 8), (0, 7, 8)):
        segment = Segment(0, 1, bounds)
        need = windows.segment(segment)
        assert need is not None
        assert packs.plan(segment, wanted) >= need.head_bytes
        assert packs.head(segment) == packs.plan(segment, wanted)
