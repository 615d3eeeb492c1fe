"""The verification catches faults like those of a wrong rule; ``benchmarks/faults.py`` counts."""

from __future__ import annotations

import pytest

from tests.support.faults import BASES, FAULTS, Spoiled, spoil
from tests.support.paths import ROOT, needs_tflm
from tests.support.steps import STEPS

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
    faults, steps = PAGE.read_text("utf-8").split("## One step")
    assert rows(faults).keys() == set(FAULTS)
    assert rows(steps).keys() == set(STEPS)


def test_the_page_counts_nearly_every_step_as_found() -> None:
    _, steps = PAGE.read_text("utf-8").split("## One step")
    counts = [row[:3] for row in rows(steps).values()]
    shown = sum(int(row[0].split()[0]) for row in counts)
    found = sum(int(row[2]) for row in counts)
    assert shown >= 200
    assert 0.99 * shown <= found <= shown


def rows(text: str) -> dict[str, list[str]]:
    """The cells of a table by the name in the first."""
    found = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in found}
