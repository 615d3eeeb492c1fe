"""How often subgraphs run, and what that makes of a model's prediction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.support.attacks import nested
from tests.support.paths import TESTDATA
from tflopt.facts.turns import trip_count
from tflopt.io import read
from tflopt.ir import Buffer, DType, Model, Op, OpCode
from tflopt.ir.options import CallOnceOptions, IfOptions, WhileOptions
from tflopt.product.bench import predict
from tflopt.target import Target
from tflopt.target.cost import Basis, LayerSpec, TensorSpec, predict_layer, predict_model
from tflopt.target.cost import predict as predict_module
from tflopt.target.cost import runs as runs_module
from tflopt.target.cost.predict import INVOKE_OVERHEAD, OPERATOR_OVERHEAD
from tflopt.target.cost.runs import (
    NEVER,
    ONCE,
    OPEN,
    PERHAPS,
    Runs,
    calls_of,
    runs_of,
)
from tflopt.target.device import Device

pytestmark = pytest.mark.unit
M4, M55 = (Device(Target.parse(name)) for name in ("cortex-m4", "cortex-m55"))


def load(name: str) -> Model:
    return read(TESTDATA / f"{name}.tflite")


def loop(model: Model) -> Op:
    return next(op for op in model.ops() if op.code is OpCode.WHILE)


def graph_of(model: Model, op: Op, body: bool) -> int:
    assert isinstance(op.options, WhileOptions)
    return op.options.body_subgraph_index if body else op.options.cond_subgraph_index


def set_constant(model: Model, graph: int, code: OpCode, number: int) -> None:
    """Another number in the only constant of the only operator of a kind."""
    op = next(op for op in model.graphs[graph].ops if op.code is code)
    value = next(v for v in op.inputs if v is not None and v.has_data)
    data = np.asarray(number, dtype=value.dtype.numpy)
    value.buffer = Buffer(np.frombuffer(data.tobytes(), dtype=np.uint8))


def test_a_loop_that_counts_to_a_constant() -> None:
    model = load("while_loop")
    op = loop(model)
    assert trip_count(op) == 3
    runs = runs_of(model)
    assert runs[0] == ONCE
    assert runs[graph_of(model, op, body=True)] == Runs(3, 3, 3)
    assert runs[graph_of(model, op, body=False)] == Runs(4, 4, 4)


@pytest.mark.parametrize(("limit", "trips"), [(0, 0), (-4, 0), (1, 1), (7, 7)])
def test_the_trips_follow_the_limit(limit: int, trips: int) -> None:
    model = load("while_loop")
    op = loop(model)
    set_constant(model, graph_of(model, op, body=False), OpCode.LESS, limit)
    assert trip_count(op) == trips
    assert runs_of(model)[graph_of(model, op, body=True)].usual == trips


@pytest.mark.parametrize(("step", "trips"), [(1, 3), (2, 2), (3, 1), (0, None), (-1, None)])
def test_the_trips_follow_the_step(step: int, trips: int | None) -> None:
    model = load("while_loop")
    op = loop(model)
    set_constant(model, graph_of(model, op, body=True), OpCode.ADD, step)
    assert trip_count(op) == trips


def test_a_counter_that_starts_anywhere_has_no_known_end() -> None:
    model = load("while_loop")
    op = loop(model)
    start = next(v for v in op.inputs if v is not None and v.has_data)
    start.buffer = model.buffers[0]
    assert trip_count(op) is None
    assert runs_of(model)[graph_of(model, op, body=True)] == OPEN
    prediction = predict_model(model, M55)
    assert prediction.most_instructions is None
    assert prediction.least_instructions < prediction.instructions


def test_branches_run_or_not() -> None:
    model = load("if_branches")
    op = next(op for op in model.ops() if op.code is OpCode.IF)
    assert isinstance(op.options, IfOptions)
    runs = runs_of(model)
    assert runs[op.options.then_subgraph_index] == PERHAPS
    assert runs[op.options.else_subgraph_index] == PERHAPS
    prediction = predict_model(model, M55)
    assert prediction.least_instructions < prediction.instructions


def test_what_runs_once_counts_in_the_first_inference_only() -> None:
    model = load("streaming_variables")
    op = next(op for op in model.ops() if op.code is OpCode.CALL_ONCE)
    assert isinstance(op.options, CallOnceOptions)
    inner = model.graphs[op.options.init_subgraph_index]
    assert runs_of(model)[inner.index] == NEVER
    before = predict_model(model, M55)
    assert before.first_instructions > 0
    for each in [op for op in inner.ops if op.code is OpCode.ASSIGN_VARIABLE]:
        inner.remove(each)
    after = predict_model(model, M55)
    assert after.instructions == before.instructions
    assert after.first_instructions < before.first_instructions


def test_a_graph_in_a_loop_in_a_loop() -> None:
    assert Runs(3, 3, 3).times(Runs(2, 0, 2)) == Runs(6, 0, 6)
    assert Runs(3, 3, 3).times(OPEN) == Runs(3, 0, None)
    assert ONCE.plus(Runs(3, 2, None)) == Runs(4, 3, None)


def test_a_loop_costs_its_passes() -> None:
    short, long = load("while_loop"), load("while_loop")
    op = loop(long)
    set_constant(long, graph_of(long, op, body=False), OpCode.LESS, 30)
    few, many = (predict_model(model, M55) for model in (short, long))
    assert many.instructions > 5 * few.instructions
    assert many.least_instructions <= many.instructions
    assert many.most_instructions is not None
    assert many.most_instructions >= many.instructions


def test_a_circle_of_calls_ends() -> None:
    model = load("while_loop")
    op = loop(model)
    assert isinstance(op.options, WhileOptions)
    op.options = replace(op.options, body_subgraph_index=0)
    assert runs_of(model)[0] == ONCE


@pytest.mark.parametrize("levels", [3, 24])
def test_a_subgraph_is_looked_at_once(levels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each level calls the next one from both branches: 2 to the levels ways lead down."""
    looked: Counter[Op] = Counter()

    def counted(op: Op) -> Iterator[tuple[int, Runs]]:
        looked[op] += 1
        assert looked[op] <= 2
        return calls_of(op)

    monkeypatch.setattr(runs_module, "calls_of", counted)
    monkeypatch.setattr(predict_module, "calls_of", counted)
    model = nested(levels)
    assert runs_of(model)[levels] == Runs(2**levels, 0, 2**levels)
    looked.clear()
    prediction = predict_model(model, M55)
    looked.clear()
    whole = prediction.with_calls(prediction.rows[0])
    assert whole > 2**levels * prediction.rows[-1].prediction.instructions
    assert whole <= prediction.instructions


