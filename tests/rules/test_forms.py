"""Random layers through every rule that writes operators in another form, on the real TFLM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.check_rule import apply, check_same_outputs
from tests.support.layers import KINDS, random_layer
from tests.support.worth import FORMS, Always
from tflopt.config import Config, Goal
from tflopt.ir.clone import clone
from tflopt.rewrite import Rule
from tflopt.rewrite.watch import verify_each
from tflopt.rules.constants.remove_identity import RemoveIdentity
from tflopt.rules.forms.mean_forms import WINDOWS
from tflopt.rules.movement.remove_unit_window import RemoveUnitWindow
from tflopt.rules.pipeline import run_pipeline
from tflopt.rules.views.pack_to_reshape import PackToReshape
from tflopt.rules.views.reduce_to_view import ReduceToView
from tflopt.target import Target
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
TARGETS = ("cortex-m4", "cortex-m55", "cortex-m3")
LAYERS = 20 * len(KINDS)
PLAIN: tuple[Rule, ...] = (RemoveIdentity(), RemoveUnitWindow(), ReduceToView(), PackToReshape())


def rules() -> Iterator[Rule]:
    """Each rule, whatever its form costs, and each form of those that have several."""
    yield from PLAIN
    for form in FORMS:
        for pick in range(len(WINDOWS) if form.name == "mean-to-convolution" else 1):
            yield form(Always(pick=pick))


def check_layer(seed: int) -> Counter[str]:
    """Every rule alone on the layer of that seed gives the same bits; which rules fired."""
    model = random_layer(seed).model
    fired: Counter[str] = Counter()
    for rule in rules():
        copy = clone(model)
        hits = apply(copy, rule).counts
        if hits:
            check_same_outputs(model, copy, ["tflm"])
            assert not apply(copy, rule).hits
        fired += hits
    copy = clone(model)
    turn = seed // len(KINDS)
    device = Device(Target.parse(TARGETS[turn % len(TARGETS)]))
    config = Config(device=device, goal=list(Goal)[turn % len(Goal)])
    fired += run_pipeline(copy, None, config, verify_each).counts
    check_same_outputs(model, copy, ["tflm"])
    return fired


@pytest.mark.long
@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[kind.__name__ for kind in KINDS])
def test_random_layers(kind: int) -> None:
    fired: Counter[str] = Counter()
    for seed in range(kind, LAYERS, len(KINDS)):
        fired += check_layer(seed)
    assert fired
