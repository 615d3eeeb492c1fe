"""What ``docs/`` takes from the code is what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import PARTS, Part
from tests.docs.rules import OPTIONS, WITHOUT_OPTION, fields_of
from tests.support.cli import Cli
from tests.support.paths import ROOT, TESTDATA
from tflopt.rules.pipeline import RULES

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.page)
def test_the_page_is_what_the_code_says(part: Part) -> None:
    assert part.text == part.renewed(), "python -m tests.docs.write renews it"


def test_every_field_of_a_rule_has_its_options() -> None:
    fields = {field for rule in RULES for field in fields_of(rule)}
    assert fields == OPTIONS.keys() | WITHOUT_OPTION


def test_the_options_exist() -> None:
    text = next(part.text for part in PARTS if part.page == "commands.md")
    for names in OPTIONS.values():
        for name in names.split(", "):
            assert f"`{name.split()[0]}`" in text


def test_the_picture_of_the_readme_is_what_the_command_draws(cli: Cli, tmp_path: Path) -> None:
    """``tflopt report MODEL --no-verify --svg docs/_static/memory.svg`` draws it anew."""
    drawn = tmp_path / "memory.svg"
    ran = cli("report", TESTDATA / "torch_tcn.tflite", "--no-verify", "--svg", drawn)
    assert ran.code == 0, ran.err
    assert drawn.read_text() == (ROOT / "docs" / "_static" / "memory.svg").read_text()
