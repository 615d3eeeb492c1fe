"""The HTML page without a browser: self-contained, bounded, safe, and with the JSON's numbers."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.paths import every_model
from tests.support.reports import SMALL, at, large_report, report_of
from tflopt.report.html.lanes import MOST_ROWS, graphs
from tflopt.report.html.page import html_report
from tflopt.report.memory_map import DARK
from tflopt.report.plain import Plain

pytestmark = pytest.mark.unit
VOID = frozenset({"meta", "link", "br", "img", "hr", "input", "wbr"})
DRAWN = frozenset({"path", "rect", "line"})
HOSTILE = """</script><img src=x onerror=alert(1)>"'{{ 7 * 7 }}\u202e\x00\udc80"""
TEXT_COLOURS = ("ink", "soft", "accent", "better", "worse", "gone", "fresh", "peak", "bound")


class Page(HTMLParser):
    """Tags that are open, and the numbers and scripts of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def numbers(self) -> dict[str, int]:
        return {
            attrs["data-path"] or "": int(attrs["value"] or "")
            for tag, attrs in self.tags
            if tag == "data" and "data-path" in attrs
        }


@pytest.mark.long
@every_model
def test_pages_of_all_models(path: Path) -> None:
    """Well-formed; every number that is marked with its place is the one in the JSON report."""
    report = report_of(path)
    source = html_report(report)
    page = Page(source)
    assert len(page.numbers) > 40
    if at(report, "input/operators") <= 100:  # type: ignore[operator]
        assert len(source.encode()) < 1_000_000
    for place, value in page.numbers.items():
        assert at_or_zero(report, place) == value, place


def at_or_zero(report: Plain, place: str) -> object:
    """A kind of bytes that a model has none of is not in its account."""
    parent, _, key = place.rpartition("/")
    found = at(report, parent)
    assert isinstance(found, dict)
    return found.get(key, 0) if parent.endswith("_kind") else found[key]


def test_nothing_points_outside() -> None:
    source = html_report(report_of(SMALL))
    page = Page(source)
    for tag, attrs in page.tags:
        assert tag not in ("iframe", "object", "embed", "base", "form"), tag
        assert "src" not in attrs
        assert not any(name.startswith("on") for name in attrs)
        href = attrs.get("href")
        assert href is None or href.startswith("#") or href == "data:,"
    assert not re.search(r"@import|url\((?!#)", source)
    assert "default-src 'none'" in source


def test_names_from_a_model_stay_text() -> None:
    report = copy.deepcopy(dict(large_report(30, HOSTILE)))
    harmless = Page(html_report(large_report(30, "a")))
    for key in ("input", "output"):
        side = report[key]
        assert isinstance(side, dict)
        side["path"] = f"{HOSTILE}.tflite"
        for operator in (*side["graph"], *side["kernels"], *side["memory_map"]["steps"]):
            operator["operator"] = HOSTILE
    report["notes"] = [HOSTILE]
    report["interface"] = [
        {
            "kind": "input",
            "index": 0,
            "name": HOSTILE,
            "before": [1, 2],
            "after": [2, 1],
            "permutation": [1, 0],
        }
    ]
    source = html_report(report)
    page = Page(source)
    scripts = [attrs.get("type") for tag, attrs in page.tags if tag == "script"]
    assert scripts == ["application/json", None]
    assert "img" not in {tag for tag, _ in page.tags}
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in harmless.tags} | {"ul", "li", "code"}
    assert "onerror=alert(1)>" in page.text
    assert "49" not in re.findall(r"\{\{ 7 \* 7 \}\}|49$", page.text)
    assert "{{ 7 * 7 }}" in page.text
    assert "\u202e" not in source
    source.encode()


def test_a_large_model_gives_a_bounded_page() -> None:
    report = large_report(20_000)
    source = html_report(report)
    assert len(source) < 4_000_000
    Page(source)
    assert "are not drawn" in source
    assert "are in the JSON report" in source
    (side,) = graphs(report)
    assert len(side.rows) <= 2 * MOST_ROWS
    shown = sum(row.before is not None for row in side.rows)
    assert shown <= MOST_ROWS < shown + side.cut + sum(row.skipped for row in side.rows)


def test_long_runs_of_unchanged_operators_are_left_out() -> None:
    report = copy.deepcopy(dict(large_report(400)))
    for key in ("input", "output"):
        for row in at(report, f"{key}/graph"):  # type: ignore[attr-defined]
            row["fate"] = "changed" if row["index"] == 200 else "kept"
    (side,) = graphs(report)
    shown = [row.before.op["index"] for row in side.rows if row.before is not None]
    assert shown == [0, 199, 200, 201, 399]
    assert [row.skipped for row in side.rows if row.skipped] == [198, 197]


def test_the_same_report_gives_the_same_page() -> None:
    report = report_of(SMALL)
    assert html_report(report) == html_report(json.loads(json.dumps(report)))


def test_an_unknown_arena_and_unknown_rules() -> None:
    report = copy.deepcopy(dict(report_of(SMALL)))
    for key in ("input", "output"):
        side = report[key]
        assert isinstance(side, dict)
        for name in ("arena", "arena_minimum_by_target", "memory_map", "scratch", "scratch_bytes"):
            side[name] = None
    report["passes"], report["options"] = [], None
    page = Page(html_report(report))
    assert "The arena of this model is not known." in page.text
    assert "What the rules did is not known" in page.text


@pytest.mark.parametrize("dark", [False, True])
def test_colours_have_contrast(dark: bool) -> None:
    """Texts reach 4.5:1 against the page and its cards, as WCAG AA asks."""
    source = html_report(report_of(SMALL))
    blocks = re.findall(r":root \{([^}]*)\}", source)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[1 if dark else 0]))
    for name in TEXT_COLOURS:
        for paper in ("paper", "card", "gone-paper", "fresh-paper"):
            if name in ("ink", "soft") or paper in ("paper", "card"):
                assert contrast(colours[name], colours[paper]) >= 4.5, (name, paper)
    for name in ("gone", "fresh"):
        assert contrast(colours[name], colours[f"{name}-paper"]) >= 4.5, name
    assert contrast(colours["scratch-edge"], colours["paper"]) >= 4.5, "a verdict left open"
    for kind in ("tensor", "scratch", "variable"):
        assert contrast(colours[f"{kind}-edge"], colours["paper"]) >= 3, kind
    assert "#14181d" in DARK


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
