"""remove-channels: what stays, what is shared, groups and sixteen bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.rules.test_remove_channels import RELU, RULE, VALID, after, source, widths
from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.paths import TESTDATA
from tests.support.planted import bias_of, ignore, kill, saturate, weights_of
from tflopt.config import Goal
from tflopt.io.files import load
from tflopt.ir import DType, OpCode, Value
from tflopt.rules.channels.weigh import choose
from tflopt.search.worth import Worth
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime


def test_leaves_alone_what_the_caller_sees() -> None:
    n = Kit()
    x = source(n)
    n.output(x, n.conv2d(x, 2, (1, 1)))
    check_leaves_alone(n.model, RULE)


def test_leaves_alone_what_all_vary() -> None:
    n = Kit()
    n.output(n.conv2d(n.depthwise(n.conv2d(n.feed(1, 6, 5, 3), 6)), 2, (1, 1)))
    check_leaves_alone(n.model, RULE)


def test_leaves_alone_what_mixes_channels() -> None:
    n = Kit()
    x = source(n)
    n.output(n.conv2d(n.softmax(x), 2, (1, 1)))
    check_leaves_alone(n.model, RULE)


def test_a_constant_shared_with_an_operator_that_keeps_its_channels() -> None:
    """That operator goes on reading all of it."""
    n = Kit()
    x, level = source(n), n.level((1, 1, 1, 6))
    y = n.binary(OpCode.MUL, n.feed(1, 6, 5, 6), level)
    n.output(n.conv2d(n.binary(OpCode.ADD, x, level), 3, (1, 1)), y)
    copy = check_rule(n.model, RULE, hits=1)
    read = {op.code: weights_of(op).shape[-1] for op in copy.main.ops}
    assert (read[OpCode.ADD], read[OpCode.MUL]) == (4, 6)


def test_a_constant_shared_with_one_that_is_held() -> None:
    """A model output holds all that it joins along the height, also the constant."""
    n = Kit()
    rows = np.broadcast_to(np.arange(6, dtype=np.int8), (1, 6, 5, 6))
    x, level = source(n), n.constant(rows, DType.INT8, quant=(0.05, 3))
    y = n.concat(n.feed(1, 6, 5, 6), level, axis=1)
    n.output(n.conv2d(n.binary(OpCode.ADD, x, level), 3, (1, 1)), y)
    copy = check_rule(n.model, RULE, hits=1)
    assert widths(copy)[0] == 4
    joined = next(op for op in copy.main.ops if op.code is OpCode.CONCATENATION)
    assert joined.inputs[1] is not None
    assert joined.inputs[1].shape == (1, 6, 5, 6)


def grouped(n: Kit, x: Value, dead: Sequence[int]) -> Value:
    """Three groups, of which each makes four channels of two."""
    y = n.conv2d(x, 12, (1, 1), groups=3, activation=RELU)
    saturate(y, dead)
    return y


def test_a_group_goes_as_a_whole() -> None:
    """The last of three groups is constant; what only it reads isn't computed either."""
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 6, (1, 1))
    copy = check_rule(after(n, grouped(n, x, range(8, 12))), RULE, hits=1)
    assert widths(copy) == [4, 8, 3]


def test_leaves_alone_parts_of_groups() -> None:
    """Groups have one size; and none can go whose input is read elsewhere."""
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 6, (1, 1))
    check_leaves_alone(after(n, grouped(n, x, [0, 5, 10])), RULE)
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 6, (1, 1))
    n.output(x)
    check_leaves_alone(after(n, grouped(n, x, range(8, 12))), RULE)


def test_leaves_alone_a_bias_that_would_overflow() -> None:
    n = Kit()
    x = source(n)
    y = n.conv2d(x, 3, (1, 1))
    saturate(y, [0], (1 << 31) - 1)
    n.output(y)
    check_leaves_alone(n.model, RULE)


def test_open_batches() -> None:
    n = Kit()
    x = source(n)
    flat = n.reshape(x, 1, 180)
    for value in (n.graph.inputs[0], x, flat):
        value.extra.shape_signature = (-1, *value.shape[1:])
    n.output(n.fully_connected(flat, 3))
    copy = check_rule(n.model, RULE, hits=1)
    signatures = [op.output.extra.shape_signature for op in copy.main.ops[:2]]
    assert signatures == [(-1, 6, 5, 4), (-1, 120)]


def sixteen(n: Kit, *shape: int) -> Value:
    return n.input(shape, DType.INT16, (3e-4, 0))


def test_sixteen_bits() -> None:
    """Activations of int16: what is constant goes into a bias of int64, what is unread goes."""
    n, quant = Kit(), (3e-4, 0)
    x = n.conv2d(sixteen(n, 1, 6, 5, 3), 6, (1, 1), activation=RELU, quant=quant)
    kill(x, [1])
    saturate(x, [1], 900)
    saturate(x, [4])
    y = n.conv2d(x, 4, (3, 3), padding=VALID, quant=quant)
    z = n.conv2d(n.depthwise(y, (1, 1), quant=quant), 3, (1, 1), quant=quant)
    ignore(z, [2])
    n.output(n.fully_connected(n.reshape(z, 1, 36), 2, quant=quant))
    old = bias_of(n.model.main.ops[1]).array()
    copy = check_rule(n.model, RULE, hits=1, runners=("tflm",))
    assert widths(copy)[:4] == [4, 3, 3, 3]
    new = bias_of(copy.main.ops[1]).array()
    assert new.dtype == np.int64
    assert not np.array_equal(new, old[[0, 1, 3]])


def test_leaves_alone_sixteen_bits_with_other_biases() -> None:
    """A bias of int32 has other sums."""
    n, quant = Kit(), (3e-4, 0)
    x = n.conv2d(sixteen(n, 1, 6, 5, 3), 6, (1, 1), activation=RELU, quant=quant)
    saturate(x, [4])
    op = x.producer
    assert op is not None
    small = n.constant(np.clip(bias_of(op).array(), -(1 << 31), 1 << 30), DType.INT32)
    op.set_inputs([*op.inputs[:2], small])
    n.output(n.conv2d(x, 4, (3, 3), padding=VALID, quant=quant))
    check_leaves_alone(n.model, RULE)


def test_a_group_for_each_channel_counts_as_the_depthwise_layer_that_it_becomes() -> None:
    """As CONV_2D fewer groups are faster; CMSIS-NN's depthwise function takes four at a time."""
    model = load(TESTDATA / "grouped_depthwise.tflite")[0]
    worth = Worth(Goal.SPEED, Device.of("cortex-m4", "4ab83cc"))
    choice = choose(model, 0, worth)
    assert choice.plan is None
    assert any("its kernel is slower" in str(reason) for reason in choice.spared.values())
    assert choose(model, 0, replace(worth, goal=Goal.MEMORY)).plan is not None
