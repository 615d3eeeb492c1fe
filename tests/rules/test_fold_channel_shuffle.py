"""``fold-channel-shuffle``: the weights take the order of the channels, not the channels theirs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import GatherOptions
from tflopt.rules.forms.fold_channel_shuffle import FoldChannelShuffle

pytestmark = pytest.mark.runtime
RULE = FoldChannelShuffle()
SHUFFLED = [0, 4, 1, 5, 2, 6, 3, 7]
"""Two groups of four, in turns."""


def gather(n: Kit, x: Value, indices: Sequence[int], axis: int = 3, batch_dims: int = 0) -> Value:
    shape = list(x.shape)
    shape[axis] = len(indices)
    inputs = [x, n.constant(indices, DType.INT32)]
    options = GatherOptions(axis, batch_dims)
    return n.op(OpCode.GATHER, inputs, shape, options=options, version=2)


def test_before_a_convolution() -> None:
    n = Kit()
    x = n.relu(n.feed(1, 4, 4, 8))
    n.output(n.conv2d(gather(n, x, SHUFFLED), 5, (3, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.opcode.label for op in copy.main.ops] == ["RELU", "CONV_2D"]


@pytest.mark.parametrize("order", [[7, 0, 1, 2, 3, 4, 5, 6], [3, 0, 2, 1, 7, 5, 6, 4]])
def test_with_what_treats_channels_alike_between(order: list[int]) -> None:
    n = Kit()
    x = gather(n, n.relu(n.feed(1, 4, 4, 8)), order)
    n.output(n.conv2d(n.relu(x), 3, (1, 1)))
    check_rule(n.model, RULE, hits=1)


def test_two_in_a_row() -> None:
    n = Kit()
    x = gather(n, gather(n, n.relu(n.feed(1, 4, 4, 8)), SHUFFLED), SHUFFLED[::-1])
    n.output(n.conv2d(x, 3, (1, 1)))
    copy = check_rule(n.model, RULE)
    assert [op.opcode.label for op in copy.main.ops][-1] == "CONV_2D"


@pytest.mark.parametrize(
    ("indices", "axis"), [([0, 1, 2, 3], 3), ([0] * 8, 3), ([3, 1, 2, 0], 1), ([3, 1, 2, 0], 2)]
)
def test_leaves_alone_what_permutes_no_channels(indices: list[int], axis: int) -> None:
    n = Kit()
    n.output(n.conv2d(gather(n, n.relu(n.feed(1, 4, 4, 8)), indices, axis), 2, (1, 1)))
    check_leaves_alone(n.model, RULE)


def test_a_reader_that_sums_nothing_up() -> None:
    n = Kit()
    x = n.relu(n.feed(1, 4, 4, 8))
    n.output(n.relu(gather(n, x, SHUFFLED)))
    told = "no single chain of readers ends at weights that could be reordered"
    check_declines(n.model, RULE, told)


def test_two_readers() -> None:
    n = Kit()
    y = gather(n, n.relu(n.feed(1, 4, 4, 8)), SHUFFLED)
    n.output(n.conv2d(y, 2, (1, 1)), n.relu(y))
    told = "no single chain of readers ends at weights that could be reordered"
    check_declines(n.model, RULE, told)
