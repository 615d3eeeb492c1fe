"""The pictures of the report: all there, small together, and made only where that is possible."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.docs import screenshots
from tests.docs.screenshots import FOLDER, MODELS, SHOTS, main, picture_path
from tests.support.browser import CHROMIUM, needs_chromium
from tests.support.paths import ROOT, TESTDATA

pytestmark = pytest.mark.unit
MOST_BYTES = 1_000_000
PAGE = ROOT / "docs" / "report-pictures.md"


def test_every_picture_is_there_and_on_the_page() -> None:
    wanted = {picture_path(model, shot) for model in MODELS for shot in SHOTS}
    assert set(FOLDER.iterdir()) == wanted
    page = PAGE.read_text(encoding="utf-8")
    for path in wanted:
        assert path.read_bytes()[8:12] == b"WEBP", path
        assert page.count(f"(_static/report/{path.name})") == 1, path
    assert sum(path.stat().st_size for path in wanted) < MOST_BYTES


def test_a_model_that_is_missing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(screenshots, "CHROMIUM", CHROMIUM or "chromium")
    monkeypatch.setattr(screenshots, "MODELS", {"absent": tmp_path})
    monkeypatch.setattr(screenshots, "FOLDER", tmp_path / "pictures")
    assert main([]) == screenshots.MISSING
    assert "absent is not here" in capsys.readouterr().err
    assert list((tmp_path / "pictures").iterdir()) == []


def test_without_a_browser_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots, "CHROMIUM", None)
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    assert main(["torch_tcn"]) == screenshots.MISSING


@needs_chromium
def test_a_picture_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots, "MODELS", {"har_cnn": TESTDATA})
    monkeypatch.setattr(screenshots, "FOLDER", tmp_path / "pictures")
    monkeypatch.setattr(screenshots, "SHOTS", SHOTS[:1])
    assert main([]) == 0
    (drawn,) = (tmp_path / "pictures").iterdir()
    assert drawn.name == "har_cnn-wide-light.webp"
    assert drawn.stat().st_size > 10_000
