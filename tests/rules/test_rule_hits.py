"""How often each rule fires on every model: exactly as ``testdata/rule_hits.json`` says.

A change that is meant renews the file with ``python benchmarks/rules.py --write``; its diff shows
which models the change touches.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.rules import ORDER, differences, expected
from tests.support.paths import MODELS, SHARED, TESTDATA, every_model
from tests.support.reports import report_of, result_of
from tflopt.report.plain import rows

pytestmark = pytest.mark.unit
RENEW = "if this is meant: python benchmarks/rules.py --write"
KNOWN = expected()
ELSEWHERE = sorted(set(KNOWN) - {path.stem for path in TESTDATA.glob("*.tflite")})


@every_model
def test_rules_fire_as_often_as_they_did(path: Path) -> None:
    assert path.stem in KNOWN, RENEW
    hits = result_of(path)[0].trace.counts
    assert differences({path.stem: hits}, KNOWN) == [], RENEW


@pytest.mark.long
@every_model
def test_the_report_counts_alike(path: Path) -> None:
    hits = {str(rule["name"]): len(rows(rule, "hits")) for rule in rows(report_of(path), "passes")}
    assert differences({path.stem: hits}, KNOWN) == [], RENEW


@pytest.mark.parametrize("name", ELSEWHERE)
def test_models_of_other_places_are_here(name: str) -> None:
    """The numbers of a model that is missing were not compared."""
    if not (SHARED / f"{name}.tflite").exists():
        pytest.skip(f"{name}.tflite is not in ../shared/models")


def test_the_file_names_rules_that_exist() -> None:
    assert {rule for counts in KNOWN.values() for rule in counts} <= set(ORDER), RENEW
    assert len(KNOWN) >= len(MODELS)


def test_a_difference_is_named() -> None:
    found = differences({"a": {"x": 2, "y": 1}}, {"a": {"y": 1, "z": 3}})
    assert found == ["a, x: 0 before, 2 now", "a, z: 3 before, 0 now"]
    assert differences({"new": {"x": 1}}, {}) == ["new, x: 0 before, 1 now"]
