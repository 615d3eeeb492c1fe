"""The way into the manual: five pages at most for each reader, and a README that stays short."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS
from tests.support.paths import ROOT

pytestmark = pytest.mark.unit
LINK = re.compile(r"\]\(([a-z-]+\.md)\)")
MOST_PAGES = 5
MOST_LINES = 70


def test_each_reader_has_five_pages_at_most_in_the_way() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    part = text.split("## Where to begin")[1].split("## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 3
    for row in rows:
        pages = LINK.findall(row)
        assert 3 <= len(set(pages)) == len(pages) <= MOST_PAGES, row
        assert all((DOCS / page).exists() for page in pages)


def test_the_readme_is_short_and_its_model_is_in_the_repository() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert text.count("![") == 1
    assert len(re.findall("^- ", text.split("## More")[1], re.MULTILINE)) == 5
    (model,) = set(re.findall(r"^\$ tflopt optimize (\S+)", text, re.MULTILINE))
    assert (ROOT / model).is_file()
