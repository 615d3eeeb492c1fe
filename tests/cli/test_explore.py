"""``tflopt explore``: each point is what its command makes, and no other one beats it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.search.test_growth import grouped
from tests.support.cli import Cli
from tflopt.io import read, write_bytes
from tflopt.product.explore import Point, frontier
from tflopt.report.chart import HEIGHT, WIDTH, chart, names
from tflopt.search.cost import Cost
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.unit


def point(work: int, flash: int, arena: int, *options: str) -> Point:
    return Point(Cost(work, flash, arena), options)


def test_the_frontier_holds_what_nothing_beats() -> None:
    fast, small, both = point(1, 9, 9), point(9, 9, 1), point(5, 9, 5)
    worse, twin = point(5, 9, 6), point(5, 9, 5, "--again")
    assert frontier([small, worse, both, fast, twin]) == [fast, both, small]
    assert both.options == ()


def test_a_plan_for_one_instruction_set_beats_none_that_runs_anywhere() -> None:
    bound, free = point(5, 5, 4, "--overlap"), point(5, 5, 6)
    assert frontier([bound, free, point(5, 5, 5, "--overlap")]) == [free, bound]
    assert frontier([bound, point(5, 5, 3)]) == [point(5, 5, 3)]


def test_the_chart_shows_every_point_in_its_place() -> None:
    lines = chart([point(10, 1, 100), point(100, 1, 10)], point(100, 1, 100))
    rows = [line[3:] for line in lines[1 : 1 + HEIGHT]]
    assert rows[-1] == " " * (WIDTH - 1) + "a"
    assert rows[0] == "b" + " " * (WIDTH - 2) + "*"
    assert names(28)[-2:] == ["a", "b"]


def test_one_result_has_a_chart_too() -> None:
    assert any("a" in line for line in chart([point(1, 1, 1)], point(1, 1, 1)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "grouped.tflite"
    path.write_bytes(write_bytes(grouped(2)))
    return path


@pytest.mark.long
@pytest.mark.parametrize("options", [[], ["--runtime", "tflm"]], ids=["both", "tflm"])
def test_every_command_makes_its_point(
    options: list[str], cli: Cli, model: Path, tmp_path: Path
) -> None:
    done = cli("explore", model, "--json", "--effort", "0.25", *options)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["schema_version"]
    assert len(found["points"]) >= 2
    for each in found["points"]:
        program, *arguments = each["command"]
        assert program == "tflopt"
        out = tmp_path / "out.tflite"
        assert cli(*arguments, "-o", out, "--no-verify", "-q").code == 0
        result = read(out)
        assert out.stat().st_size == each["flash_bytes"]
        assert memory_of(result, Device()).arena.minimum_bytes == each["arena_bytes"]
        assert predict_model(result, Device()).instructions == each["instructions"]


def test_a_person_sees_a_chart_and_the_options(cli: Cli, model: Path) -> None:
    done = cli("explore", model, "--target", "cortex-m4", "--effort", "0")
    assert done.code == 0, done.err
    assert "bytes of arena" in done.out
    assert "the original" in done.out
    assert "--target cortex-m4 OPTIONS" in " ".join(done.out.split())
    model.write_bytes(write_bytes(grouped(1)))
    assert cli("explore", model, "--effort", "0", "--quiet").out == ""


def test_a_bad_model_is_one_line(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(b"no model")
    assert cli("explore", path).only_error
