"""The memory map as SVG."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.paths import every_model
from tests.support.reports import SMALL, large_report, report_of
from tflopt.report.memory_map import (
    MOST_BUFFERS,
    fitted,
    left_out,
    maps_svg,
    memory_picture,
    memory_side,
)
from tflopt.report.plain import Plain, number, rows

pytestmark = pytest.mark.unit
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</title><script>alert(1)</script>"&\u202e\x00\udc80'


def boxes(memory: Plain, width: int) -> list[tuple[str, dict[str, float]]]:
    root = ElementTree.fromstring(memory_picture(memory, title="t", width=width).svg)
    found = []
    for group in root.iter(f"{SVG}g"):
        rect, title = group.find(f"{SVG}rect"), group.find(f"{SVG}title")
        assert rect is not None
        assert title is not None
        keys = ("x", "y", "width", "height")
        found.append((title.text or "", {key: float(rect.get(key, "0")) for key in keys}))
    return found


@pytest.mark.long
@every_model
def test_pictures_of_all_models(path: Path) -> None:
    """Every buffer is drawn once, within the picture, with its numbers in words."""
    report = report_of(path)
    for key in ("input", "output"):
        memory = memory_side(report, key)
        if not memory:
            continue
        for width in (350, 640):
            drawn = boxes(memory, width)
            assert len(drawn) == len(rows(memory, "buffers"))
            for _, box in drawn:
                assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        for buffer in rows(memory, "buffers"):
            told = f"{number(buffer, 'size_bytes'):,} bytes at {number(buffer, 'offset_bytes'):,}"
            assert any(told in title for title, _ in drawn)
    ElementTree.fromstring(maps_svg(report))


def test_heights_and_places_are_those_of_the_data() -> None:
    memory = {
        "head_bytes": 400,
        "lower_bound_bytes": 300,
        "steps": [
            {"step": i, "subgraph": 0, "index": i, "operator": "ADD", "live_bytes": 1}
            for i in range(4)
        ],
        "buffers": [
            {
                "name": name,
                "kind": kind,
                "offset_bytes": at,
                "size_bytes": count,
                "first_step": first,
                "last_step": last,
            }
            for name, kind, at, count, first, last in (
                ("a", "tensor", 0, 400, 0, 1),
                ("b", "scratch", 100, 100, 2, 3),
            )
        ],
    }
    picture = memory_picture(memory, title="t", height=200)
    (_, a), (_, b) = boxes({**memory}, 640)
    assert a["height"] == pytest.approx(4 * b["height"], abs=0.3)
    assert a["width"] == pytest.approx(b["width"], abs=0.2)
    assert b["x"] == pytest.approx(a["x"] + a["width"], abs=0.2)
    assert a["y"] + a["height"] == pytest.approx(b["y"] + 2 * b["height"], abs=0.3)
    assert "peak 400" in picture.svg
    assert "lower bound 300" in picture.svg
    assert picture.svg.count("-hatch)") == 1


def test_names_from_a_model_stay_text() -> None:
    report = large_report(3, HOSTILE)
    root = ElementTree.fromstring(maps_svg(report))
    assert not list(root.iter(f"{SVG}script"))
    texts = "".join(root.itertext())
    assert "<script>alert(1)</script>" in texts
    assert "\u202e" not in texts


def test_a_picture_is_bounded() -> None:
    report = large_report(20_000)
    memory = memory_side(report, "output")
    assert left_out(memory) == 20_000 - MOST_BUFFERS
    assert len(memory_picture(memory, title="t").svg) < 1_500_000


def test_an_unknown_arena_has_words_for_it() -> None:
    report = {"input": {"memory_map": None}, "output": {"memory_map": None}}
    assert maps_svg(report).count("not known") == 2
    assert memory_side(report_of(SMALL), "input")


def test_labels() -> None:
    assert fitted("model/conv2d_1/Relu;x/y", 36_864, 30) == "conv2d_1/Relu"
    assert fitted("model/conv2d_1/Relu;x/y", 36_864, 8) == "conv2d_1"
    assert fitted("model/conv2d_1/Relu;x/y", 36_864, 5) == "36K"
    assert fitted("", 100, 5) == ""
