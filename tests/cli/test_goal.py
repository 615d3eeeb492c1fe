"""``optimize --goal`` and ``inspect --kernels``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tflopt.io import read
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

pytestmark = pytest.mark.unit
GROUPED = str(TESTDATA / "grouped_depthwise.tflite")
PLANNED = str(TESTDATA / "inception.tflite")
NAMES = ("OfflineMemoryAllocation", "TFLOPT")


def optimized(cli: Cli, tmp_path: Path, *options: str, model: str = GROUPED) -> Path:
    out = tmp_path / "out.tflite"
    done = cli("optimize", model, "-o", str(out), "--no-verify", "-q", *options)
    assert done.code == 0, done.err
    return out


def metadata(path: Path) -> set[str]:
    return {entry.name or "" for entry in read(path).metadata or ()}


def test_flash_leaves_out_plan_and_annotation(cli: Cli, tmp_path: Path) -> None:
    assert set(NAMES) <= metadata(optimized(cli, tmp_path, model=PLANNED))
    assert not metadata(optimized(cli, tmp_path, "--goal", "flash", model=PLANNED))


def test_flash_keeps_what_was_asked_for(cli: Cli, tmp_path: Path) -> None:
    asked = ("--goal", "flash", "--plan", "offline", "--annotate", "metadata")
    assert set(NAMES) <= metadata(optimized(cli, tmp_path, *asked, model=PLANNED))


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_each_goal_is_best_at_what_it_is_for(cli: Cli, tmp_path: Path, target: str) -> None:
    device = Device(Target.parse(target))
    sizes, work = {}, {}
    for goal in ("balanced", "speed", "flash"):
        path = optimized(cli, tmp_path, "--goal", goal, "-t", target)
        sizes[goal] = path.stat().st_size
        work[goal] = predict_model(read(path), device).instructions
    assert sizes["flash"] == min(sizes.values())
    assert work["speed"] == min(work.values())


def test_grouped_convolutions_cost_a_quarter_on_cortex_m4(cli: Cli, tmp_path: Path) -> None:
    device = Device(Target.parse("cortex-m4"))
    before = predict_model(read(GROUPED), device).instructions
    after = predict_model(read(optimized(cli, tmp_path, "-t", "cortex-m4")), device).instructions
    assert after <= 0.25 * before


def test_the_report_names_the_goal(cli: Cli, tmp_path: Path) -> None:
    options = ("--goal", "memory", "--report", "report.json")
    optimized(cli, tmp_path, *options, model=str(TESTDATA / "conv1d_pairs.tflite"))
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["options"]["goal"] == "memory"


def test_kernels(cli: Cli) -> None:
    done = cli("inspect", GROUPED, "--kernels", "-t", "cortex-m4")
    assert done.code == 0
    assert "arm_convolve_1x1_s8_fast: it takes a 1x1 kernel, not 3x3" in done.out
    assert "predicted: " in done.out


def test_kernels_as_json(cli: Cli) -> None:
    done = cli("inspect", GROUPED, "--json", "-t", "cortex-m4")
    rows = json.loads(done.out)["kernels"]
    assert rows[0]["kernel"] == "arm_convolve_s8"
    assert rows[0]["faster"] == "arm_convolve_1x1_s8_fast"
    assert rows[0]["why"] == "it takes a 1x1 kernel, not 3x3"
    assert rows[2]["kernel"] == "arm_convolve_1x1_s8_fast"
    assert rows[2]["why"] is None
    assert rows[0]["instructions"] > 3 * rows[2]["instructions"]


def test_a_configuration_takes_the_goal(cli: Cli, tmp_path: Path) -> None:
    """It checks the file that the goal gives: for flash the one without plan and annotation."""
    sizes, path = {}, tmp_path / "budgets.toml"
    for goal in ("balanced", "flash"):
        sizes[goal] = optimized(cli, tmp_path, "--goal", goal, model=PLANNED).stat().st_size
        path.write_text(
            f'goal = "{goal}"\nmax-flash = "{sizes[goal]}"\nverify = false\n'
            f'[[model]]\npath = "{PLANNED}"\n'
        )
        ran = cli("check", str(path))
        assert ran.code == 0
        assert f"{sizes[goal]:,} of {sizes[goal]:,}" in ran.out
    assert sizes["flash"] < sizes["balanced"]
