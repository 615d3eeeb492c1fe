"""The table in ``docs/hazards.md`` is the table of the code; ``--write`` renews it."""

from __future__ import annotations

import sys

import pytest

from tests.support.paths import ROOT
from tflopt.target.hazards import hazards

pytestmark = pytest.mark.unit
PAGE = ROOT / "docs" / "hazards.md"
MARKS = (
    "<!-- table: written by tests/target/hazards/test_docs.py --write -->\n",
    "<!-- end of table -->\n",
)


def rows() -> str:
    lines = [
        "\n| name | on | what goes wrong | known by | routed by |\n",
        "|---|---|---|---|---|\n",
    ]
    for hazard in hazards():
        rule = "nothing yet" if hazard.rule is None else f"`{hazard.rule}`"
        known = f"{hazard.evidence.value}, with {hazard.needs}"
        known = known if hazard.needs else hazard.evidence.value
        cells = (hazard.name, hazard.affected, hazard.symptom, known, rule)
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join([*lines, "\n"])


def page_with(table: str) -> str:
    before, rest = PAGE.read_text().split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return before + MARKS[0] + table + MARKS[1] + after


def test_the_page_has_the_table() -> None:
    assert PAGE.read_text() == page_with(rows())


if __name__ == "__main__" and "--write" in sys.argv:
    PAGE.write_text(page_with(rows()))
