"""Pages of models that a newcomer may open: none of them breaks, none says what isn't so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from tests.report.html.test_accessible import AUDIT
from tests.support.browser import needs_chromium, probe
from tests.support.kit import Kit
from tests.support.paths import SHARED, TESTDATA
from tflopt.io import read_bytes, write_bytes
from tflopt.product.optimize import Settings
from tflopt.report.html.single import view_page
from tflopt.report.plain import Plain, number, rows, table
from tflopt.report.single import single_report

pytestmark = pytest.mark.unit
FIELD = SHARED.parent / "field"
PHONE = 360
SEES = AUDIT.replace(
    "return { faults,",
    "return { nodes: all('g.op').length, rows: all('.operators tbody tr').length, faults,",
)
FILES = [
    TESTDATA / "if_branches.tflite",
    TESTDATA / "while_loop.tflite",
    TESTDATA / "int16_activations.tflite",
    FIELD / "cases" / "c01_vela_small.tflite",
    FIELD / "cases" / "c02_int16_dense_per_channel.tflite",
    FIELD / "models" / "mww_okay_nabu.tflite",
]


def report(data: bytes) -> Plain:
    return single_report(read_bytes(data), data, Settings().device, "m.tflite")


def no_operators() -> bytes:
    n = Kit()
    n.output(n.feed(1, 4, 4, 2))
    return write_bytes(n.model)


def long_names() -> bytes:
    n = Kit()
    x = n.feed(1, 8, 8, 3)
    for at in range(3):
        x = n.conv2d(x, 8)
        x.name = f"model_{'x' * 180}/layer_{at}/Relu;{'y' * 300}"
    n.output(x)
    return write_bytes(n.model)


def check(data: bytes, folder: Path) -> None:
    told = report(data)
    found = probe(view_page(told), SEES, folder, width=PHONE)
    assert found.console == []
    answer = cast("dict[str, object]", found.answer)
    operators = len(rows(table(told, "input"), "graph"))
    assert answer["faults"] == []
    assert answer["nodes"] == answer["rows"] == operators


@needs_chromium
@pytest.mark.parametrize("make", [no_operators, long_names])
def test_made_models(make: Callable[[], bytes], tmp_path: Path) -> None:
    check(make(), tmp_path)


@needs_chromium
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_models_from_the_field(path: Path, tmp_path: Path) -> None:
    if not path.exists():
        pytest.skip(f"{path.name} is missing")
    check(path.read_bytes(), tmp_path)


def test_operators_of_other_subgraphs_are_told_apart() -> None:
    page = view_page(report((TESTDATA / "if_branches.tflite").read_bytes()))
    assert '"place":"0"' in page
    assert '"place":"1.0"' in page
    assert '"place":"2.0"' in page


def test_no_bound_is_above_a_plan_that_exists() -> None:
    path = FIELD / "cases" / "c01_vela_small.tflite"
    if not path.exists():
        pytest.skip(f"{path.name} is missing")
    memory = table(table(report(path.read_bytes()), "input"), "memory_map")
    assert 0 < number(memory, "lower_bound_bytes") <= number(memory, "head_bytes")
