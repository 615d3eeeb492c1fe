"""What ``docs/limits.md`` says of recurrent networks is so of the repository's own."""

from __future__ import annotations

import pytest

from tests.support.loops import GRU, SIMPLE_RNN
from tests.support.paths import TESTDATA
from tflopt.config import Config, Goal
from tflopt.facts.operators import DENSE, facts_of
from tflopt.facts.turns import trip_count
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Model, Op
from tflopt.ir.parse import parse
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest, memory_of

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


def optimized(source: Model, goal: Goal) -> tuple[float, float]:
    """Parts of its instructions and of its arena that are left."""
    device = Device.of("cortex-m55")
    result = read_bytes(write_bytes(source))
    run_pipeline(result, Selection(), Config(device=device, goal=goal, plan=PlanRequest()))
    work = [predict_model(each, device).instructions for each in (source, result)]
    arena = [memory_of(each, device).arena.minimum_bytes for each in (source, result)]
    return work[1] / work[0], arena[1] / arena[0]


def test_what_writing_loops_out_gives() -> None:
    left, _ = optimized(model("while_loop"), Goal.BALANCED)
    assert left == pytest.approx(0.40, abs=0.01)
    speed = [optimized(parse(text), Goal.SPEED) for text in (SIMPLE_RNN, GRU)]
    assert [left for left, _ in speed] == pytest.approx([0.31, 0.51], abs=0.01)
    assert [arena for _, arena in speed] == pytest.approx([2.5, 7.0], abs=0.1)
    assert [optimized(parse(text), Goal.BALANCED)[0] > 0.9 for text in (SIMPLE_RNN, GRU)]


def test_a_loop_of_three_turns_and_what_its_body_takes_of_it() -> None:
    loop = model("while_loop")
    (op,) = [op for op in loop.main.ops if trip_count(op) is not None]
    assert trip_count(op) == 3
    told = predict_model(loop, Device.of("cortex-m55"))
    body = sum(row.instructions for row in told.rows if row.subgraph == 2)
    assert 0.5 < body / told.instructions < 0.65
    assert facts_of(op) is not None
