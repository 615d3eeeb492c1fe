"""``fold-view-into-fully-connected``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tflopt.ir import DType, OpCode
from tflopt.ir.options import FullyConnectedOptions
from tflopt.rules.views.fold_view_into_fully_connected import FoldViewIntoFullyConnected

pytestmark = pytest.mark.runtime
RULE = FoldViewIntoFullyConnected()


def test_a_flattening_reshape_goes() -> None:
    n = Net()
    x = n.relu(n.feed(1, 2, 3, 4))
    n.output(n.dense(n.reshape(x, 1, 24), 5))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,2,3,4]{0.05,3}) -> %2
          %1: i8[1,2,3,4]{0.05,3} = RELU(%0)
          %2: i8[1,5]{0.05,3} = FULLY_CONNECTED(%1, const i8[5,24]{0.005,0}, none)
        """,
        hits=1,
    )


@pytest.mark.parametrize("kind", ["squeeze", "expand"])
def test_other_views_go_too(kind: str) -> None:
    n = Net()
    x = n.relu(n.feed(1, 1, 6))
    n.output(n.dense(getattr(n, kind)(x, 0), 4))
    assert len(check_rule(n.model, RULE, hits=1).main.ops) == 2


def test_several_rows() -> None:
    n = Net()
    x = n.relu(n.feed(2, 3, 4))
    n.output(n.dense(n.reshape(x, 6, 4), 5, rows=6))
    check_rule(n.model, RULE, hits=1)


def test_a_chain_of_views_goes() -> None:
    n = Net()
    x = n.relu(n.feed(1, 2, 3))
    n.output(n.dense(n.reshape(n.reshape(x, 3, 2), 1, 6), 4))
    assert len(check_rule(n.model, RULE, hits=2).main.ops) == 2


def test_a_view_of_the_input_goes() -> None:
    n = Net()
    n.output(n.dense(n.reshape(n.feed(1, 2, 3), 1, 6), 4))
    assert len(check_rule(n.model, RULE, hits=1).main.ops) == 1


def test_to_a_matrix_the_dimensions_are_two_anyway() -> None:
    n = Net()
    x = n.reshape(n.relu(n.feed(1, 2, 3)), 1, 6)
    n.output(n.dense(x, 4, keep_num_dims=True))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.opcode.label for op in copy.main.ops] == ["RELU", "FULLY_CONNECTED"]


def keeps_rank(n: Net) -> None:
    x = n.reshape(n.relu(n.feed(1, 6)), 1, 2, 3)
    n.output(n.dense(x, 4, rows=2, keep_num_dims=True))


def scalar(n: Net) -> None:
    x = n.reshape(n.input((), quant=QUANT), 1, 1)
    n.output(n.dense(x, 4))


def requantized(n: Net) -> None:
    x = n.reshape(n.relu(n.feed(1, 2, 3)), 1, 6, quant=(0.7, 0))
    n.output(n.dense(x, 4))


def variable(n: Net) -> None:
    state = n.value((1, 2, 3), DType.INT8, QUANT)
    state.is_variable = True
    n.output(n.dense(n.reshape(state, 1, 6), 4))


def shared(n: Net) -> None:
    x = n.reshape(n.relu(n.feed(1, 2, 3)), 1, 6)
    n.output(n.dense(x, 4), n.relu(x))


def output(n: Net) -> None:
    x = n.reshape(n.relu(n.feed(1, 2, 3)), 1, 6)
    n.output(n.dense(x, 4), x)


def odd_weights(n: Net) -> None:
    x = n.reshape(n.relu(n.feed(1, 2, 3)), 1, 6)
    w = n.constant([[[1] * 6]], DType.INT8, quant=(0.1, 0))
    n.output(n.op(OpCode.FULLY_CONNECTED, [x, w], (1, 1), options=FullyConnectedOptions()))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (keeps_rank, "keep_num_dims ties the output's rank to the input's"),
        (scalar, "the input is a scalar"),
        (requantized, "the view changes the quantization"),
        (variable, "it copies a variable that may change later"),
        (shared, "another operator reads the view"),
        (output, "another operator reads the view"),
        (odd_weights, "the weights are no matrix"),
    ],
)
def test_declines(build: Callable[[Net], None], reason: str) -> None:
    n = Net()
    build(n)
    check_declines(n.model, RULE, reason)


def test_leaves_alone_what_is_no_view() -> None:
    n = Net()
    x = n.transpose(n.feed(3, 2), 1, 0)
    n.output(n.dense(n.relu(n.reshape(n.feed(1, 2, 3), 1, 6)), 4), n.dense(x, 4, rows=2))
    check_leaves_alone(n.model, RULE)
