"""What ``docs/limits.md`` says of recurrent networks is so of the repository's own."""

from __future__ import annotations

import pytest

from tests.support.paths import TESTDATA
from tflopt.facts.operators import DENSE, facts_of
from tflopt.io import read
from tflopt.ir import Model, Op
from tflopt.target.cost import predict_model
from tflopt.target.cost.runs import trip_count
from tflopt.target.device import Device

pytestmark = pytest.mark.unit


def model(name: str) -> Model:
    return read(TESTDATA / f"{name}.tflite")


def projections() -> list[Op]:
    """The layers of the unrolled network that read its input."""
    ops = [op for op in model("gru_unrolled").main.ops if op.code in DENSE]
    return [op for op in ops if op.operand(0).shape == (1, 6)]


def test_each_step_of_an_unrolled_network_has_a_scale_of_its_own() -> None:
    found = projections()
    assert len(found) == 6
    sources = {op.operand(0).quant for op in found}
    weights = {op.operand(1).array().tobytes() for op in found}
    assert (len(sources), len(weights)) == (1, 1)
    assert len({op.output.quant for op in found}) == 6


def test_a_loop_of_three_turns_and_what_its_body_takes_of_it() -> None:
    loop = model("while_loop")
    (op,) = [op for op in loop.main.ops if trip_count(op) is not None]
    assert trip_count(op) == 3
    told = predict_model(loop, Device.of("cortex-m55"))
    body = sum(row.instructions for row in told.rows if row.subgraph == 2)
    assert 0.5 < body / told.instructions < 0.65
    assert facts_of(op) is not None
