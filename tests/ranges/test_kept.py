"""What was found of a graph is given again until something changes that it depends on."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kit import Kit
from tflopt.ir import DType, Model, OpCode, Quantization
from tflopt.ir.builder import Builder
from tflopt.ir.clone import clone
from tflopt.ir.options import AddOptions
from tflopt.ranges import Interval, ranges_of, remembered
from tflopt.ranges.elementwise import by_table

pytestmark = pytest.mark.unit


def test_ranges_are_kept_until_the_model_changes() -> None:
    n = Kit()
    x = n.feed(1, 4)
    other = n.constant(np.array([1, 2, 3, 4]), DType.INT8, (0.05, 0))
    y = n.op(OpCode.ADD, [x, other], (1, 4), options=AddOptions(), quant=(0.1, 0))
    z = n.op(OpCode.RELU, [y], (1, 4))
    n.output(z)
    graph = n.model.main
    found = ranges_of(graph)
    assert ranges_of(graph) is found
    assert other.buffer is not None
    other.buffer.data = np.array([100, 100, 100, 100], np.int8).view(np.uint8)
    later = ranges_of(graph)
    assert later is not found
    low, former = later.of(z), found.of(z)
    assert low is not None
    assert former is not None
    assert (low.high > former.high).all()
    x.quant = Quantization.per_tensor(0.01, 5)
    assert ranges_of(graph) is not later
    last = ranges_of(graph)
    graph.ops[0].set_inputs((x, x))
    assert ranges_of(graph) is not last


def test_what_other_graphs_do_counts_where_a_variable_is_read() -> None:
    n = Kit()
    x = n.feed(1, 4)
    n.output(n.op(OpCode.RELU, [x], (1, 4)))
    other = Builder(n.model)
    y = other.input((1, 4), quant=(0.05, 3))
    other.output(other.op(OpCode.RELU, [y], (1, 4)))
    graph = n.model.main
    found = ranges_of(graph)
    other.graph.ops[0].set_outputs([other.value((1, 8), DType.INT8)])
    assert ranges_of(graph) is found
    handle = n.op(OpCode.VAR_HANDLE, [], (1,), dtype=DType.RESOURCE)
    n.output(n.op(OpCode.READ_VARIABLE, [handle], (1, 4)))
    found = ranges_of(graph)
    assert ranges_of(graph) is found
    y.shape = (1, 5)
    assert ranges_of(graph) is not found


def dense(inputs: int, outputs: int) -> Model:
    n = Kit()
    x = n.fully_connected(n.unary(OpCode.RELU, n.input((1, inputs), quant=(0.05, 0))), outputs)
    n.output(n.unary(OpCode.TANH, x, quant=(1 / 128, 0)))
    return n.model


def intervals(model: Model) -> list[Interval | None]:
    ranges = ranges_of(model.main)
    return [ranges.of(op.output) for op in model.main.ops]


@pytest.mark.parametrize("inputs", [2, 64], ids=["boxes", "columns"])
def test_a_clone_is_given_what_was_found_of_the_model(inputs: int) -> None:
    model = dense(inputs, 8)
    for one, two in zip(intervals(model), intervals(clone(model)), strict=True):
        assert one is not None
        assert one is two


@pytest.mark.parametrize("outputs", [8, 512], ids=["compared", "by identity"])
def test_other_weights_are_not_taken_for_those_that_were_seen(outputs: int) -> None:
    model = dense(64, outputs)
    known, other = intervals(model), clone(model)
    layer = other.main.ops[1]
    weights = layer.operand(1)
    assert weights.buffer is not None
    assert (weights.buffer.size_bytes > remembered.MOST_COMPARED) is (outputs == 512)
    weights.buffer.data = np.full(weights.shape, 3, np.int8).view(np.uint8).reshape(-1)
    found, fresh = intervals(other)[1], intervals(clone(_apart(other)))[1]
    assert known[1] is not None
    assert found is not None
    assert fresh is not None
    assert (found.low != known[1].low).any()
    assert (found.low == fresh.low).all()
    assert (found.high == fresh.high).all()


def _apart(model: Model) -> Model:
    """Nothing is remembered of it."""
    model.remembered = {}
    model.main.derived.clear()
    return model


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = intervals(dense(2, 8))
    monkeypatch.setattr(remembered, "MOST_BYTES", 0)
    for one, two in zip(expected, intervals(dense(2, 8)), strict=True):
        assert one is not None
        assert two is not None
        assert (one.low == two.low).all()
        assert (one.high == two.high).all()


def test_a_scale_at_the_end_of_float32_warns_of_nothing() -> None:
    """2^20 times the scale that SUB gives is no float32; NumPy's warning would be on the screen."""
    n = Kit()
    x, y = n.feed(1, 2, 2, 4), n.feed(1, 2, 2, 4)
    out = n.binary(OpCode.SUB, x, y, quant=(3e38, 0))
    n.output(out)
    assert ranges_of(n.model.main).of(out) is not None


def test_a_table_knows_nothing_of_what_is_no_int8() -> None:
    n = Kit()
    op = n.relu(n.feed(1, 4)).producer
    assert op is not None
    wide = np.full((1, 4), 1 << 40)
    assert by_table(op, Interval(-wide, wide)) is None
    assert by_table(op, Interval(wide * 0, wide * 0 + 1)) is not None
