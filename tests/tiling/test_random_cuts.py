"""Random networks in bands at random cuts compute what they did, with their plan in force."""

from __future__ import annotations

import random

import pytest

from tests.support.check_rule import check_same_outputs
from tests.support.conv_nets import random_net, random_segment
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.ir.text import dump
from tflopt.ir.verify import verify
from tflopt.plan.describe import write_plan
from tflopt.rewrite import Rewriter
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest, plan_memory
from tflopt.tiling.apply import tile
from tflopt.tiling.rows import NotTileableError
from tflopt.tiling.segment import Segment, overlaps
from tflopt.verify.match import pairs_by_origin

pytestmark = pytest.mark.runtime
SEEDS = 24


def tiled(model: Model, segments: list[Segment]) -> Model | None:
    """A copy in bands, with a plan; None where it is declined, and then untouched."""
    copy = clone(model)
    try:
        tile(copy, segments, Rewriter(copy))
    except NotTileableError:
        assert dump(copy) == dump(model)
        return None
    verify(copy, "bands")
    write_plan(copy, list(plan_memory(copy, Device(), PlanRequest()).offsets))
    return copy


def draw(rng: random.Random, model: Model) -> list[Segment]:
    """One to three segments that don't share an operator."""
    segments: list[Segment] = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        segment = random_segment(rng, model)
        if segment is not None and not overlaps([*segments, segment]):
            segments.append(segment)
    return segments


@pytest.mark.parametrize("seed", range(SEEDS))
def test_bands_compute_the_same(seed: int) -> None:
    rng = random.Random(seed)
    model = read_bytes(write_bytes(random_net(rng, in_time=seed % 4 == 0)))
    for _ in range(2):
        segments = draw(rng, model)
        copy = tiled(model, segments) if segments else None
        if copy is not None:
            check_same_outputs(model, copy)
            assert all(pair.original >= 0 for pair in pairs_by_origin(model, copy))


def test_most_draws_are_cut() -> None:
    """The test above would say nothing if all were declined."""
    done = 0
    for seed in range(40):
        rng = random.Random(seed)
        model = random_net(rng, in_time=seed % 4 == 0)
        segments = draw(rng, model)
        done += bool(segments) and tiled(model, segments) is not None
    assert done >= 20
