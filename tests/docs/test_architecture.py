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
WRITER = "tflopt/io/writing/writer.py"
STATION = re.compile(r"^\d+\. `(tflopt/[\w/]+\.py)`", re.M)


def rooms(text: str) -> list[str]:
    found = DRAWING.search(text)
    assert found is not None
    return [line.split()[0] for line in found[1].splitlines()]


def first_times(small: Path, tmp_path: Path) -> list[str]:
    """The modules that get the model when ``tflopt optimize`` runs, by the first time.

    The model is what is handed to ``product/optimize.py`` and what that takes for the result;
    copies on which something is tried aside aren't followed.
    """
    calls: dict[tuple[str, Model], None] = {}

    def watch(frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if event != "call" or not path.startswith(str(PACKAGE)):
            return
        for name in frame.f_code.co_varnames[: frame.f_code.co_argcount]:
            model = frame.f_locals.get(name)
            if isinstance(model, Model):
                calls.setdefault((str(Path(path).relative_to(ROOT)), model))

    sys.setprofile(watch)
    try:
        app(["optimize", str(small), "-o", str(tmp_path / "x.tflite"), "-q"], standalone_mode=False)
    finally:
        sys.setprofile(None)
    followed = {model for path, model in calls if path == "tflopt/product/optimize.py"}
    assert len(followed) == 2
    return list(dict.fromkeys(path for path, model in calls if model in followed))


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
    return [room for room, _ in groupby(path.rpartition("/")[0] for path in stations)]


def test_the_way_comes_back_to_no_room() -> None:
    way = visits(STATION.findall(PAGE.read_text()))
    assert len(way) == len(set(way))
    assert (way[0], way[-2]) == ("tflopt/io/reading", "tflopt/io/writing")
    assert visits(["tflopt/a/x.py", "tflopt/b/y.py", "tflopt/a/z.py"]).count("tflopt/a") == 2


def test_the_checks_can_fail() -> None:
    text = "<!-- rooms -->\n```text\nio  files\nir  the model\n```"
    assert rooms(text) == ["io", "ir"]
    assert STATION.findall("1. `tflopt/io/reading/reader.py`: bytes") == [
        "tflopt/io/reading/reader.py"
    ]
