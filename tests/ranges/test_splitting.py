"""Layers over few inputs: every input against the bounds by boxes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ranges.layers import every_input
from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tflopt.io import write_bytes
from tflopt.ir import Activation, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ranges import ranges_of

pytestmark = [pytest.mark.runtime, needs_tflm]


def network(seed: int, elements: int) -> Kit:
    """Dense layers with operators between them that handle each number alone."""
    rng = np.random.default_rng(seed)
    n = Kit(seed)
    x = n.input((1, elements), quant=(0.03, int(rng.integers(-20, 20))))
    for _ in range(int(rng.integers(2, 4))):
        x = n.fully_connected(x, int(rng.integers(3, 9)), activation=Activation.RELU)
        if rng.integers(2):
            x = n.unary(OpCode.TANH, x, quant=(1 / 128, 0))
        elif rng.integers(2):
            x = n.binary(OpCode.ADD, x, n.level((1, x.shape[1])))
    n.output(*[op.output for op in n.graph.ops])
    return n


def numbers(n: Kit, elements: int) -> list[Array]:
    """For each output its rows for every input."""
    feed = every_input(elements)
    found = runtime().run("tflm", write_bytes(n.model), [[row[None]] for row in feed])
    return [np.concatenate(each) for each in zip(*found, strict=True)]


@pytest.mark.parametrize("seed", range(40))
def test_one_input_leaves_nothing_open(seed: int) -> None:
    """All that never changes is found: one rounding or two make a step of difference at most."""
    n = network(seed, 1)
    ranges = ranges_of(n.graph)
    for value, rows in zip(n.graph.outputs, numbers(n, 1), strict=True):
        bounds = ranges.along(value, 1)
        assert bounds is not None
        least, largest = rows.min(axis=0), rows.max(axis=0)
        assert (bounds[0] <= least).all()
        assert (bounds[1] >= largest).all()
        assert (bounds[1] - bounds[0] - (largest - least) <= 4).all()


def bounds_of(x: Value) -> tuple[list[int], list[int]]:
    found = ranges_of(x.graph).along(x, 1)
    assert found is not None
    return found[0].tolist(), found[1].tolist()


def test_a_sum_of_opposites() -> None:
    """``tanh(x) - tanh(x)``: intervals alone say anything from -128 to 127."""
    n = Kit()
    x = n.input((1, 1), quant=(0.05, 0))
    y = n.unary(OpCode.TANH, x, quant=(1 / 128, 0))
    n.output(n.binary(OpCode.SUB, y, y, quant=(1 / 128, 0)))
    assert bounds_of(n.graph.outputs[0]) == ([0], [0])


def test_two_roots_are_not_mixed() -> None:
    n = Kit()
    x, y = n.input((1, 1), quant=(0.05, 0)), n.input((1, 1), quant=(0.05, 0))
    n.output(n.binary(OpCode.SUB, x, y, quant=(0.05, 0)))
    assert bounds_of(n.graph.outputs[0]) == ([-128], [127])


@pytest.mark.parametrize("seed", range(4))
def test_several_inputs_in_boxes(seed: int) -> None:
    """Three inputs in boxes: sampled numbers lie within, and nothing is wider than without."""
    n = network(seed, 3)
    ranges, rng = ranges_of(n.graph), np.random.default_rng(seed)
    feed = rng.integers(-128, 128, (500, 1, 3)).astype(np.int8)
    feed[:8, 0] = np.stack(np.meshgrid(*[[-128, 127]] * 3), axis=-1).reshape(8, 3)
    found = runtime().run("tflm", write_bytes(n.model), [[row] for row in feed])
    for value, rows in zip(n.graph.outputs, zip(*found, strict=True), strict=True):
        bounds, both = ranges.along(value, 1), np.concatenate(rows)
        assert bounds is not None
        assert (bounds[0] <= both.min(axis=0)).all()
        assert (bounds[1] >= both.max(axis=0)).all()


def test_rows_of_another_length_are_left_alone() -> None:
    """Two rows of a layer out of one of its input: no row of it is bounded box by box."""
    n = Kit()
    x = n.input((1, 4), quant=(0.05, 0))
    y = n.fully_connected(n.reshape(x, 2, 2), 3)
    assert y.producer is not None
    y.producer.set_inputs([x, *y.producer.inputs[1:]])
    n.output(y)
    assert len(bounds_of(y)[0]) == 3
