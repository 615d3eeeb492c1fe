"""The explorer: its data adds up, its views are linked, by mouse, search and keyboard."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import cast

import pytest

from tests.support.browser import needs_chromium, probe
from tests.support.paths import ROOT, SHARED, TESTDATA
from tests.support.reports import large_report, report_of
from tflopt.report.html.explorer import explorer_data, short_name
from tflopt.report.html.page import html_report, style
from tflopt.report.plain import Plain, number, rows, table

pytestmark = pytest.mark.unit
SCRIPT = ROOT / "tflopt" / "report" / "html" / "script"
BUNDLE = ROOT / "tflopt" / "report" / "html" / "templates" / "explorer.js"
MODELS = [TESTDATA / "torch_tcn.tflite", SHARED / "vww_96_int8.tflite"]
MEGABYTE = 1_000_000


def data_of(report: Plain) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(explorer_data(report)))


def sides_of(report: Plain) -> list[Plain]:
    return cast("list[Plain]", data_of(report)["sides"])


def test_the_bundle_is_built_from_the_sources() -> None:
    digest = hashlib.sha256()
    locked = (SCRIPT / "package.json", SCRIPT / "package-lock.json")
    for path in (*locked, *sorted((SCRIPT / "src").iterdir())):
        digest.update(path.read_bytes())
    hint = "run 'nox -s explorer'"
    assert BUNDLE.read_text().startswith(f"/* sources {digest.hexdigest()}\n"), hint


def test_the_page_carries_the_licences_of_what_it_embeds() -> None:
    """The texts that each copy must carry, and the names; the footer says where they are."""
    page = html_report(report_of(MODELS[0]))
    packages = json.loads((SCRIPT / "package-lock.json").read_text())["packages"]
    named = ["d3-hierarchy", "d3-selection", "d3-zoom", "d3-ease", "@dagrejs/dagre"]
    for name in named:
        version = packages[f"node_modules/{name}"]["version"]
        assert f"{name} {version}" in page
    for text in ("Permission to use, copy", "Permission is hereby granted", "Redistribution and"):
        assert text in page
    assert "d3 (ISC, BSD-3-Clause) and dagre (MIT)" in page


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_data_adds_up_to_the_report(path: Path) -> None:
    if not path.exists():
        pytest.skip(f"{path.name} is missing")
    report = report_of(path)
    for key, side in zip(("input", "output"), sides_of(report), strict=True):
        model, operators = table(report, key), rows(side, "operators")
        shared = cast("dict[str, int]", side["sharedFlash"])
        flash = sum(number(op, "flash") for op in operators) + sum(shared.values())
        assert flash == side["fileBytes"] == model["file_bytes"]
        work = sum(number(op, "instructions") for op in operators)
        assert work + number(side, "interpreter") == side["instructions"]
        assert number(side, "interpreter") > 0
        assert len(rows(side, "buffers")) == len(rows(table(model, "memory_map"), "buffers"))
        keys = {op["key"] for op in operators}
        assert all(set(cast("list[str]", op["reads"])) <= keys for op in operators)


def test_twins_are_each_others() -> None:
    before, after = sides_of(report_of(MODELS[0]))
    twins = {op["key"]: op["twin"] for side in (before, after) for op in rows(side, "operators")}
    linked = {key: twin for key, twin in twins.items() if twin is not None}
    assert linked
    assert all(twins[twin] == key for key, twin in linked.items())


def test_what_rules_did_is_with_the_operator() -> None:
    before, _ = sides_of(report_of(MODELS[0]))
    named = {rule["name"] for op in rows(before, "operators") for rule in rows(op, "rules")}
    fired = {rule["name"] for rule in rows(report_of(MODELS[0]), "passes") if rows(rule, "hits")}
    assert named
    assert named <= fired


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("model/activation_15/Relu;model/batch_normalization_15/Fused", "activation_15/Relu"),
        ("StatefulPartitionedCall:0", "StatefulPartitionedCall:0"),
        ("serving_default_x:0", "serving_default_x:0"),
        ("a/b/c/d", "c/d"),
        ("", ""),
        ("x" * 100, "…" + "x" * 47),
    ],
)
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


def test_names_from_a_model_stay_data() -> None:
    data = explorer_data(large_report(5, "</script><b>"))
    assert "<" not in data
    assert json.loads(data)


def test_a_hundred_operators_fit_in_a_megabyte() -> None:
    page = html_report(large_report(100))
    assert len(page.encode()) < MEGABYTE


USE = """
const $ = (s) => page.querySelector(s), all = (s) => [...page.querySelectorAll(s)];
const click = (e) => e.dispatchEvent(new view.MouseEvent("click", { bubbles: true }));
const press = (e, key) => e.dispatchEvent(
  new view.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const lit = () => [...new Set(all(".lit").map((e) => e.dataset.op))].sort();
const answer = { nodes: all("g.op").length, blocks: all("g.block").length,
  treemaps: all(".treemap").map((e) => Number(e.dataset.bytes)),
  rows: all(".operators tbody tr").length };
const node = $('[data-view="graph"][data-side="after"] g.op');
click(node);
answer.key = node.dataset.op; answer.lit = lit(); answer.chosen = $("#chosen").textContent;
answer.views = ["g.op", "g.block", "g.cell", ".operators tr", ".buffer"].map(
  (kind) => all(`${kind}.lit`).length);
const graph = $('[data-view="graph"][data-side="after"] svg');
graph.focus(); press(graph, "ArrowDown"); answer.next = lit();
press(graph, "Escape"); answer.none = lit().length;
const search = $("#search");
search.value = "CONV"; search.dispatchEvent(new view.Event("input"));
answer.found = all(".operators tbody tr").length;
answer.hits = all("g.op.hit").length;
press(search, "Enter"); answer.jumped = lit().length;
search.value = ""; search.dispatchEvent(new view.Event("input"));
const heads = all(".operators th button");
click(heads.find((e) => e.textContent === "instructions"));
const column = heads.findIndex((e) => e.textContent === "instructions");
answer.sorted = all(".operators tbody tr").map(
  (row) => Number(row.children[column].textContent.replaceAll(",", "")));
answer.sorting = heads[column].closest("th").getAttribute("aria-sort");
const saved = [];
view.Blob = class { constructor(parts) { saved.push(parts[0]); } };
view.URL.createObjectURL = () => "#saved";
all(".tools button").filter((e) => e.textContent.startsWith("Save")).forEach(click);
answer.csv = saved[0].split("\\r\\n").length; answer.json = JSON.parse(saved[1]).operators.length;
const map = all(".map .buffer").find((e) => e.getClientRects().length && e.dataset.op);
click(map); answer.fromMap = lit().includes(map.dataset.op);
answer.unnamed = all("button, input, svg[role], [role=group]").filter((e) => !(e.textContent.trim()
  || e.getAttribute("aria-label") || page.querySelector(`label[for="${e.id}"]`))).length;
return answer;
"""


@needs_chromium
def test_a_person_can_work_with_it(tmp_path: Path) -> None:
    report = report_of(MODELS[0])
    found = probe(html_report(report), USE, tmp_path)
    assert found.console == []
    answer = cast("dict[str, object]", found.answer)
    before, after = (rows(side, "operators") for side in sides_of(report))
    assert answer["nodes"] == answer["rows"] == len(before) + len(after)
    assert answer["treemaps"] == [
        number(table(report, key), "file_bytes") for key in ("input", "output")
    ]
    assert answer["key"] in cast("list[str]", answer["lit"])
    assert str(after[0]["name"]) in str(answer["chosen"])
    assert min(cast("list[int]", answer["views"])) > 0, "a view stays dark"
    assert answer["next"] != answer["lit"]
    assert answer["none"] == 0
    most = [op for op in (*before, *after) if "conv" in json.dumps(op).lower()]
    least = [op for op in (*before, *after) if "CONV" in str(op["name"])]
    assert len(least) <= cast("int", answer["found"]) <= len(most)
    assert answer["hits"] == answer["found"]
    assert cast("int", answer["jumped"]) > 0
    values = cast("list[int]", answer["sorted"])
    assert values == sorted(values, reverse=True)
    assert answer["sorting"] == "descending"
    assert answer["json"] == len(before) + len(after)
    assert answer["csv"] == len(before) + len(after) + 2
    assert answer["fromMap"] is True
    assert answer["unnamed"] == 0


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palettes() -> list[dict[str, str]]:
    """The colours of the light and of the dark page."""
    found: list[dict[str, str]] = [{}, {}]
    for block in re.finditer(
        r"(@media \(prefers-color-scheme: dark\) \{ )?:root \{([^}]*)\}", style()
    ):
        pairs = re.findall(r"(--[\w-]+): (#[0-9a-f]{6});", block[2])
        found[1 if block[1] else 0].update(pairs)
    return [found[0], {**found[0], **found[1]}]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast(scheme: int) -> None:
    colours = palettes()[scheme]
    grounds = ["--paper", "--card", "--fresh-paper", "--gone-paper"]
    texts = ["--ink", "--soft", "--accent", "--better", "--worse", "--bad", "--gone", "--fresh"]
    low = [
        (text, ground)
        for text in texts
        for ground in grounds
        if contrast(colours[text], colours[ground]) < 4.5
    ]
    assert low == []
    cells = [f"--k{index}" for index in range(8)]
    assert [each for each in cells if contrast(colours["--ink"], colours[each]) < 4.5] == []


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_red_is_for_what_is_bad(scheme: int) -> None:
    colours = palettes()[scheme]
    for name, colour in colours.items():
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        is_red = red > 120 and red > 2.2 * green and red > 1.6 * blue
        assert not is_red or name in ("--bad", "--worse"), (name, colour)
