"""What was found of a graph is given again until something changes that it depends on."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kit import Kit
from tflopt.ir import DType, OpCode, Quantization
from tflopt.ir.builder import Builder
from tflopt.ir.options import AddOptions
from tflopt.ranges import ranges_of

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
