"""``merge-twin-channels``: equal channels are computed once."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.planted import set_data, twin, weights_of
from tflopt.ir import Activation, Model, OpCode, Value
from tflopt.ir.clone import clone
from tflopt.rules.channels.merge_twin_channels import MergeTwinChannels
from tflopt.rules.channels.remove_channels import RemoveChannels
from tflopt.rules.channels.twins import twins_of

pytestmark = pytest.mark.runtime
RULE = MergeTwinChannels()


def source(n: Kit) -> Value:
    """A layer whose channel 4 equals channel 1."""
    x = n.conv2d(n.feed(1, 6, 5, 3), 6, activation=Activation.RELU)
    twin(x, 4, 1)
    return x


def halved(value: Value) -> Value:
    """The weights of a layer made small enough for their sums."""
    assert value.producer is not None
    weights = weights_of(value.producer)
    set_data(weights, weights.array() // 2)
    return value


def widths(model: Model) -> list[int]:
    return [op.output.shape[-1] for op in model.main.ops]


def test_rewrites() -> None:
    n = Kit()
    n.output(halved(n.conv2d(source(n), 3)))
    copy = check_rule(n.model, RULE, hits=1, together_with=[RemoveChannels()])
    assert widths(copy) == [5, 3]


def test_through_what_handles_channels_alike() -> None:
    n = Kit()
    x = n.depthwise(source(n), (3, 3))
    twin(x, 4, 1)
    x = n.pool(OpCode.AVERAGE_POOL_2D, n.unary(OpCode.TANH, x, quant=(1 / 128, 0)), (2, 2))
    x = n.pad(n.binary(OpCode.ADD, x, x), (0, 0), (1, 0), (0, 0), (0, 0))
    x = n.binary(OpCode.MUL, x, n.level((1, 1, 1, 1)))
    x = n.reduce(OpCode.MEAN, x, [1, 2], keep=False)
    n.output(halved(n.fully_connected(x, 4)))
    copy = check_rule(n.model, RULE, hits=1, together_with=[RemoveChannels()])
    assert set(widths(copy)[:-1]) == {5}


def test_columns_of_a_dense_layer() -> None:
    n = Kit()
    n.output(halved(n.fully_connected(n.reshape(source(n), 1, 180), 4)))
    copy = check_rule(n.model, RULE, hits=1, together_with=[RemoveChannels()])
    assert widths(copy)[0] == 5


def test_a_column_of_zeros_at_one_place() -> None:
    """Channel 1 is multiplied by zero at one place, and read everywhere else."""
    n = Kit()
    y = halved(n.fully_connected(n.reshape(source(n), 1, 180), 4))
    assert y.producer is not None
    data = weights_of(y.producer).array().copy()
    data[:, 6 * 7 + 1] = 0
    set_data(weights_of(y.producer), data)
    n.output(y)
    copy = check_rule(n.model, RULE, hits=1, together_with=[RemoveChannels()])
    assert widths(copy)[0] == 5


def test_leaves_alone_sums_that_are_no_weights() -> None:
    n = Kit()
    y = n.conv2d(source(n), 3)
    assert y.producer is not None
    weights = weights_of(y.producer)
    data = weights.array().copy()
    data[0, 0, 0, [1, 4]] = 64
    set_data(weights, data)
    n.output(y)
    check_leaves_alone(n.model, RULE)


@pytest.mark.parametrize("what", ["weights", "bias", "depthwise", "operand"])
def test_leaves_alone_channels_that_differ(what: str) -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 6) if what in ("weights", "bias") else source(n)
    assert x.producer is not None
    if what == "bias":
        twin(x, 4, 1)
        bias = x.producer.inputs[2]
        assert bias is not None
        numbers = bias.array().copy()
        numbers[4] += 1
        set_data(bias, numbers)
    if what == "depthwise":
        x = n.depthwise(x)
    if what == "operand":
        x = n.binary(OpCode.ADD, x, n.level((1, 1, 1, 6)))
    n.output(halved(n.conv2d(x, 3)))
    check_leaves_alone(n.model, RULE)


def test_leaves_alone_where_nothing_could_go() -> None:
    n = Kit()
    x = source(n)
    n.output(halved(n.conv2d(x, 3)), x)
    check_leaves_alone(n.model, RULE)


@pytest.mark.parametrize("path", ["slice", "split", "concat", "pad"])
def test_through_what_moves_channels(path: str) -> None:
    n = Kit()
    x = source(n)
    if path == "slice":
        x = n.slice(x, (0, 0, 0, 1), (1, 6, 5, 5))
    if path == "split":
        x = n.concat(*n.split(x, 2, 1), axis=1)
    if path == "concat":
        one, two = n.split(x, 2, 3)
        x = n.concat(two, n.feed(1, 6, 5, 2), one, axis=3)
    if path == "pad":
        x = n.pad(x, (0, 0), (0, 1), (0, 0), (1, 0))
    n.output(halved(n.conv2d(x, 3)))
    check_rule(n.model, RULE, hits=1, together_with=[RemoveChannels()])


def test_columns_are_compared_once_for_all_clones(monkeypatch: pytest.MonkeyPatch) -> None:
    n = Kit()
    n.output(halved(n.conv2d(source(n), 3)))
    first, compared = twins_of(n.graph), list[int]()
    monkeypatch.setattr(np, "moveaxis", lambda data, *_: compared.append(data.size))
    again = twins_of(clone(n.model).main)
    assert not compared
    labels = [[list(each) for each in known.labels.values()] for known in (first, again)]
    assert labels[0] == labels[1]
    assert len(first.pairs) == 1
