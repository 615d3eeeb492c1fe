"""The drawing of the rooms and the way of a model are as the pages say."""

from __future__ import annotations

import re
import sys
from itertools import groupby
from pathlib import Path
from types import FrameType

import pytest

from tests.support.paths import ROOT
from tests.test_layers import ORDER, PACKAGE
from tflopt.cli.main import app
from tflopt.ir import Model

pytestmark = pytest.mark.unit
PAGE = ROOT / "docs" / "architecture.md"
DRAWING = re.compile(r"<!-- rooms -->\n```text\n(.*?)```", re.S)
STATION = re.compile(r"^\d+\. `(tflopt/[\w/]+\.py)`", re.M)


def rooms(text: str) -> list[str]:
    found = DRAWING.search(text)
    assert found is not None
    return [line.split()[0] for line in found[1].splitlines()]


def first_times(small: Path, tmp_path: Path) -> list[str]:
    """The modules that get a model when ``tflopt optimize`` runs, by the first time."""
    seen: dict[str, None] = {}

    def watch(frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if event != "call" or not path.startswith(str(PACKAGE)):
            return
        names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
        if any(isinstance(frame.f_locals.get(name), Model) for name in names):
            seen.setdefault(str(Path(path).relative_to(ROOT)))

    sys.setprofile(watch)
    try:
        app(["optimize", str(small), "-o", str(tmp_path / "x.tflite"), "-q"], standalone_mode=False)
    finally:
        sys.setprofile(None)
    return list(seen)


def test_the_drawing_is_the_order_of_the_imports() -> None:
    order = dict.fromkeys(name.split(".")[0] for name in ORDER if name != "__main__")
    assert rooms((ROOT / "CONTRIBUTING.md").read_text()) == list(order)


def test_the_way_of_a_model(small: Path, tmp_path: Path) -> None:
    """A station is a function that takes the model; the reader makes it, and has none before."""
    stations = STATION.findall(PAGE.read_text())
    way = first_times(small, tmp_path)
    assert len(stations) >= 10
    assert [path for path in way if path in stations] == stations


def visits(stations: list[str]) -> list[str]:
    """The rooms in which the stations stand, once for each time that the way leads into one."""
    return [room for room, _ in groupby(path.split("/")[1] for path in stations)]


def test_the_way_comes_back_only_to_who_hands_the_model_on() -> None:
    way = visits(STATION.findall(PAGE.read_text()))
    assert {room for room in way if way.count(room) > 1} == {"io", "product"}
    between = [room for room in way if room != "product"]
    assert between[0] == "io"
    assert between.count("io") == 2


def test_the_checks_can_fail() -> None:
    text = "<!-- rooms -->\n```text\nio  files\nir  the model\n```"
    assert rooms(text) == ["io", "ir"]
    assert STATION.findall("1. `tflopt/io/reader.py`: bytes") == ["tflopt/io/reader.py"]
