"""``tflopt view``, ``tflopt report A B C``, and what other viewers read."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support.browser import needs_chromium, probe
from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tests.support.reports import at
from tflopt.io import read

pytestmark = pytest.mark.unit
NAMES = ("har_cnn", "torch_cnn", "squeeze_excite")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        shutil.copy(TESTDATA / f"{name}.tflite", tmp_path)
    return [f"{name}.tflite" for name in NAMES]


def test_it_writes_a_page_and_touches_nothing_else(cli: Cli, models: list[str]) -> None:
    before = sorted(path.name for path in Path.cwd().iterdir())
    ran = cli("view", models[0])
    assert (ran.code, ran.out) == (0, "wrote har_cnn.view.html\n")
    assert sorted(path.name for path in Path.cwd().iterdir()) == sorted(
        [*before, "har_cnn.view.html"]
    )
    page = Path("har_cnn.view.html").read_text()
    assert "not optimized" in page
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)


def test_its_numbers_are_those_of_inspect(cli: Cli, models: list[str]) -> None:
    cli("view", models[0])
    page = Path("har_cnn.view.html").read_text()
    facts = json.loads(cli("inspect", models[0], "--json").out)
    shown = dict(re.findall(r'<data value="(\d+)" data-path="input/(\w+)">', page))
    numbers = {path: int(value) for value, path in shown.items()}
    assert numbers["file_bytes"] == at(facts, "model/file_bytes")
    assert numbers["macs"] == at(facts, "model/macs")


def test_overlays_for_model_explorer(cli: Cli, models: list[str]) -> None:
    assert cli("view", models[0], "--node-data", "overlays").code == 0
    names = {path.stem for path in Path("overlays").iterdir()}
    assert names == {"instructions", "flash_bytes", "arena_bytes_in_use"}
    model = read(models[0])
    for name in names:
        data = json.loads(Path("overlays", f"{name}.json").read_text())
        assert set(data) == {"name", "results", "gradient"}
        assert len(data["results"]) == len(model.main.ops)
        assert {stop["stop"] for stop in data["gradient"]} == {0, 1}
        outputs = {op.outputs[0].name for op in model.main.ops}
        assert set(data["results"]) <= outputs | {str(i) for i in range(len(model.main.ops))}
        assert any(result["value"] for result in data["results"].values())


def test_a_copy_for_netron(cli: Cli, models: list[str]) -> None:
    assert cli("view", models[0], "--netron", "named.tflite").code == 0
    named, model = read("named.tflite"), read(models[0])
    assert [op.code for op in named.main.ops] == [op.code for op in model.main.ops]
    for op, old in zip(named.main.ops, model.main.ops, strict=True):
        name = op.outputs[0].name or ""
        assert name.startswith(old.outputs[0].name or "")
        assert re.search(r"\[.+, [\d,]+ instructions\]$", name)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--netron", "har_cnn.tflite"], "is a model, not a report"),
        (["-o", "har_cnn.tflite"], "is a model, not a report"),
        (["--node-data", "har_cnn.tflite"], "is a file; name a folder"),
        (["--target", "cortex-m99"], "cortex-m99"),
    ],
)
def test_mistakes(cli: Cli, models: list[str], arguments: list[str], reason: str) -> None:
    ran = cli("view", models[0], *arguments)
    assert ran.code == 2
    assert reason in ran.only_error
    assert not Path("har_cnn.view.html").exists()


def test_several_models_stand_side_by_side(cli: Cli, models: list[str]) -> None:
    ran = cli("report", *models, "-o", "all.html")
    assert (ran.code, ran.out) == (0, "wrote all.html\n")
    page = Path("all.html").read_text()
    shown = [int(value) for value in re.findall(r'<data value="(\d+)">', page)]
    assert shown[:3] == [Path(name).stat().st_size for name in models]
    assert all(name in page for name in models)
    assert page.count("<polyline") == page.count("<figure")


def test_several_models_have_no_other_form(cli: Cli, models: list[str]) -> None:
    ran = cli("report", *models, "--json")
    assert ran.code == 2
    assert "as a page only" in ran.only_error


ASK = """
return { nodes: page.querySelectorAll("g.op").length, width: page.documentElement.scrollWidth,
  figures: page.querySelectorAll("figure svg").length };
"""


@needs_chromium
@pytest.mark.parametrize("width", [360, 1400])
def test_the_pages_render(cli: Cli, models: list[str], width: int, tmp_path: Path) -> None:
    cli("view", models[0])
    cli("report", *models, "-o", "all.html")
    for name, nodes in (("har_cnn.view.html", len(read(models[0]).main.ops)), ("all.html", 0)):
        found = probe(Path(name).read_text(), ASK, tmp_path, width=width)
        assert found.console == []
        assert isinstance(found.answer, dict)
        assert found.answer["nodes"] == nodes
        assert found.answer["width"] == width
        assert found.answer["figures"] > 0
