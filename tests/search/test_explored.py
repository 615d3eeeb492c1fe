"""``benchmarks/explored.py`` and ``times_against.py``: they see what they look for."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from benchmarks import explored, times_against
from benchmarks.times_against import Times
from tests.support.paths import TESTDATA
from tflopt.product.explore import Point
from tflopt.search.cost import Cost

pytestmark = pytest.mark.unit
MODEL = TESTDATA / "svdf.tflite"


def test_points_that_are_nearly_alike_count_once() -> None:
    costs = [Cost(100, 100, 100), Cost(100, 104, 100), Cost(100, 104, 110), Cost(120, 100, 100)]
    assert explored.apart([Point(cost, ()) for cost in costs]) == 3


@pytest.mark.parametrize("off", [0, 1])
def test_a_command_that_makes_something_else_is_told(
    off: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = explored.again(MODEL, "cortex-m55", (), tmp_path / "out.tflite")
    assert made.instructions is not None
    point = Point(Cost(made.instructions + off, made.flash_bytes, made.arena_bytes), ())
    monkeypatch.setattr(explored, "explored", lambda *_: [point])
    monkeypatch.setattr(explored, "LEAST", 1)
    with pytest.raises(typer.Exit) as done:
        explored.main([MODEL])
    assert done.value.exit_code == off
    assert ("alike" in capsys.readouterr().out) is (off == 0)


@pytest.mark.parametrize(("ours", "code"), [(1.1, 0), (1.3, 1)])
def test_what_takes_longer_is_told(
    ours: float, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "m.tflite").touch()
    monkeypatch.setattr(times_against, "measured", lambda *_: Times("m", 1.0, ours))
    with pytest.raises(typer.Exit) as done:
        times_against.main(tmp_path, [tmp_path], limit=1.2, runs=1, most_bytes=1)
    assert done.value.exit_code == code


def test_both_are_run() -> None:
    times = times_against.measured(times_against.ROOT, MODEL, 1, Path("missing") / "out.tflite")
    assert times.base > 0
    assert times.ours > 0
