"""Vendors' copies of TFLM: a name stands for the nearest known version, and the user is told."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tests.support.paths import ROOT, TESTDATA
from tflopt.cli.main import app
from tflopt.target.setup import RUNTIMES, find_runtime
from tflopt.target.snapshots import SNAPSHOTS, Snapshot, find_snapshot

pytestmark = pytest.mark.unit


def row(copy: Snapshot) -> str:
    what = f"`{copy.runtime}`, {copy.measured}"
    cells = (copy.repository, copy.tflm, copy.cmsis_nn, copy.differs, what)
    return f"| `{copy.name}` | {' | '.join(cells)} |"


@pytest.mark.parametrize("copy", SNAPSHOTS, ids=lambda copy: copy.name)
def test_a_name_stands_for_a_known_version(copy: Snapshot) -> None:
    assert copy.runtime in {runtime.name for runtime in RUNTIMES}
    assert find_runtime(f" {copy.name.upper()} ").name == copy.runtime
    assert find_snapshot(copy.name) is copy


def test_the_page_lists_them_all() -> None:
    page = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")
    assert [copy.name for copy in SNAPSHOTS if row(copy) not in page] == []


def test_whoever_names_one_is_told_that_it_was_not_measured() -> None:
    model = str(TESTDATA / "ds_cnn.tflite")
    found = CliRunner().invoke(app, ["inspect", model, "--memory", "--tflm", "pico"])
    assert found.exit_code == 0
    assert "predicted as TFLM 3b20912, not measured" in found.output
    other = CliRunner().invoke(app, ["inspect", model, "--memory", "--tflm", "3b20912"])
    assert "not measured" not in other.output
