"""``report --bench`` and ``--frontier``: what belongs to the files is shown, the rest refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.extras import explored, measured, planted
from tflopt.report.plain import Plain, rows, table

pytestmark = pytest.mark.unit


@pytest.fixture
def report(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plain:
    monkeypatch.chdir(tmp_path)
    Path("m.tflite").write_bytes(planted())
    found = json.loads(cli("report", "m.tflite", "--json", "--no-verify").out)
    assert isinstance(found, dict)
    return found


def write(name: str, data: object) -> None:
    Path(name).write_text(json.dumps(data))


def test_both_are_in_the_report_and_on_pages(cli: Cli, report: Plain) -> None:
    bench, frontier = measured(report), explored(report)
    write("b.json", bench)
    write("f.json", frontier)
    extras = ("--bench", "b.json", "--frontier", "f.json")
    full = json.loads(cli("report", "m.tflite", "--json", "--no-verify", *extras).out)
    for key, model in zip(("input", "output"), rows(bench, "models"), strict=True):
        assert full[key]["measured"]["total"] == model["total"]
        assert full[key]["measured"]["operators"] == model["operators"]
    assert full["frontier"]["points"] == frontier["points"]
    assert cli("view", "m.tflite", *extras).code == 0
    page = Path("m.view.html").read_text()
    assert 'id="frontier"' in page
    assert '"board": "mps3-an547"'.replace(" ", "") in page


def test_what_the_commands_print_fits(cli: Cli, report: Plain) -> None:
    Path("f.json").write_text(cli("explore", "m.tflite", "--json", "--effort", "0").out)
    assert cli("view", "m.tflite", "--frontier", "f.json").code == 0
    Path("b.json").write_text(cli("bench", "m.tflite", "--runner", "predicted", "--json").out)
    predicted = json.loads(Path("b.json").read_text())
    assert predicted["models"][0]["sha256"] == table(report, "input")["sha256"]
    refused = cli("view", "m.tflite", "--bench", "b.json")
    assert refused.code == 2
    assert "b.json was predicted, not measured" in refused.err


@pytest.mark.parametrize("option", ["--bench", "--frontier"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target": "cortex-m4"}, "is for cortex-m4, this report for"),
        ({"cmsis_nn": "v6"}, "give the same --cmsis-nn to both"),
        ({"models": [], "points": []}, "is not what 'tflopt "),
        ({"models": 7, "points": 7}, "is not what 'tflopt "),
    ],
)
def test_what_belongs_to_something_else(
    cli: Cli, report: Plain, option: str, change: dict[str, object], says: str
) -> None:
    found = measured(report) if option == "--bench" else explored(report)
    write("x.json", {**found, **change})
    refused = cli("report", "m.tflite", "--no-verify", option, "x.json")
    assert refused.code == 2
    assert says in refused.err
    assert not Path("m.report.html").exists()


def test_other_files(cli: Cli, report: Plain) -> None:
    found = measured(report)
    models = [{**model, "sha256": "0" * 64} for model in rows(found, "models")]
    write("b.json", {**found, "models": models})
    assert "measures other files" in cli("view", "m.tflite", "--bench", "b.json").err
    write("f.json", {**explored(report), "sha256": "0" * 64})
    assert "not about this file" in cli("view", "m.tflite", "--frontier", "f.json").err


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_files_that_hold_no_such_thing(cli: Cli, report: Plain, content: bytes | None) -> None:
    if content is not None:
        Path("x.json").write_bytes(content)
    for option in ("--bench", "--frontier"):
        refused = cli("view", "m.tflite", option, "x.json")
        assert refused.code == 2, refused.err
        assert "x.json" in refused.err


def test_three_models_take_none(cli: Cli, report: Plain) -> None:
    write("b.json", measured(report))
    refused = cli("report", "m.tflite", "m.tflite", "m.tflite", "-o", "t.html", "--bench", "b.json")
    assert "go with one model or two" in refused.err
