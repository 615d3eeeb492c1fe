"""The page of real models, which ``benchmarks/field_page.py`` writes: each has its row."""

from __future__ import annotations

import re
from statistics import median

import pytest

from benchmarks.field_page import COSTLY, MEASURED, PAGE, PUBLIC, examine, models

pytestmark = pytest.mark.runtime
ROW = re.compile(r"^\| (\S+) \| (.*) \|$")


def rows() -> dict[str, list[str]]:
    """The first table, by model."""
    text = PAGE.read_text(encoding="utf-8").split("## What is left")[0].split("## All of them")[1]
    found = (ROW.match(line) for line in text.splitlines())
    cells = {each[1]: each[2].split(" | ") for each in found if each is not None}
    cells.pop("model", None)
    return cells


def test_every_model_that_is_there_has_a_row() -> None:
    present = {path.stem for path in models()}
    if not present:
        pytest.skip("shared/field/models is absent")
    assert present == set(rows())


def test_each_row_says_whether_it_runs_and_is_verified() -> None:
    found = rows()
    assert len(found) > 40
    for name, cells in found.items():
        if cells[0].startswith("refused"):
            continue
        assert cells[1].startswith(("identical", "rounded")), name
        ratios = [float(cell) for cell in cells[2:] if cell != "unknown"]
        assert len(cells) == 8
        assert all(0 < ratio < 1.2 for ratio in ratios), name


def test_what_is_left_has_a_share_and_a_reason() -> None:
    text = PAGE.read_text(encoding="utf-8").split("## What is left")[1].split(MEASURED)[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(lines) > 100
    for line in lines:
        name, _core, _operator, _kernel, share, reason = line.strip("| ").split(" | ")
        assert name in rows()
        assert int(share.removesuffix(" %")) >= 100 * COSTLY
        assert reason.strip()


def test_twenty_public_models_are_those_of_the_table_of_all() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## Twenty")[1].split("## All")[0]
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line[:2] == "| "][1:]
    assert [(cells[0], cells[1]) for cells in lines] == list(PUBLIC.items())
    assert len(lines) == 20
    found = rows()
    for name, _source, before, after, *parts, verified in lines:
        all_parts = [float(cell) for cell in found[name][3:]]
        assert verified == found[name][1] == "identical on tflm"
        old, new = (int(size.replace(",", "")) for size in (before, after))
        assert new / old == pytest.approx(all_parts[0], abs=0.001)
        for part, told in zip(all_parts, parts, strict=True):
            said = int(told.removesuffix(" %"))
            assert said == pytest.approx(100 * (part - 1), abs=0.6), name


@pytest.mark.parametrize("name", ["hello_world_int8", "keyword_scrambled_8bit"])
def test_a_small_model_still_gives_its_row(name: str) -> None:
    path = next((path for path in models() if path.stem == name), None)
    if path is None:
        pytest.skip("shared/models is absent")
    cells = examine(path, samples=4).row().strip("| ").split(" | ")
    shown = rows()[name]
    assert cells[1:3] == shown[:2]
    assert list(map(float, cells[3:])) == pytest.approx(list(map(float, shown[2:])), abs=0.02)


def test_measured_rows_are_of_every_model_and_the_medians_are_theirs() -> None:
    """Of file, arena and instructions; a model that doesn't run there says why."""
    text = PAGE.read_text(encoding="utf-8").split(MEASURED)[1].split("### ")[0]
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line[:2] == "| "][1:]
    *found, last = lines
    names = {path.stem for path in models()}
    assert not names or {cells[0] for cells in found} <= names
    assert len(found) > 20
    parts = [
        [float(cell.rpartition("(")[2].strip("()")) for cell in cells[2:]]
        for cells in found
        if cells[1] == "integer"
    ]
    assert last[0] == f"median of {len(parts)}"
    for column, told in zip(zip(*parts, strict=True), last[2:], strict=True):
        assert median(column) == pytest.approx(float(told.strip("*")), abs=0.001)
