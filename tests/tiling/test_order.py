"""Neighbours change places where both together then need less, and only where nobody can tell."""

from __future__ import annotations

import pytest

from tests.support.kit import Kit
from tflopt.ir import Model, OpCode
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.tiling.costs import CostBook
from tflopt.tiling.measure import Bench
from tflopt.tiling.order import calmed
from tflopt.tiling.windows import Windows

pytestmark = pytest.mark.unit


def book() -> CostBook:
    return CostBook(Device(), PlanRequest())


def block() -> Model:
    """A residual block that halves its size; its shortcut is written last, as Keras does."""
    n = Kit()
    x = n.conv2d(n.feed(1, 16, 16, 3), 16)
    path = n.conv2d(n.conv2d(x, 32, stride=(2, 2)), 32)
    short = n.conv2d(x, 32, (1, 1), stride=(2, 2))
    n.output(n.binary(OpCode.ADD, path, short))
    return n.model


def heads(model: Model) -> list[int]:
    windows = Windows(Bench(model, book()))
    return [windows.op(index).head_bytes for index in range(len(model.main.ops))]


def test_a_shortcut_runs_before_its_input_is_in_the_way() -> None:
    model = block()
    trial, places = calmed(model, book())
    assert places == [0, 1, 3, 2, 4]
    assert max(heads(trial)[1:]) < max(heads(model)[1:])
    assert [op.code for op in model.main.ops] == [op.code for op in block().main.ops]


def test_what_reads_the_other_stays_behind_it() -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 8, 8, 4), 8)
    n.output(n.conv2d(n.conv2d(x, 16), 2))
    assert calmed(n.model, book())[1] == [0, 1, 2]


def test_an_order_that_is_calm_stays() -> None:
    trial, _ = calmed(block(), book())
    assert calmed(trial, book())[1] == [0, 1, 2, 3, 4]
