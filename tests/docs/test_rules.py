"""The examples of ``docs/rules.md``: one for each rule, which does what the page shows."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.check_rule import RUNNERS, apply, check_rule, check_same_outputs
from tests.support.rule_examples import EXAMPLES, Example
from tflopt.ir.clone import clone
from tflopt.rules.pipeline import RULES

pytestmark = pytest.mark.runtime
SMALL = 9
"""Operators that still make a picture."""
FOR_TFLM_ALONE = (
    "share-zero-points",
    "look-up-elu",
    "drop-initialization",
    "write-states-in-place",
)
"""Rules that need ``--runtime tflm``: LiteRT doesn't load what they make."""
each = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def test_every_rule_has_an_example() -> None:
    assert set(EXAMPLES) == {rule.name for rule in RULES}


@each
def test_the_rule_fires_and_the_outputs_stay(example: Example) -> None:
    before, _ = example.models()
    assert len(before.main.ops) <= SMALL
    if example.rule.exactness.bit_exact:
        alone = example.rule.name in FOR_TFLM_ALONE
        check_rule(before, example.rule, runners=example.runners, tflm_alone=alone)
    else:
        assert apply(clone(before), example.rule).hits


@each
def test_the_example_shows_a_change(example: Example) -> None:
    before, after = example.texts
    assert before != after


def test_nearly_all_run_on_both() -> None:
    """Those that don't: the operator is missing, or LiteRT rounds differently or refuses it."""
    counts = Counter(example.runners for example in EXAMPLES.values())
    lacking = [e for e in EXAMPLES.values() if ".missing." in type(e.rule).__module__]
    assert counts[RUNNERS] >= len(EXAMPLES) - 9 - len(FOR_TFLM_ALONE) - len(lacking)
    before, after = EXAMPLES["fold-pad"].models()
    check_same_outputs(before, after)