def test_calls_are_counted_after_all_that_lead_to_them() -> None:
    """The last graph is called by the first one too, ahead of the way through the others."""
    model = nested(3)
    first = model.main.ops[0]
    assert isinstance(first.options, IfOptions)
    first.options = replace(first.options, then_subgraph_index=3)
    assert [runs.usual for runs in runs_of(model)] == [1, 1, 2, 5]


def copying(trips: int | None, tensors: int, size: int = 4) -> LayerSpec:
    values = (TensorSpec((), DType.INT32), *[TensorSpec((1, size))] * tensors)
    return LayerSpec(OpCode.WHILE, values, values, WhileOptions(1, 2), trips=trips)


# Passes, tensors beside the counter, bytes of each; instructions of the operator with an ADD in the
# body and a LESS in the condition, measured on QEMU's mps3-an547 and mps2-an386.
LOOPS = [
    ((0, 0, 4), 949, 923),
    ((1, 0, 4), 2607, 2543),
    ((10, 0, 4), 17530, 17143),
    ((10, 3, 4), 36899, 36327),
    ((10, 1, 1024), 42287, 40815),
    ((0, 3, 4), 2143, 2107),
]


@pytest.mark.parametrize(("loop_of", "on_m55", "on_m4"), LOOPS)
def test_loops_are_near_the_measured_ones(
    loop_of: tuple[int, int, int], on_m55: int, on_m4: int
) -> None:
    scalar, flag = TensorSpec((), DType.INT32), TensorSpec((), DType.BOOL)
    add = LayerSpec(OpCode.ADD, (scalar, scalar), (scalar,))
    less = LayerSpec(OpCode.LESS, (scalar, scalar), (flag,))
    trips = loop_of[0]
    for device, measured in ((M55, on_m55), (M4, on_m4)):
        body, condition = (
            OPERATOR_OVERHEAD + predict_layer(spec, device).instructions for spec in (add, less)
        )
        own = predict_layer(copying(*loop_of), device)
        assert own.basis is Basis.MEASURED
        total = own.instructions + trips * body + (trips + 1) * condition
        assert total == pytest.approx(measured, rel=0.025)


def test_a_loop_of_unknown_length_makes_one_pass() -> None:
    one, unknown = (predict_layer(copying(trips, 2), M55) for trips in (1, None))
    assert one == unknown


def test_the_main_graph_counts_what_it_calls() -> None:
    model = load("while_loop")
    prediction = predict_model(model, M55)
    main = [row for row in prediction.rows if row.subgraph == 0]
    inclusive = sum(prediction.with_calls(row) + OPERATOR_OVERHEAD for row in main)
    assert inclusive + INVOKE_OVERHEAD == prediction.instructions
    measured = predict(model, M55)
    assert sum(op.count for op in measured.operators) < measured.total
    assert [op.index for op in measured.operators] == list(range(len(main)))
