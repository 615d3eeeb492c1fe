"""``flatten-fully-connected``."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import Net
from tests.support.hazards import M4, hazard_model
from tflopt.ir import Model, OpCode
from tflopt.ir.options import SqueezeOptions
from tflopt.rules.defects.flatten_fully_connected import FlattenFullyConnected

pytestmark = pytest.mark.unit


def test_gives_the_output_rank_two() -> None:
    model = hazard_model("fully-connected-debug-assert")
    after = check_rule(model, FlattenFullyConnected(M4), hits=1, runners=["tflm"])
    dense, view = after.ops()
    assert dense.output.shape == (6, 4)
    assert view.output.shape == (1, 24)


def steps(rank: int, view: bool) -> Model:
    net = Net()
    x = net.feed(*(1,) * (rank - 2), 5, 8)
    y = net.dense(x, 4, rows=5, keep_num_dims=True)
    net.output(net.reshape(y, 1, 20) if view else net.relu(y))
    return net.model


@pytest.mark.parametrize("code", [OpCode.EXPAND_DIMS, OpCode.SQUEEZE])
def test_a_view_whose_axes_count_those_of_its_input_becomes_a_reshape(code: OpCode) -> None:
    net = Net()
    y = net.dense(net.feed(1, 4, 8, 8), 2, rows=32, keep_num_dims=True)
    if code is OpCode.EXPAND_DIMS:
        z = net.op(code, [y, net.constant([3])], (1, 4, 8, 1, 2))
    else:
        z = net.op(code, [y], (4, 8, 2), options=SqueezeOptions((0,)))
    net.output(z)
    after = check_rule(net.model, FlattenFullyConnected(M4), hits=1, runners=["tflm"])
    assert [op.code for op in after.ops()] == [OpCode.FULLY_CONNECTED, OpCode.RESHAPE]


def test_declines_where_a_reader_needs_the_rank() -> None:
    check_declines(steps(3, False), FlattenFullyConnected(M4), "its readers need the rank")


def test_leaves_a_matrix_alone() -> None:
    check_leaves_alone(steps(2, True), FlattenFullyConnected(M4))
