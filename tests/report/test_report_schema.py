"""Reports keep to the published JSON Schema, and the schema names every key."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from tests.support.paths import ROOT, TESTDATA, every_model
from tests.support.reports import SMALL, report_of
from tflopt.io.files import load
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.report.json_report import SCHEMA_VERSION, heading
from tflopt.report.pair import REPEATED, UNKNOWN, pair_report
from tflopt.report.plain import Plain, rows, table
from tflopt.rules.pipeline import Selection
from tflopt.target.cmsis_nn import NEWEST
from tflopt.target.device import Device
from tflopt.verify.compare import Candidate

pytestmark = pytest.mark.unit
HAZARDS = sorted((TESTDATA.parent / "hazards").glob("*.tflite"))
SCHEMA = json.loads((files("tflopt.report") / "report.schema.json").read_text())


def strict(schema: object) -> object:
    """The same schema without room for keys that it doesn't name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {key: strict(value) for key, value in schema.items()}
    closed = "properties" in schema and "additionalProperties" not in schema
    return {**found, "additionalProperties": False} if closed else found


VALIDATOR = jsonschema.Draft202012Validator(strict(SCHEMA))


def problems(report: Plain) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(report)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION


def test_one_function_writes_the_head_of_all_json() -> None:
    texts = {path.stem: path.read_text() for path in (ROOT / "tflopt").rglob("*.py")}
    assert [name for name, text in texts.items() if '"schema_version":' in text] == ["json_report"]
    assert heading().keys() == {"schema_version", "tool"}
    assert heading(Device()) == {**heading(), "target": "cortex-m55", "cmsis_nn": str(NEWEST)}


@pytest.mark.long
@every_model
def test_reports_of_all_models(path: Path) -> None:
    assert problems(report_of(path)) == []


@pytest.mark.long
@pytest.mark.parametrize("path", HAZARDS, ids=lambda path: path.stem)
def test_reports_of_layers_that_a_core_computes_wrongly(path: Path) -> None:
    assert problems(report_of(path)) == []


def test_a_verified_report() -> None:
    report = report_of(SMALL, verified=True)
    assert problems(report) == []
    assert table(report, "verification")["status"] == "identical"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("input/file_bytes", "many"),
        ("verification/status", "fine"),
        ("output/memory_map/head_bytes", -1),
        ("output/flash/unheard_of", 1),
    ],
)
def test_the_schema_can_fail(path: str, value: object) -> None:
    report = copy.deepcopy(dict(report_of(SMALL)))
    *steps, last = path.split("/")
    place: object = report
    for step in steps:
        assert isinstance(place, dict)
        place = place[step]
    assert isinstance(place, dict)
    place[last] = value
    assert problems(report)


@pytest.mark.parametrize("same", [True, False])
def test_a_report_of_two_files(same: bool, tmp_path: Path) -> None:
    """What the rules did is known where optimizing the original again gives the second file."""
    source = TESTDATA / "torch_tcn.tflite"
    model, data = load(source)
    settings = Settings(samples=None)
    other = replace(settings, selection=Selection(disable=["assign-layouts"]))
    written = optimize_file_bytes(model, data, settings if same else other).data
    target = tmp_path / "out.tflite"
    target.write_bytes(written)
    pair = Candidate(model, data), Candidate(*load(target))
    report = pair_report(*pair, settings, None, ("a", "b"))
    assert problems(report) == []
    notes = report["notes"]
    assert isinstance(notes, list)
    assert (REPEATED if same else UNKNOWN) in notes
    assert bool(rows(report, "passes")) is same
    graph = rows(table(report, "input"), "graph")
    assert {"folded"} <= {str(row["fate"]) for row in graph}
