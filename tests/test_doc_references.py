"""Files that the documentation names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.unit
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = "docs|tests|benchmarks|tflopt|testdata"
IN_PROJECT = re.compile(rf"\b((?:{FOLDERS})/[\w/.-]+\.(?:md|py|tflite))\b")
LINK = re.compile(r"\]\(([\w./-]+)(?:#[\w-]*)?\)")


def missing(text: str, folder: Path) -> list[str]:
    """Paths in the text that lead nowhere: links from ``folder``, others from the root."""
    paths = [(ROOT / name, name) for name in IN_PROJECT.findall(text)]
    paths += [(folder / name, name) for name in LINK.findall(text)]
    return [name for path, name in paths if not path.exists()]


def test_every_file_that_a_page_names_exists() -> None:
    nowhere = {page.name: missing(page.read_text(), page.parent) for page in PAGES}
    assert {page: names for page, names in nowhere.items() if names} == {}


def test_the_check_can_fail() -> None:
    text = "see `docs/nowhere.md`, [here](else.md#part) and [this](exactness.md)"
    assert missing(text, ROOT / "docs") == ["docs/nowhere.md", "else.md"]
