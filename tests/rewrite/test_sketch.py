"""Operators that are built apart and put into a model."""

from __future__ import annotations

import pytest

from tests.support.kit import Kit
from tflopt.ir import DType, OpCode
from tflopt.ir.options import AddOptions
from tflopt.ir.text import dump
from tflopt.ir.verify import verify
from tflopt.rewrite import Rewriter
from tflopt.rewrite.sketch import Sketch

pytestmark = pytest.mark.unit


def test_nothing_changes_before_it_is_grafted() -> None:
    n = Kit()
    y = n.relu(n.feed(2, 3))
    n.output(y)
    before = dump(n.model)
    sketch = Sketch()
    sketch.results[y] = sketch.op(OpCode.RELU6, [sketch.read(n.graph.inputs[0])], (2, 3))
    assert dump(n.model) == before
    assert len(n.model.opcodes) == 1


def test_graft() -> None:
    n = Kit()
    x = n.feed(2, 3)
    bias = n.constant([[1, 2, 3]], DType.INT8, (0.1, 0))
    y = n.add(x, bias)
    y.name = "result"
    n.output(y)
    op = n.graph.ops[0]
    sketch = Sketch()
    copy = sketch.constant([[3, 2, 1]], DType.INT8, (0.1, 0))
    first = sketch.op(OpCode.ADD, [sketch.read(x), sketch.read(bias)], (2, 3), options=AddOptions())
    sketch.results[y] = sketch.op(OpCode.ADD, [first, copy], (2, 3), options=AddOptions())
    assert sketch.read(x) is sketch.read(x)
    assert sketch.read(bias).has_data
    rw = Rewriter(n.model)
    rw.begin()
    sketch.graft(rw, op)
    verify(n.model, "the test")
    assert rw.changed
    assert [each.code for each in n.graph.ops] == [OpCode.ADD, OpCode.ADD]
    assert n.graph.ops[0].inputs == (x, bias)
    assert n.graph.outputs[0].name == "result"
    assert n.graph.outputs[0].producer is n.graph.ops[1]
    assert op not in n.graph.ops


def test_a_result_may_be_a_value_of_the_model() -> None:
    n = Kit()
    x = n.relu(n.feed(2, 3))
    y = n.relu(x)
    n.output(n.add(x, y))
    op = y.producer
    assert op is not None
    sketch = Sketch()
    sketch.results[y] = sketch.read(x)
    rw = Rewriter(n.model)
    sketch.graft(rw, op)
    verify(n.model, "the test")
    assert n.graph.ops[-1].inputs == (x, x)


def test_an_optional_input() -> None:
    sketch = Sketch()
    assert sketch.read_present(None) == []
