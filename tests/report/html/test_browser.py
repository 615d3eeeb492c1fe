"""The HTML page in Chromium: it renders, fits, fetches nothing and shows the JSON's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from tests.support.browser import needs_chromium, probe
from tests.support.paths import SHARED, TESTDATA
from tests.support.reports import at, large_report, report_of
from tflopt.report.html.page import SECTIONS, html_report
from tflopt.report.plain import Plain, rows, table

pytestmark = [pytest.mark.unit, needs_chromium]
MODELS = [SHARED / "vww_96_int8.tflite", TESTDATA / "torch_tcn.tflite"]
ASK = """
const shown = (e) => e.getClientRects().length > 0;
const box = (e) => {
  const r = e.getBoundingClientRect();
  return [r.left, r.top, r.right, r.bottom];
};
const labels = [...page.querySelectorAll(".map")].filter(shown).map(
  (map) => [...map.querySelectorAll("text")].map((t) => [t.textContent, ...box(t), ...box(map)]));
return {
  width: page.documentElement.scrollWidth,
  wide: [...page.querySelectorAll("main *")].filter((e) => !e.closest(".scroll") && shown(e)
    && e.getBoundingClientRect().right > view.innerWidth + 1)
    .map((e) => e.tagName + "." + e.className),
  cut: [...page.querySelectorAll(".scroll")].filter((e) => e.querySelector(".measures")
    && e.scrollWidth > e.clientWidth + 1).map((e) => e.ariaLabel),
  numbers: [...page.querySelectorAll("data[data-path]")].map(
    (e) => [e.dataset.path, Number(e.textContent.replaceAll(",", "")), e.value]),
  resources: view.performance.getEntriesByType("resource").map((e) => e.name),
  labels, maps: labels.length,
  buffers: [...page.querySelectorAll(".map")].filter(shown).map(
    (map) => map.querySelectorAll(".buffer").length),
  sections: [...page.querySelectorAll("section > h2")].filter(shown).length,
  background: view.getComputedStyle(page.body).backgroundColor,
};
"""
KEYS = """
const box = [...page.querySelectorAll("[data-map]")].find((e) => e.getClientRects().length > 0);
box.focus();
const press = (key) => { box.dispatchEvent(
  new view.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  return page.getElementById("told").textContent; };
return { focused: page.activeElement === box, told: [press("ArrowRight"), press("ArrowRight"),
  press("ArrowLeft")], marked: page.querySelectorAll(".buffer.at").length };
"""


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("width", "dark"), [(1400, False), (1400, True), (390, False), (390, True)]
)
def test_it_renders(path: Path, width: int, dark: bool, tmp_path: Path) -> None:
    if not path.exists():
        pytest.skip(f"{path.name} is missing")
    report = report_of(path)
    found = probe(html_report(report), ASK, tmp_path, width=width, dark=dark)
    assert found.requests == ["/", "/page.html"]
    assert found.console == []
    answer = cast("dict[str, object]", found.answer)
    assert answer["resources"] == []
    assert answer["width"] == width
    assert answer["wide"] == []
    assert answer["cut"] == []
    assert answer["background"] == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")
    assert (
        answer["sections"] == len(SECTIONS) - 2
    )  # near misses stand within the rules, no frontier
    assert answer["maps"] == 2
    assert answer["buffers"] == [
        len(rows(table(table(report, key), "memory_map"), "buffers")) for key in ("input", "output")
    ]
    check_numbers(report, cast("list[tuple[str, int, str]]", answer["numbers"]))
    for labels in cast("list[list[list[object]]]", answer["labels"]):
        check_labels(labels)


def check_numbers(report: Plain, numbers: list[tuple[str, int, str]], least: int = 40) -> None:
    """Every number that is marked with its place reads as it stands in the JSON report."""
    assert len(numbers) > least
    for place, shown, value in numbers:
        parent, _, kind = place.rpartition("/")
        found = at(report, parent)
        assert isinstance(found, dict)
        # A kind that a model has none of is not in its account.
        expected = found.get(kind, 0) if parent.endswith("_kind") else found[kind]
        assert shown == int(value) == expected, place


def check_labels(labels: list[list[object]]) -> None:
    """No text of a map lies on another one, nor leaves the picture."""
    boxes = []
    for text, *edges in labels:
        left, top, right, bottom, *frame = (float(cast("float", edge)) for edge in edges)
        assert frame[0] - 2 <= left, text
        assert right <= frame[2] + 2, text
        assert top >= frame[1] - 2, text
        assert bottom <= frame[3] + 2, text
        boxes.append((str(text), left + 1, top + 2, right - 1, bottom - 2))
    for i, one in enumerate(boxes):
        for two in boxes[i + 1 :]:
            apart = one[3] <= two[1] or two[3] <= one[1] or one[4] <= two[2] or two[4] <= one[2]
            assert apart, (one, two)


def test_buffers_by_keyboard(tmp_path: Path) -> None:
    report = report_of(TESTDATA / "torch_tcn.tflite")
    answer = cast("dict[str, object]", probe(html_report(report), KEYS, tmp_path).answer)
    assert answer["focused"] is True
    assert answer["marked"] == 1
    first, second, third = cast("list[str]", answer["told"])
    assert " bytes at " in first
    assert first == third != second


def test_names_from_a_model_run_nothing(tmp_path: Path) -> None:
    name = "</title></script><img src=leak.png onerror=\"document.title='bad'\">"
    source = html_report(large_report(20, name))
    found = probe(source, "return page.title + page.images.length;", tmp_path)
    assert found.requests == ["/", "/page.html"]
    assert found.answer == "tflopt: har_cnn.tflite0"


def test_a_large_model_renders(tmp_path: Path) -> None:
    found = probe(html_report(large_report(5_000)), ASK, tmp_path, width=390)
    answer = cast("dict[str, object]", found.answer)
    assert answer["width"] == 390
    assert answer["maps"] == 2


def test_the_probe_sees_requests_and_refusals(tmp_path: Path) -> None:
    fetched = probe("<img src=leak.png>", "return 1;", tmp_path)
    assert "/leak.png" in fetched.requests
    page = html_report(report_of(TESTDATA / "har_cnn.tflite"))
    refused = probe(page.replace("<main", "<img src=leak.png><main"), "return 1;", tmp_path)
    assert "/leak.png" not in refused.requests
    assert any("leak.png" in line for line in refused.console)
