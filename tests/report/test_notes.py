"""Notes on predictions: how much of them is measured, and what they don't count."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import TESTDATA, every_model
from tflopt.io import read_bytes
from tflopt.ir import OpCode
from tflopt.report.notes import prediction_notes
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.memory import Device

pytestmark = pytest.mark.unit
BRANCHES = {OpCode.IF, OpCode.WHILE, OpCode.CALL_ONCE}


@every_model
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_notes_are_there_iff_they_are_true(path: Path, target: str) -> None:
    model, device = read_bytes(path.read_bytes()), Device(Target.parse(target))
    found = " ".join(prediction_notes(model, device))
    share = predict_model(model, device).measured_share
    assert ("rest on measured kernels" in found) == (share < 0.9)
    assert ("branch and loop body once" in found) == any(op.code in BRANCHES for op in model.ops())


@pytest.mark.parametrize(("name", "count"), [("ds_cnn", 0), ("svdf", 1), ("while_loop", 2)])
def test_how_many_notes_models_have(name: str, count: int) -> None:
    model = read_bytes((TESTDATA / f"{name}.tflite").read_bytes())
    assert len(prediction_notes(model, Device())) == count
