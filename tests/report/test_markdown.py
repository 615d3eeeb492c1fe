"""The report as Markdown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.paths import TESTDATA, every_model
from tests.support.reports import large_report, report_of
from tflopt.report.markdown import markdown_report
from tflopt.report.plain import number, table
from tflopt.texts import markdown as escaped

pytestmark = pytest.mark.unit


@pytest.mark.long
@every_model
def test_reports_of_all_models(path: Path) -> None:
    """The numbers are the JSON's; tables are whole; parts that fold are closed."""
    report = report_of(path)
    text = markdown_report(report)
    for key in ("input", "output"):
        assert f"{number(table(report, key), 'file_bytes'):,}" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
    assert text.count("<details>") == text.count("</details>") >= 3
    assert len(text) < 60_000


def test_what_it_says() -> None:
    text = markdown_report(report_of(TESTDATA / "torch_tcn.tflite", verified=True))
    assert text.startswith("### torch\\_tcn.tflite\n")
    assert "bit-identical on TFLM" in text
    assert re.search(r"^\| \d+ \| hoist-slice \| structure \|", text, re.M)
    assert re.search(r"^- \d+ × fold-pad: ", text, re.M)
    assert text.count("\n\n\n") == 0


def test_names_from_a_model_stay_text() -> None:
    text = markdown_report(large_report(5, "a|b <b>*x* @you #1\n# title"))
    assert "<b>" not in text.replace("\\<b\\>", "")
    assert "\n# title" not in text
    assert "@you" not in text


def test_escaped() -> None:
    assert escaped("a_b|c") == "a\\_b\\|c"
    assert escaped("<x>") == "\\<x\\>"
