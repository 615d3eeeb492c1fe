"""The code blocks of ``docs/`` and README run, and print what the pages show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import Block, blocks
from tests.docs.pages import DOCS
from tests.docs.renew import renewed
from tests.docs.session import Session, Step, matches, steps
from tests.support.cli import Cli
from tests.support.paths import ROOT, needs_tflm

pytestmark = pytest.mark.runtime
BENCHMARKS = DOCS / "benchmarks.md"
"""Written as a whole by ``benchmarks/run.py``, which runs its commands."""
PAGES = [ROOT / "README.md", *sorted(set(DOCS.glob("*.md")) - {BENCHMARKS})]
RUN = {page for page in PAGES if any(block.runs for block in blocks(page))}
SEARCH_FOR_LONG = {DOCS / "arena-too-large.md", DOCS / "forms.md", DOCS / "tiling.md"}
WIDTH = "100"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    assert [f"{b.place}: {b.fault}" for b in blocks(page) if b.fault] == []


@pytest.fixture
def session(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renew_docs: bool) -> Session:
    """Where a page's blocks run, one after the other."""
    monkeypatch.setenv("COLUMNS", WIDTH)
    return Session(tmp_path, cli, renew_docs)


@needs_tflm
@pytest.mark.parametrize("page", sorted(RUN - SEARCH_FOR_LONG), ids=lambda page: page.stem)
def test_blocks_run(page: Path, session: Session) -> None:
    for block in blocks(page):
        session.take(block)


@needs_tflm
@pytest.mark.long
@pytest.mark.parametrize("page", sorted(SEARCH_FOR_LONG), ids=lambda page: page.stem)
def test_blocks_that_search_for_long_run(page: Path, session: Session) -> None:
    for block in blocks(page):
        session.take(block)


def of(text: str, tmp_path: Path) -> list[Block]:
    page = tmp_path / "page.md"
    page.write_text(text)
    return blocks(page)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```console\n$ true\n```", ""),
        ("```\nx\n```", "it has no language"),
        ("text\n\n    indented", "it has no language"),
        ("```toml\nx = 1\n```", "a block of toml needs a mark"),
        ("<!-- file: x.toml -->\n```toml\nx = 1\n```", ""),
        (
            "<!-- file: x -->\n\nother text\n\n```toml\nx = 1\n```",
            "a block of toml needs a mark",
        ),
        ("<!-- not run: needs a device -->\n\n```sh\nx\n```", ""),
        ("<!-- not run -->\n```sh\nx\n```", "no reason says why it isn't run"),
        ("1. a list\n\n   ```sh\n   x\n   ```", "a block of sh needs a mark"),
        ("```text\ntflopt inspect x\n```", "it looks like a command: use console"),
        ("```text\nno command\n```", ""),
    ],
)
def test_marks(text: str, fault: str, tmp_path: Path) -> None:
    (block,) = of(text, tmp_path)
    assert block.fault == fault


def test_numbers_are_renewed_and_words_are_not() -> None:
    printed = "file, bytes   1,234   99  -8.0 %\nother words 7\n1 x rule-2 does 5 things"
    shown = ["file, bytes     900  899  -0.1 %", "...", "1 x rule-2 does 4 ..."]
    fresh = ["file, bytes     1,234   99  -8.0 %", "...", "1 x rule-2 does 5 ..."]
    assert renewed(shown, printed) == fresh
    assert matches(fresh, printed)
    assert renewed(["some words 3"], printed) == ["some words 3"]


def test_steps_have_what_is_shown(tmp_path: Path) -> None:
    (block,) = of("```console\n$ a \\\n    b\nout\n$ c\n```", tmp_path)
    assert list(steps(block)) == [Step("a b", ["out"]), Step("c", [])]


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        (["one two", "three", "four"], True),
        (["...", "four"], True),
        (["one ...", "..."], True),
        (["one   two", "...", "four"], True),
        (["one two"], False),
        (["...", "three"], False),
        (["...", "thr... four"], False),
    ],
)
def test_what_is_shown_is_compared(shown: list[str], same: bool) -> None:
    assert matches(shown, "one  two\nthree\n\nfour\n") is same


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("```console\n$ tflopt targets\n...\ncortex-m4 dsp\n...\n```", False),
        ("```console\n$ tflopt targets\n...\ncortex-m4 mve\n...\n```", True),
        ("```console\n$ tflopt inspect none.tflite\n```", True),
        ("```console\n$ tflopt inspect none.tflite\n...\n$ echo $?\n2\n```", False),
        ("```console\n$ false; echo a | cat; exit 3\na\n$ echo $?\n3\n```", False),
        ("```python\nprint(1)\n```\n\n<!-- output -->\n```text\n1\n```", False),
        ("```python\nprint(1)\n```\n\n<!-- output -->\n```text\n2\n```", True),
        ("<!-- file: a -->\n```toml\nx\n```\n\n```console\n$ cat a\nx\n```", False),
    ],
)
def test_a_session_fails_where_the_page_is_wrong(
    text: str, fails: bool, cli: Cli, tmp_path: Path
) -> None:
    session = Session(tmp_path, cli)
    found = of(text, tmp_path)
    if not fails:
        for block in found:
            session.take(block)
        return
    with pytest.raises(AssertionError, match=r"page\.md:"):
        for block in found:
            session.take(block)
