"""The optimizer undoes what the de-optimizer does, and the de-optimizer changes no bit."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_same_outputs
from tests.support.deoptimize import MUTATIONS, Step, deoptimize
from tests.support.paths import needs_tflm
from tests.support.trial import BASES, Trial, make_trial, run_trial
from tflopt.ir.verify import verify

pytestmark = [pytest.mark.runtime, needs_tflm]
SEEDS = range(1_000_000, 1_000_036)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_mutations_are_exact(name: str) -> None:
    places = 0
    for number, base in enumerate(BASES):
        trial = Trial(base, 0, (Step(name, number),))
        worse, done = deoptimize(trial.clean(), trial.steps)
        if done:
            places += 1
            verify(worse, name)
            check_same_outputs(trial.clean(), worse)
    assert places >= 1


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_the_optimizer_finds_its_way_back(seed: int) -> None:
    finding = run_trial(make_trial(seed))
    assert not finding.fault, finding


def test_trials_are_of_all_kinds() -> None:
    steps = {step.name for seed in range(200) for step in make_trial(seed).steps}
    assert steps == set(MUTATIONS)
    assert {make_trial(seed).base for seed in SEEDS} == set(BASES)
