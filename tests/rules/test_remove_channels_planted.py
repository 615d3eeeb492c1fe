"""Random networks with planted channels; ``benchmarks/channels.py`` runs thousands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.check_rule import apply, check_same_outputs
from tests.support.paths import needs_tflm
from tests.support.planted_nets import Planted, plant
from tests.support.worth import Free
from tflopt.config import Runtime
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model
from tflopt.rewrite import ModelRule
from tflopt.rules.channels.merge_twin_channels import MergeTwinChannels
from tflopt.rules.channels.remove_channels import RemoveChannels
from tflopt.rules.constants.remove_dead import RemoveDead

pytestmark = [pytest.mark.runtime, needs_tflm]
COUNT, CHUNK = 200, 20
RULE = RemoveChannels(Free(), Runtime.TFLM)


def removed(planted: Planted, rules: Sequence[ModelRule] = (MergeTwinChannels(), RULE)) -> Model:
    copy = read_bytes(write_bytes(planted.model))
    apply(copy, *rules, RemoveDead())
    return copy


@pytest.mark.long
@pytest.mark.parametrize("start", range(0, COUNT, CHUNK))
def test_what_is_planted_is_found_and_no_output_differs(start: int) -> None:
    failures = {}
    for seed in range(start, start + CHUNK):
        planted = plant(seed)
        copy = removed(planted)
        failures[seed] = planted.failures(copy)
        check_same_outputs(planted.model, copy, ("tflm",))
    assert {seed: lines for seed, lines in failures.items() if lines} == {}


def test_the_check_can_fail() -> None:
    """A network left as it is has too many channels, and one that lost the wrong one too few."""
    planted = next(p for p in map(plant, range(0, 40, 4)) if p.stays)
    assert planted.failures(read_bytes(write_bytes(planted.model)))
    copy = removed(planted)
    assert planted.failures(copy) == []
    name = next(iter(planted.stays))
    planted.stays[name] = 99
    assert planted.failures(copy) == [f"{name}: no 99"]


def test_twins_are_planted() -> None:
    """Where nothing merges them, a layer stays too wide."""
    nets = [plant(seed) for seed in range(30)]
    assert any(net.failures(removed(net, [RULE])) for net in nets)
