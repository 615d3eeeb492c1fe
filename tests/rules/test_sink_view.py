from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tflopt.ir import DType, Model, OpCode
from tflopt.ir.options import AddOptions, MulOptions
from tflopt.rules.constants.remove_noop import RemoveNoop
from tflopt.rules.views.merge_views import MergeViews
from tflopt.rules.views.sink_view import SinkView

pytestmark = pytest.mark.runtime
RULE = SinkView()
CLEAN_UP = (MergeViews(), RemoveNoop())


def test_a_view_around_an_activation_goes() -> None:
    n = Net()
    x = n.relu(n.feed(2, 3, 4))
    n.output(n.relu(n.reshape(n.relu(n.reshape(x, 6, 4)), 2, 3, 4)))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[2,3,4]{0.05,3}) -> %3
          %1: i8[2,3,4]{0.05,3} = RELU(%0)
          %2: i8[2,3,4]{0.05,3} = RELU(%1)
          %3: i8[2,3,4]{0.05,3} = RELU(%2)
        """,
        together_with=CLEAN_UP,
    )


def test_both_sides_of_a_sum() -> None:
    n = Net()
    x, y = n.relu(n.feed(2, 3, 4)), n.relu(n.feed(2, 3, 4))
    n.output(n.add(n.reshape(x, 24), n.reshape(y, 24)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.opcode.label for op in copy.main.ops] == ["RELU", "RELU", "ADD", "RESHAPE"]


@pytest.mark.parametrize(
    ("shape", "expected"), [((), ()), ((4,), (4,)), ((1, 4), (4,)), ((6, 4), (2, 3, 4))]
)
def test_constants_that_fit(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    n = Net()
    constant = n.constant(np.arange(np.prod(shape)).reshape(shape), DType.INT8, quant=(0.1, 0))
    x = n.reshape(n.relu(n.feed(2, 3, 4)), 6, 4)
    n.output(n.op(OpCode.MUL, [x, constant], (6, 4), options=MulOptions(), quant=QUANT))
    copy = check_rule(n.model, RULE, hits=1)
    moved = copy.main.ops[1].inputs[1]
    assert moved is not None
    assert moved.shape == expected


def rows() -> Model:
    n = Net()
    constant = n.constant(np.arange(6).reshape(6, 1), DType.INT8, quant=(0.1, 0))
    x = n.reshape(n.relu(n.feed(2, 3, 4)), 6, 4)
    n.output(n.op(OpCode.ADD, [x, constant], (6, 4), options=AddOptions()))
    return n.model


def shared() -> Model:
    n = Net()
    x = n.reshape(n.relu(n.feed(2, 3, 4)), 6, 4)
    n.output(n.relu(x), x)
    return n.model


def wider() -> Model:
    n = Net()
    x = n.reshape(n.relu(n.feed(2, 3, 4)), 6, 4)
    n.output(n.op(OpCode.DEQUANTIZE, [x], (6, 4), dtype=DType.FLOAT32))
    return n.model


def requantized() -> Model:
    n = Net()
    n.output(n.relu(n.reshape(n.relu(n.feed(2, 3, 4)), 6, 4, quant=(0.1, 0))))
    return n.model


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (rows, "it broadcasts along axes that the RESHAPE changes"),
        (shared, "another operator reads the view"),
        (wider, "behind the operator it would move more bytes"),
        (requantized, "the view changes the quantization"),
    ],
)
def test_declines(build: Callable[[], Model], reason: str) -> None:
    check_declines(build(), RULE, reason)


def test_leaves_alone_what_the_layout_does() -> None:
    """Dimensions of 1 come and go there."""
    n = Net()
    n.output(n.relu(n.reshape(n.relu(n.feed(2, 3, 4)), 2, 1, 3, 4)))
    check_leaves_alone(n.model, RULE)


def test_leaves_alone_two_shapes() -> None:
    n = Net()
    x, y = n.relu(n.feed(2, 3, 4)), n.relu(n.feed(4, 6))
    n.output(n.add(n.reshape(x, 24), n.reshape(y, 24)))
    check_leaves_alone(n.model, RULE)
