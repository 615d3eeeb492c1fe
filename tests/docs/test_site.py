"""What the site is made of: pictures, and the check that it fetches nothing.

The site itself is built by ``nox -s docs``, which has the generator.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.docs.offline import check, fetches
from tests.docs.pages import DOCS
from tests.docs.picture import picture
from tests.docs.site import MARK
from tests.support.rule_examples import EXAMPLES
from tflopt.ir.text import dump

pytestmark = pytest.mark.unit
DRAWN = [name for name, example in EXAMPLES.items() if example.show is dump]


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_has_every_operator_and_no_empty_line(name: str) -> None:
    html = picture(name)
    assert "\n\n" not in html, "Markdown would end the block there"
    before, after = ElementTree.fromstring(html).findall("figure/svg")
    for side, model in zip((before, after), EXAMPLES[name].models(), strict=True):
        titles = [text.text for text in side.iter("text") if "class" not in text.attrib]
        assert titles[-len(model.main.ops) :] == [op.opcode.label for op in model.main.ops]


def test_something_is_marked_in_nearly_every_picture() -> None:
    """Where only a scale or the order changes the picture can't show it; the text does."""
    marked = {n for n in DRAWN if re.search('class="(folded|rewritten|changed|added)"', picture(n))}
    assert set(DRAWN) - marked == {"per-channel-to-per-tensor", "reorder-operators"}


def test_every_mark_of_the_page_is_drawn() -> None:
    marks = MARK.findall((DOCS / "rules.md").read_text(encoding="utf-8"))
    assert sorted(marks) == sorted(DRAWN)


def test_every_page_is_in_the_contents() -> None:
    contents = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert page.stem == "index" or re.search(rf"^{page.stem}$", contents, re.MULTILINE), page
        assert page.stem == "index" or f"({page.name})" in contents, page


@pytest.mark.parametrize(
    ("name", "text", "faults"),
    [
        ("a.html", '<a href="https://x.org">x</a><img src="a.png">', 0),
        ("a.html", '<script src="https://x.org/x.js"></script>', 1),
        ("a.html", '<link rel="stylesheet" href="//x.org/x.css">', 1),
        ("a.html", "<style>@import 'https://x.org/x.css';</style>", 1),
        ("a.html", '<p style="background: url(http://x.org)">', 2),
        ("a.css", "a { background: url(data:image/svg+xml,<svg xmlns='http://www.w3.org'>) }", 0),
        ("a.css", "@font-face { src: url('https://x.org/f.woff') }", 1),
    ],
)
def test_what_a_file_fetches(name: str, text: str, faults: int, tmp_path: Path) -> None:
    assert len(fetches(name, text)) == faults
    (tmp_path / name).write_text(text)
    assert len(list(check(tmp_path))) == faults
