"""An audit as Lighthouse makes it, by script: names, structure, contrast, sizes, narrow screens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from tests.support.browser import needs_chromium, probe
from tests.support.extras import full_report, planted_report
from tests.support.paths import TESTDATA
from tests.support.reports import report_of
from tflopt.report.html.page import html_report
from tflopt.report.html.single import series_page, view_page

pytestmark = [pytest.mark.unit, needs_chromium]
AUDIT = (Path(__file__).resolve().parents[2] / "support" / "audit.js").read_text(encoding="utf-8")
PHONE = 360
BROKEN = """<!doctype html><html><head><meta name="viewport" content="width=800"></head><body>
<h2>deep</h2><p style="color:#999;background:#fff">pale</p><button style="width:9px"></button>
<a href="#nowhere">x</a><div tabindex="3" id="a">t</div><div id="a"></div><nav></nav>
<table><tr><td>cell</td></tr></table><table><tr><th>head</th></tr></table>
<div tabindex="0">reach</div><span aria-hidden="true"><button>b</button></span>
<svg role="img"></svg><p style="width:2000px">wide</p></body></html>"""
FAULTS = (
    "no language",
    "no title",
    "no viewport",
    "not one main",
    "a heading after h0",
    "not one h1",
    "contrast 2.",
    "no name",
    "no label",
    "too small to tap",
    "a link to nothing",
    "an order of its own",
    "two with the id a",
    "a table without heads",
    "a head without scope",
    "reachable without a role",
    "hidden, but reachable",
    "wider than the screen",
)


def report_page() -> str:
    return html_report(full_report(planted_report()))


def one_page() -> str:
    return view_page(full_report({k: v for k, v in planted_report().items() if k != "output"}))


def series() -> str:
    return series_page([report_of(TESTDATA / "har_cnn.tflite"), planted_report()] * 2)


def states() -> str:
    return html_report(report_of(TESTDATA / "torch_tcn.tflite"))


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("make", [report_page, one_page, series, states])
def test_an_audit_finds_nothing(make: Callable[[], str], dark: bool, tmp_path: Path) -> None:
    found = probe(make(), AUDIT, tmp_path, width=PHONE, dark=dark)
    answer = cast("dict[str, object]", found.answer)
    assert answer["faults"] == []
    assert cast("int", answer["texts"]) > 40
    assert found.console == []


PAPER = """
return [...page.querySelectorAll("main *")].filter((e) => e.getClientRects().length
  && !e.closest("svg") && e.getBoundingClientRect().right > view.innerWidth + 1)
  .map((e) => e.tagName + "." + e.className + " " + e.textContent.slice(0, 30));
"""
SHEET = 718
"""A4 between margins of one centimetre, in CSS pixels."""


@pytest.mark.parametrize("make", [report_page, one_page, states])
def test_paper_holds_it(make: Callable[[], str], tmp_path: Path) -> None:
    """With the style for print nothing is cut off, also what scrolls on a screen."""
    printed = (
        make().replace("@media print {", "@media all {").replace("@media screen", "@media not all")
    )
    found = probe(printed, PAPER, tmp_path, width=SHEET)
    assert found.answer == []
    cut = probe(make(), PAPER, tmp_path, width=SHEET).answer
    assert cut, "on a screen of this width tables scroll, so the test can fail"


def test_the_audit_can_fail(tmp_path: Path) -> None:
    answer = cast("dict[str, object]", probe(BROKEN, AUDIT, tmp_path, width=PHONE).answer)
    faults = "\n".join(cast("list[str]", answer["faults"]))
    assert [fault for fault in FAULTS if fault not in faults] == []
