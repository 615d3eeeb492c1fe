"""Notes on predictions: how much of them is measured, and what they don't count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.paths import TESTDATA, every_model
from tflopt.api import optimize_file
from tflopt.facts.turns import trip_count
from tflopt.io import read_bytes
from tflopt.ir import DType, OpCode
from tflopt.ir.builder import Builder
from tflopt.ir.options import FullyConnectedOptions
from tflopt.report.notes import notes, prediction_notes, target_notes
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

pytestmark = pytest.mark.unit
DENSE = FullyConnectedOptions()


@pytest.mark.long
@every_model
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_notes_are_there_iff_they_are_true(path: Path, target: str) -> None:
    model, device = read_bytes(path.read_bytes()), Device(Target.parse(target))
    found = " ".join(prediction_notes(model, device))
    prediction = predict_model(model, device)
    loops = [trip_count(op) for op in model.ops() if op.code is OpCode.WHILE]
    spread = sum(
        row.runs.usual * (row.prediction.most - row.prediction.least) for row in prediction.rows
    )
    assert ("rest on measured kernels" in found) == (prediction.measured_share < 0.9)
    assert ("both sides of a branch" in found) == any(op.code is OpCode.IF for op in model.ops())
    assert ("length follows from data" in found) == (None in loops)
    assert ("depend on the data" in found) == (spread >= 0.02 * prediction.instructions)


NOTES = [("ds_cnn", 0), ("svdf", 2), ("if_branches", 1), ("while_loop", 0)]


@pytest.mark.parametrize(("name", "count"), NOTES)
def test_how_many_notes_models_have(name: str, count: int) -> None:
    model = read_bytes((TESTDATA / f"{name}.tflite").read_bytes())
    assert len(prediction_notes(model, Device())) == count


def test_a_loop_of_unknown_length_is_named() -> None:
    model = read_bytes((TESTDATA / "while_loop.tflite").read_bytes())
    loop = next(op for op in model.ops() if op.code is OpCode.WHILE)
    start = next(value for value in loop.inputs if value is not None and value.has_data)
    start.buffer = model.buffers[0]
    assert any("length follows from data" in note for note in prediction_notes(model, Device()))


@pytest.mark.parametrize(
    ("dtypes", "told"),
    [
        ([DType.INT8, DType.INT8], []),
        ([DType.FLOAT32, DType.FLOAT32], ["2 of 2 layers"]),
        ([DType.INT8, DType.FLOAT32, DType.INT8], ["1 of 3 layers"]),
    ],
)
def test_layers_in_float_are_told_with_the_next_step(dtypes: list[DType], told: list[str]) -> None:
    b = Builder()
    for dtype in dtypes:
        x = b.input((1, 4), dtype)
        weights = b.constant(np.ones((2, 4)), dtype, quant=(0.5, 0))
        b.output(b.op(OpCode.FULLY_CONNECTED, [x, weights], (1, 2), options=DENSE, quant=(1.0, 0)))
    found = notes(b.model, Device())
    assert [note[: note.index(" with")] for note in found if "tutorial-keras" in note] == told


def test_numbers_of_another_core_than_the_models_are_told() -> None:
    model = optimize_file(TESTDATA / "ds_cnn.tflite", target="cortex-m33+nodsp", verify=False).model
    told = "optimized for cortex-m33+nodsp, but these numbers are of cortex-m55"
    assert [each for each in notes(model, Device()) if told in each]
    assert target_notes(model, Device(Target.parse("cortex-m33+nodsp"))) == []
