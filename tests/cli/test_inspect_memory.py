"""``inspect --scratch`` and ``--memory``: tables, timeline, lint, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.paths import MODELS, TESTDATA
from tflopt.io import read, write_bytes
from tflopt.plan.describe import write_plan

pytestmark = pytest.mark.unit
PATH = TESTDATA / "mobilenet_v1.tflite"
TARGETS = ("cortex-m0", "cortex-m4", "cortex-m33+nodsp", "cortex-m55")


def inspected(cli: Cli, *arguments: object, source: Path = PATH, code: int = 0) -> str:
    ran = cli("inspect", source, *arguments)
    assert (ran.code, ran.err) == (code, "")
    return ran.out


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
def test_the_table_of_every_model(cli: Cli, target: str) -> None:
    for path in MODELS:
        data = json.loads(inspected(cli, "--target", target, "--json", source=path))
        assert [row["index"] for row in data["scratch"] if row["subgraph"] == 0] == list(
            range(len(read(path).main.ops))
        )
        for row in data["scratch"]:
            assert row["path"] == "optimized" or row["why_not_faster"]


def test_the_table_on_a_terminal(cli: Cli) -> None:
    text = inspected(cli, "--scratch", "--target", "cortex-m4", "--cmsis-nn", "4ab83cc")
    assert "cortex-m4 (dsp), CMSIS-NN 4ab83cc" in text
    assert "arm_depthwise_conv_3x3_s8" in text
    assert "largest scratch of one operator" in text
    plain = inspected(cli, "--scratch", "--target", "cortex-m0")
    assert "cortex-m0 (scalar)" in plain
    assert "no DSP" in plain or "plain C" in plain


def test_what_a_table_of_an_unknown_operator_says(cli: Cli) -> None:
    text = inspected(cli, "--scratch", source=TESTDATA / "upsampling1d.tflite")
    assert "the memory of TILE is not known" in text


def test_an_unknown_version_lists_the_known(cli: Cli) -> None:
    ran = cli("inspect", PATH, "--scratch", "--cmsis-nn", "6.0.0")
    assert ran.code == 2
    assert all(name in ran.only_error for name in ("7.0.0", "4ab83cc", "99f736a"))


def test_the_timeline(cli: Cli) -> None:
    text = inspected(cli, "--memory")
    assert "the least arena is 32,848 bytes" in text
    assert "lower bound of the head 13,824, the best plan found 13,824" in text
    assert "no offline plan" in text
    assert "scratch of DEPTHWISE_CONV_2D 3" in text
    assert "error" not in text


def test_a_wrong_plan_of_another_tool(cli: Cli, tmp_path: Path) -> None:
    model = read(PATH)
    write_plan(model, [0] * len(model.main.values))
    path = tmp_path / "wrong.tflite"
    path.write_bytes(write_bytes(model))
    text = inspected(cli, "--memory", source=path, code=1)
    assert "an offline plan" in text
    assert "error: " in text
    assert "overlap" in text
    assert "DEPTHWISE_CONV_2D" in text


def test_an_overlapping_plan_is_wrong_on_another_core(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "overlap.tflite"
    ran = cli("optimize", PATH, "-o", path, "--overlap", "--no-verify", "-q")
    assert ran.code == 0
    assert "error" not in inspected(cli, "--memory", source=path)
    text = inspected(cli, "--memory", "-t", "cortex-m4", source=path, code=1)
    assert "its kernel on cortex-m4" in text


def test_json_keys(cli: Cli) -> None:
    data = json.loads(inspected(cli, "--json", "--target", "cortex-m33+nodsp"))
    assert data["target"] == "cortex-m33+nodsp"
    assert data["cmsis_nn"] == "99f736a"
    arena = data["arena"]
    assert arena["used_bytes"] == arena["head_bytes"] + arena["tail_bytes"]
    assert arena["minimum_bytes"] >= arena["used_bytes"]
    assert sum(arena["tail_by_kind"].values()) == arena["tail_bytes"]
    assert arena["minimum_is_due_to"]
    assert arena["offline_plan"] is False
    row = data["scratch"][0]
    assert set(row) == {
        *("subgraph", "index", "operator", "kernel", "path", "scratch_bytes"),
        *("op_data_bytes", "persistent", "why_not_faster", "caveat"),
    }


def test_the_timeline_and_the_lint_as_json(cli: Cli, tmp_path: Path) -> None:
    assert json.loads(inspected(cli, "--json"))["memory"] is None
    data = json.loads(inspected(cli, "--json", "--memory"))["memory"]
    assert [step["index"] for step in data["timeline"] if step["is_peak"]] == [3]
    assert (data["lower_bound_bytes"], data["best_head_bytes"]) == (13824, 13824)
    assert data["proven_optimal"]
    assert max(each["offset_bytes"] + each["size_bytes"] for each in data["buffers"]) == 18432
    assert data["findings"] == []
    model = read(PATH)
    write_plan(model, [0] * len(model.main.values))
    path = tmp_path / "wrong.tflite"
    path.write_bytes(write_bytes(model))
    data = json.loads(inspected(cli, "--json", "--memory", source=path, code=1))["memory"]
    assert {each["severity"] for each in data["findings"]} == {"error"}
    assert all(len(each["tensors"]) == 2 for each in data["findings"])


def test_the_report_of_optimize_has_both_tables(cli: Cli) -> None:
    ran = cli(
        "optimize", PATH, "-o", "out.tflite", "--no-verify", "--report", "-", "-t", "cortex-m4"
    )
    assert ran.code == 0
    report = json.loads(ran.out)
    for side in (report["input"], report["output"]):
        assert side["scratch"]
        assert side["scratch_bytes"] == max(sum(row["scratch_bytes"]) for row in side["scratch"])
        assert side["arena_head_bytes"] == side["arena"]["head_bytes"]
        assert set(side["arena_minimum_by_target"]) >= set(TARGETS)
