"""``tflopt diff``: what a change costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tflopt.gate.diff import Change
from tflopt.io import read, write
from tflopt.ir import OpCode, OperatorCode
from tflopt.ir.builder import Builder
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.unit
DS, HAR = TESTDATA / "ds_cnn.tflite", TESTDATA / "har_cnn.tflite"


def relus(path: Path, count: int, width: int = 4) -> Path:
    b = Builder()
    x = b.input((1, width))
    for _ in range(count):
        x = b.op(OpCode.RELU, [x], (1, width))
    b.output(x)
    write(b.model, path)
    return path


def report(cli: Cli, model: Path, name: str, *more: str) -> str:
    cli("optimize", model, "-o", f"{name}.tflite", "--no-verify", "-q", "--report", name, *more)
    return name


def test_a_model_against_itself(cli: Cli) -> None:
    ran = cli("diff", DS, DS, "--fail-on-regression")
    assert (ran.code, ran.err) == (0, "")
    data = json.loads(cli("diff", DS, DS, "--json").out)
    assert data["regressions"] == []
    assert data["operators"] == {}
    flash = data["changes"]["flash"]
    assert flash["old"] == flash["new"] == DS.stat().st_size


def test_worse_is_exit_code_1_on_demand(cli: Cli, tmp_path: Path) -> None:
    old, new = relus(tmp_path / "old.tflite", 1), relus(tmp_path / "new.tflite", 2)
    assert cli("diff", old, new).code == 0
    ran = cli("diff", old, new, "--fail-on-regression")
    assert ran.code == 1
    assert "worse than" in ran.err
    assert "flash, bytes" in ran.err
    assert "RELU 1 -> 2" in ran.out
    assert cli("diff", new, old, "--fail-on-regression").code == 0
    assert cli("diff", old, new, "--fail-on-regression", "--tolerance", "1000").code == 0
    data = json.loads(cli("diff", old, new, "--format", "json").out)
    assert data["operators"] == {"RELU": {"old": 1, "new": 2}}
    assert {"flash", "arena", "operators"} <= set(data["regressions"])


def test_the_arena_is_that_of_the_target(cli: Cli) -> None:
    for target in ("cortex-m4", "cortex-m55"):
        data = json.loads(cli("diff", HAR, DS, "--json", "--target", target).out)
        changes = data["changes"]["arena"]
        for path, key in ((HAR, "old"), (DS, "new")):
            arena = memory_of(read(path), Device(Target.parse(target))).arena
            assert changes[key] == arena.minimum_bytes


def test_reports_and_models_can_be_mixed(cli: Cli, tmp_path: Path) -> None:
    name = report(cli, DS, "ds.json", "--target", "m4")
    written = tmp_path / "ds.json.tflite"
    for pair in ((name, written), (written, name), (name, name)):
        data = json.loads(cli("diff", *pair, "--json").out)
        assert (data["target"], data["regressions"]) == ("cortex-m4", [])
        assert all(change["old"] == change["new"] for change in data["changes"].values())


def test_reports_of_other_builds_are_refused(cli: Cli) -> None:
    first = report(cli, DS, "a.json", "--target", "m4")
    second = report(cli, DS, "b.json", "--target", "m7", "--cmsis-nn", "7.0.0")
    assert "is for cortex-m7 and CMSIS-NN 7.0.0" in cli("diff", first, second).only_error
    assert cli("diff", first, DS, "--target", "m55").code == 2
    assert cli("diff", first, DS, "--target", "m4").code == 0


def test_markdown(cli: Cli, tmp_path: Path) -> None:
    old, new = relus(tmp_path / "old.tflite", 1), relus(tmp_path / "new.tflite", 2)
    text = cli("diff", old, new, "--format", "markdown").out
    assert "| operators \u26a0\ufe0f | 1 | 2 | +100.0 % |" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {5}


def test_an_arena_that_is_no_longer_known_is_worse(cli: Cli, tmp_path: Path) -> None:
    b = Builder()
    entry = OperatorCode(int(OpCode.CUSTOM), custom_code="mine")
    b.output(*b.custom(entry, [b.input((1, 4))], [(1, 4)]))
    write(b.model, tmp_path / "custom.tflite")
    old = relus(tmp_path / "old.tflite", 1, 4000)
    data = json.loads(cli("diff", old, "custom.tflite", "--json").out)
    assert data["changes"]["arena"]["new"] is None
    assert "arena" in data["regressions"]
    assert "unknown" in cli("diff", old, "custom.tflite").out


@pytest.mark.parametrize(
    ("old", "new", "tolerance", "worse"),
    [
        (100, 101, 0, True),
        (100, 101, 1, False),
        (100, 102, 1, True),
        (100, 99, 0, False),
        (0, 1, 50, True),
        (None, 1, 0, False),
        (None, None, 0, False),
        (1, None, 0, True),
    ],
)
def test_what_counts_as_worse(
    old: int | None, new: int | None, tolerance: float, worse: bool
) -> None:
    assert Change("flash", old, new).is_regression(tolerance) is worse


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "neither a model nor a report"),
        ('{"schema_version": 9}', "x.json: is not a report of schema version 1"),
        ('{"schema_version": 1}', "x.json: is not a report of 'tflopt optimize --report'"),
    ],
)
def test_what_is_neither(text: str, message: str, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    ran = cli("diff", "x.json", "x.json")
    assert ran.code == 3
    assert message in ran.only_error


def test_missing_files(cli: Cli) -> None:
    assert cli("diff", "no.tflite", DS).code == 2
    assert cli("diff", DS, DS, "--target", "m56").code == 2
