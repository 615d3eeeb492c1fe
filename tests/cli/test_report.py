"""``tflopt report`` and ``optimize --html``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.cli import Cli
from tests.support.paths import ROOT, TESTDATA, needs_tflm
from tflopt.report.html import page
from tflopt.report.html.page import html_report

pytestmark = pytest.mark.unit
HAR = TESTDATA / "har_cnn.tflite"
QUICK = ("--no-verify",)


@pytest.fixture
def har(cli: Cli) -> str:
    shutil.copy(HAR, "har.tflite")
    return "har.tflite"


def test_a_page_of_a_model(cli: Cli, har: str) -> None:
    done = cli("report", har, *QUICK)
    assert (done.code, done.out, done.err) == (0, "wrote har.report.html\n", "")
    written = Path("har.report.html").read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>")
    assert "har.tflite" in written
    assert "not written" in written
    assert sorted(path.name for path in Path().iterdir()) == ["har.report.html", "har.tflite"]


def test_the_page_of_optimize_is_that_of_its_report(cli: Cli, har: str) -> None:
    done = cli("optimize", har, "--html", "a.html", "--report", "a.json", *QUICK)
    assert done.code == 0
    report = json.loads(Path("a.json").read_text())
    assert Path("a.html").read_text(encoding="utf-8") == html_report(report)


def test_other_forms(cli: Cli, har: str) -> None:
    shown = cli("report", har, "--markdown", *QUICK)
    assert shown.out.startswith("### har.tflite\n")
    assert cli("report", har, "--markdown", "-o", "a.md", *QUICK).out == ""
    assert Path("a.md").read_text(encoding="utf-8") == shown.out
    report = json.loads(cli("report", har, "--json", *QUICK).out)
    assert report["input"]["path"] == "har.tflite"
    assert cli("report", har, "--svg", "a.svg", *QUICK).out == ""
    ElementTree.parse("a.svg")
    assert not list(Path().glob("*.html"))


@needs_tflm
def test_two_files(cli: Cli, har: str) -> None:
    assert cli("optimize", har, *QUICK).code == 0
    report = json.loads(cli("report", har, "har.opt.tflite", "--json").out)
    assert report["output"]["path"] == "har.opt.tflite"
    assert report["verification"]["status"] == "identical"
    assert report["options"] is None
    assert any(rule["hits"] for rule in report["passes"])
    assert cli("report", har, "har.opt.tflite", "-o", "two.html", *QUICK).code == 0
    assert "optimizing the original again" in Path("two.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["har.tflite", "-o", "har.tflite"], "har.tflite: is a model, not a report"),
        (["har.tflite", "--svg", "no/a.svg"], "no: no such folder"),
        (["har.tflite", "--markdown", "--json"], "--markdown and --json exclude each other"),
        (["none.tflite"], "none.tflite: no such file"),
        (["har.tflite", "har.tflite", "--target", "z80"], "z80"),
    ],
)
def test_usage(cli: Cli, har: str, arguments: list[str], message: str) -> None:
    done = cli("report", *arguments)
    assert done.code == 2
    assert message in done.only_error
    assert Path(har).read_bytes() == HAR.read_bytes()


def test_optimize_writes_no_page_over_a_model(cli: Cli, har: str) -> None:
    done = cli("optimize", har, "--html", har)
    assert (done.code, done.only_error) == (2, "har.tflite: is a model, not a report")
    done = cli("optimize", har, har, "-d", "out", "--html", "a.html")
    assert done.code == 2
    assert "--html" in done.only_error


def test_without_jinja2(cli: Cli, har: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page.template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    done = cli("report", har, *QUICK)
    page.template.cache_clear()
    assert done.code == 2
    assert done.only_error == "HTML reports need jinja2: pip install jinja2"
    assert cli("report", har, "--markdown", *QUICK).code == 0


def test_the_command_line_starts_without_jinja2() -> None:
    code = "import sys, tflopt.cli.main; print('jinja2' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "False\n"
