"""The panels beside the explorer: their numbers are the JSON's, and they light up with the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest

from tests.report.html.test_browser import ASK, check_numbers
from tests.report.html.test_page import Page
from tests.report.test_report_schema import problems
from tests.support.browser import needs_chromium, probe
from tests.support.extras import full_report, planted_report
from tests.support.paths import SHARED, TESTDATA
from tests.support.reports import report_of
from tflopt.report.html.channels import channels_of
from tflopt.report.html.frontier import Scale, frontier_of
from tflopt.report.html.page import SECTIONS, html_report
from tflopt.report.html.single import view_page
from tflopt.report.plain import Plain, counts, number, rows, table

pytestmark = pytest.mark.unit
MODELS = [SHARED / "vww_96_int8.tflite", TESTDATA / "torch_tcn.tflite"]
TOLD = ("constant", "saturated", "unread", "removable")
COSTS = ("flash_bytes", "ram_bytes", "instructions")


def section(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}">(.*?)</section>', page, re.S)
    assert found is not None
    return found[1]


def cells(row: str) -> list[int]:
    found = re.findall(r'<td class="n">([\d,.–]*)</td>', row)
    return [int(cell.replace(",", "") or 0) if cell != "–" else -1 for cell in found]


@pytest.mark.parametrize("report", [planted_report, lambda: report_of(MODELS[0])])
def test_channels_are_those_of_the_report(report: object) -> None:
    if report is not planted_report and not MODELS[0].exists():
        pytest.skip("vww is missing")
    data = cast("Plain", report()) if callable(report) else {}
    found = rows(table(data, "input"), "channels")
    drawn = section(html_report(data), "channels")
    lines = re.findall(r'<tr data-op="before:(\d+)\.(\d+)"(.*?)</tr>', drawn, re.S)
    told = [row for row in found if any(number(row, key) for key in TOLD)]
    assert told
    assert [(int(a), int(b)) for a, b, _ in lines] == [
        (number(row, "subgraph"), number(row, "index")) for row in told
    ]
    widest = max(number(row, "channels") for row in found)
    for row, (_, _, line) in zip(told, lines, strict=True):
        place, channels, *numbers, _ = [*cells(line), 0]
        assert place == number(row, "index")
        assert channels == number(row, "channels")
        assert numbers[:4] == [number(row, key) for key in TOLD]
        assert numbers[5:] == [number(row, key) for key in COSTS]
        widths = [float(width) for width in re.findall(r"width:([\d.]+)%", line)]
        assert sum(widths) == pytest.approx(100 * channels / widest, abs=0.05)
    for key in ("constant", "channels", "removable"):
        assert re.search(rf"\b{sum(number(row, key) for row in found):,}\b", drawn)


def test_each_channel_is_counted_once() -> None:
    (first, *_) = channels_of(planted_report()).layers
    widths = {kind: round(width * 8 / 100) for kind, width in first.widths}
    assert widths == {"live": 4, "unread": 1, "saturated": 1, "dead": 2}
    assert first.left == 4


def test_a_model_without_dead_channels_says_so() -> None:
    drawn = section(html_report(report_of(TESTDATA / "har_cnn.tflite")), "channels")
    assert "channels of layers with weights is proved to carry nothing" in drawn
    assert "<table" not in drawn


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_arena_adds_up(path: Path) -> None:
    if not path.exists():
        pytest.skip(f"{path.name} is missing")
    report = report_of(path)
    source = html_report(report)
    bars = re.findall(r'<div class="arena-bar (\w+)".*?</div>', source, re.S)
    assert bars == ["before", "after"]
    for bar, key in zip(
        re.findall(r'<div class="arena-bar.*?</div>', source, re.S), TITLES, strict=True
    ):
        arena = table(table(report, key), "arena")
        sizes = [int(n.replace(",", "")) for n in re.findall(r': ([\d,]+) bytes">', bar)]
        assert sum(sizes) == arena["minimum_bytes"]
        assert sum(counts(arena, "tail_by_kind").values()) == arena["tail_bytes"]
    numbers = Page(source).numbers
    kinds = {path for path in numbers if "/tail_by_kind/" in path}
    assert len(kinds) >= 2 * len(counts(table(table(report, "input"), "arena"), "tail_by_kind"))


TITLES = ("input", "output")


def test_the_frontier_is_what_explore_said() -> None:
    report = full_report(planted_report())
    assert problems(report) == []
    found = table(report, "frontier")
    drawn = section(html_report(report), "frontier")
    lines = re.findall(r'<tr data-point="([^"]+)"(.*?)</tr>', drawn, re.S)
    points = [*rows(found, "points"), table(found, "original")]
    assert [name for name, _ in lines] == [*"abcde", "original", "this result"]
    for (_, line), point in zip(lines, points, strict=False):
        keys = ("arena_bytes", "flash_bytes", "instructions")
        assert cells(line) == [number(point, key) for key in keys]
    assert "&#39;a b.tflite&#39; --max-arena" in drawn
    assert drawn.count('class="mark point"') == 2 * 5
    assert frontier_of(planted_report()) is None
    assert 'id="frontier"' not in html_report(planted_report())


def test_axes_hold_all_points_and_round_numbers() -> None:
    scale = Scale.over([1000, 1900], 2000, 0, 100)
    assert 0 <= scale.at(1000) < scale.at(1900) < scale.at(2000) <= 100
    assert list(scale.ticks((2,))) == [1024, 1280, 1536, 1792, 2048]
    far = Scale.over([1000, 1900], 1_000_000, 0, 100)
    assert far.at(1_000_000) == 100
    assert far.at(1900) < 100
    one = Scale.over([5], 5, 0, 100)
    assert 0 < one.at(5) < 100


LINKED = """
const $ = (s) => page.querySelector(s), all = (s) => [...page.querySelectorAll(s)];
const click = (e) => e.dispatchEvent(new view.MouseEvent("click", { bubbles: true }));
const press = (e, key) => e.dispatchEvent(
  new view.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const lit = () => [...new Set(all(".lit[data-op]").map((e) => e.dataset.op))].sort();
const answer = {};
const rows = all("#channels tr[data-op]");
const place = view.scrollY;
click(rows[0]); answer.fromRow = [rows[0].dataset.op, ...lit()];
answer.views = ["g.op", "g.block", "g.cell", ".operators tr", "#channels tr"].map(
  (kind) => all(`${kind}.lit`).length);
const walk = (selector) => { const box = $(selector); box.focus();
  press(box, "ArrowDown"); const first = lit().join(); press(box, "End"); const last = lit().join();
  press(box, "Home"); const home = lit().join(); press(box, "Escape");
  return [first !== "", first === home, first !== last, lit().length]; };
answer.walks = ['#channels [data-walk]', '[data-view="table"] .scroll',
  '[data-view="time"] svg', '[data-view="flash"] svg'].map(walk);
const map = all("[data-map]").find((e) => e.getClientRects().length);
const buffers = [...map.querySelectorAll(".buffer")];
answer.stories = buffers.map((e) => e.querySelector("title").textContent);
click(buffers.find((e) => e.dataset.op));
answer.keeper = all("g.op.keeper").map((e) => e.dataset.op);
map.focus(); press(map, "ArrowRight"); press(map, "ArrowRight"); press(map, "Enter");
answer.byKeys = lit().length; press(map, "Escape");
answer.none = [lit().length, all(".keeper").length];
const mark = $(".mark.point"); click(mark);
answer.point = all("#frontier .lit").map((e) => e.dataset.point);
answer.stays = view.scrollY === place;
answer.measured = all('[data-view="time"] .strip-title').map((e) => e.textContent);
const strips = [...$('[data-view="time"][data-side="before"]').querySelectorAll("svg")];
answer.widths = strips.map((svg) => [...svg.querySelectorAll("rect")].map(
  (e) => Number(e.getAttribute("width"))));
const heads = all(".operators th button").map((e) => e.textContent);
answer.column = all(".operators tbody tr").map(
  (row) => row.children[heads.indexOf("measured")].textContent);
answer.tip = $("g.op title").textContent;
return answer;
"""


@needs_chromium
def test_everything_is_linked(tmp_path: Path) -> None:
    report = full_report(planted_report())
    found = probe(html_report(report), LINKED, tmp_path)
    assert found.console == []
    answer = cast("dict[str, object]", found.answer)
    first, *lit = cast("list[str]", answer["fromRow"])
    assert first in lit
    assert min(cast("list[int]", answer["views"])) > 0, "a view stays dark"
    goes, one = [True, True, True, 0], [True, True, False, 0]
    assert answer["walks"] == [one, goes, goes, goes], "only one layer has such channels"
    stories = cast("list[str]", answer["stories"])
    assert any("written by 0 CONV_2D; read by 1 CONV_2D; kept alive by 1" in s for s in stories)
    assert any("kept alive to the end: it is an output" in story for story in stories)
    assert answer["keeper"] == ["before:0.1"]
    assert cast("int", answer["byKeys"]) > 0
    assert answer["none"] == [0, 0]
    assert answer["point"] == ["a", "a", "a"]
    assert answer["stays"] is True, "a choice moves the page"


@needs_chromium
def test_what_was_measured_is_what_bench_said(tmp_path: Path) -> None:
    report = full_report(planted_report())
    answer = cast("dict[str, object]", probe(html_report(report), LINKED, tmp_path).answer)
    sides = [table(table(report, key), "measured") for key in TITLES]
    totals = [number(side, "total") for side in sides]
    assert answer["measured"] == [f"{n:,} instructions measured on mps3-an547" for n in totals]
    counted = [number(row, "count") for side in sides for row in rows(side, "operators")]
    assert answer["column"] == [f"{count:,}" for count in counted]
    _, widths = cast("list[list[float]]", answer["widths"])
    before = [number(row, "count") for row in rows(sides[0], "operators")]
    assert widths == pytest.approx([1000 * count / max(totals) for count in before])


@needs_chromium
@pytest.mark.parametrize("width", [360, 1400])
def test_the_page_of_one_model_has_them_too(width: int, tmp_path: Path) -> None:
    report = full_report({k: v for k, v in planted_report().items() if k != "output"})
    found = probe(view_page(report), ASK, tmp_path, width=width)
    answer = cast("dict[str, object]", found.answer)
    assert found.console == []
    assert answer["width"] == width
    assert answer["wide"] == []
    assert answer["sections"] == 6
    shown = cast("list[tuple[str, int, str]]", answer["numbers"])
    check_numbers(report, shown, least=15)
    assert len(SECTIONS) == 13
