"""The tables in the repository: complete, of the known format, and within their errors."""

from __future__ import annotations

import json

import pytest

from tflopt.target import Target, all_targets
from tflopt.target.cost.tables import (
    CORES,
    FORMAT_VERSION,
    Table,
    load_table,
    parse_table,
    table_for,
)

pytestmark = pytest.mark.unit

# What convolutional networks spend their time in; the other rows are allowed to be worse.
DECISIVE = (
    "arm_convolve_1x1_s8_fast",
    "arm_convolve_s8",
    "arm_depthwise_conv_s8",
    "arm_fully_connected_s8",
    "arm_avgpool_s8",
    "arm_elementwise_add_s8",
    "MEAN i8",
)


@pytest.fixture(params=CORES)
def table(request: pytest.FixtureRequest) -> Table:
    return load_table(request.param)


def test_says_where_it_comes_from(table: Table) -> None:
    assert table.core in CORES
    for text in (table.date, table.library, table.cmsis_nn, table.compiler, table.emulator):
        assert text


def test_every_row_is_a_fit_with_held_out_layers(table: Table) -> None:
    assert len(table.rows) > 80
    for name, fit in table.rows.items():
        assert fit.coefficients, name
        assert all(cost > 0 for cost in fit.coefficients.values()), name
        assert fit.layers >= 6, name
        assert fit.held_out >= 2, name


@pytest.mark.parametrize("row", DECISIVE)
def test_decisive_rows_are_close(table: Table, row: str) -> None:
    fit = table.rows[row]
    assert fit.median_error < 0.03
    assert fit.p90_error < 0.08


def test_all_tables_have_rows_for_the_same_operators() -> None:
    names = [
        {name for name in load_table(core).rows if not name.startswith("arm_")} for core in CORES
    ]
    for each in names:
        assert len(each ^ names[0]) <= 3


@pytest.mark.parametrize("core", CORES)
def test_a_measured_core_has_its_own_table(core: str) -> None:
    assert table_for(Target.parse(core)).core == core


def test_every_table_stands_for_some_target() -> None:
    assert {table_for(target).core for target in all_targets()} == set(CORES)


def test_another_format_is_refused() -> None:
    text = json.dumps({"format": FORMAT_VERSION + 1, "rows": {}})
    with pytest.raises(ValueError, match="format"):
        parse_table(text)
