"""Random networks: the same bits on TFLM, and no more bytes moved than before."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_same_outputs
from tests.support.regions import RandomRegion
from tflopt.facts.work import macs, moved_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.ir.verify import verify
from tflopt.rewrite import Trace, run_model_rule
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.movement.assign_layouts import AssignLayouts
from tflopt.target.device import Device
from tflopt.target.hazards import find_hazards

pytestmark = pytest.mark.runtime
SEEDS = range(60)


def bytes_of(model: Model) -> int:
    return sum(moved_bytes(op) for op in model.ops())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_network_stays_itself(seed: int) -> None:
    model = RandomRegion(seed).draw(6 + seed % 14)
    verify(model, "the test")
    copy = clone(model)
    changed = run_model_rule(copy, AssignLayouts(), Trace())
    run_model_rule(copy, RemoveDead(), Trace())
    assert bytes_of(copy) <= bytes_of(model) or find_hazards(model, Device())
    fast = clone(model)
    run_model_rule(fast, AssignLayouts(route_around=False), Trace())
    assert bytes_of(fast) <= bytes_of(model), "moves more, for no layer's sake"
    assert sum(macs(op) for op in model.ops()) == sum(macs(op) for op in copy.ops())
    assert not run_model_rule(copy, AssignLayouts(), Trace()), "a second run changes something"
    if changed:
        check_same_outputs(model, copy, ["tflm"])
