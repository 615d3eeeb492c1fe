"""The reports to maintainers: one for each defect, with everything that they ask for."""

from __future__ import annotations

import pytest

from benchmarks.upstream import FOLDER, report, samples_of
from benchmarks.upstreaming.lines import PLACES
from tests.support.hazards import hazard_model
from tflopt.target.hazards import Hazard, hazards

pytestmark = pytest.mark.unit
PARTS = ("**Versions**", "**Line**", "**Mend**", "## Model", "## Input", "## Expected and seen")
every_hazard = pytest.mark.parametrize("hazard", hazards(), ids=lambda hazard: hazard.name)


def test_there_is_one_for_each_defect() -> None:
    names = {hazard.name for hazard in hazards()}
    assert names == PLACES.keys() == {page.stem for page in FOLDER.glob("*.md")} - {"README"}


@every_hazard
def test_a_report_has_its_parts_and_the_model_of_today(hazard: Hazard) -> None:
    """What is measured stays as it was measured; all else is what the code says."""
    page = (FOLDER / f"{hazard.name}.md").read_text(encoding="utf-8")
    assert [part for part in PARTS if part not in page] == []
    before = page.split("## Expected and seen")[0]
    assert before == report(hazard, None).split("## Expected and seen")[0]
    shown = "seen `" in page or "Seen: " in page.split("gcc 12.2.")[-1]
    assert shown or "It shows with" in page or "Read in the source" in page


@every_hazard
def test_inputs_differ_between_invocations(hazard: Hazard) -> None:
    samples = samples_of(hazard_model(hazard.name))
    assert all(value.size for sample in samples for value in sample)
    bits = [b"".join(value.tobytes() for value in sample) for sample in samples]
    assert len(set(bits)) > 1 or len(bits[0]) < 4
