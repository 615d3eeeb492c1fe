"""Situations from the field that no other test has: loops in ``bench``, and no slower layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.field import field_case
from tests.support.kit import Kit
from tests.support.paths import TESTDATA
from tflopt.io import read, write_bytes
from tflopt.ir import Model, OpCode
from tflopt.rules.pipeline import run_pipeline
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["c06_while_bench", "while_loop"])
def test_bench_counts_the_bodies_of_loops(cli: Cli, name: str) -> None:
    """A loop from the field, whose trips are constant, and one of ours."""
    path = TESTDATA / f"{name}.tflite"
    path = path if path.is_file() else field_case(name)
    rows = json.loads(cli("bench", "--runner", "predicted", "--json", path).out)
    (model,) = rows["models"]
    loops = [row for row in model["operators"] if row["operator"] == "WHILE"]
    assert loops
    counted = sum(row["count"] for row in model["operators"])
    assert counted <= model["total"] <= 1.2 * counted
    if name.startswith("c06"):
        assert loops[0]["count"] > 10_000  # 5 trips of three operators, and not 780


def reduce_after_view() -> Model:
    """Built otherwise: a maximum over an axis that a RESHAPE made."""
    n = Kit()
    x = n.relu(n.feed(1, 10, 8))
    n.output(n.reduce(OpCode.REDUCE_MAX, n.reshape(x, 1, 10, 8, 1), (1,)))
    return n.model


def from_the_field() -> Model:
    return read(field_case("c08_reduce_max_slower"))


@pytest.mark.parametrize("source", [from_the_field, reduce_after_view])
def test_no_layout_makes_the_model_slower(source: object, tmp_path: Path) -> None:
    assert callable(source)
    model = source()
    assert write_bytes(model)
    before = predict_model(model, Device()).instructions
    run_pipeline(model)
    assert predict_model(model, Device()).instructions <= before
