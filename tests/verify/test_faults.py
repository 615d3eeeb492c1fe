"""The verification catches faults like those of a wrong rule; ``benchmarks/faults.py`` counts."""

from __future__ import annotations

import pytest

from tests.support.faults import BASES, FAULTS, Spoiled, spoil
from tests.support.paths import ROOT, needs_tflm

pytestmark = [pytest.mark.runtime, needs_tflm]
PAGE = ROOT / "docs" / "verification-faults.md"


def first_place(name: str) -> Spoiled:
    found = (spoil(name, base, seed) for seed, base in enumerate(BASES))
    return next(spoiled for spoiled in found if spoiled is not None)


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_caught(name: str) -> None:
    verdict = first_place(name).verdict()
    assert verdict.status == "different", verdict
    assert verdict.runner == "tflm"


def test_without_a_fault_nothing_is_caught() -> None:
    spoiled = first_place("one-weight-off")
    same = Spoiled(spoiled.original, spoiled.original)
    assert same.verdict().status == "identical"


@pytest.mark.unit
def test_the_page_lists_every_fault() -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    listed = {line.split("`")[1] for line in lines if line.startswith("| `")}
    assert listed == set(FAULTS)
