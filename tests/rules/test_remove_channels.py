"""``remove-channels``: what no input can change, and what nobody reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.planted import bias_of, ignore, kill, saturate, set_data, weights_of
from tflopt.ir import Activation, DType, Model, Op, OpCode, Padding, Value
from tflopt.ranges import ranges_of
from tflopt.rules.channels.remove_channels import RemoveChannels

pytestmark = pytest.mark.runtime
RULE = RemoveChannels()
RELU, VALID = Activation.RELU, Padding.VALID


def source(n: Kit, channels: int = 6, activation: Activation = RELU) -> Value:
    """A layer whose channels 1 and 4 are constant."""
    x = n.conv2d(n.feed(1, 6, 5, 3), channels, (1, 1), activation=activation)
    kill(x, [1])
    saturate(x, [1], 900)
    saturate(x, [4])
    return x


def after(n: Kit, x: Value, kernel: tuple[int, int] = (1, 1)) -> Model:
    n.output(n.conv2d(x, 3, kernel, padding=VALID))
    return n.model


def widths(model: Model) -> list[int]:
    return [op.output.shape[-1] for op in model.main.ops]


def test_rewrites() -> None:
    n = Kit()
    check_rule(
        after(n, source(n), (3, 3)),
        RULE,
        """
        graph(%0: i8[1,6,5,3]{0.05,3}) -> %2
          %1: i8[1,6,5,4]{0.05,3} = CONV_2D(%0, const i8[4,1,1,3]{per-channel 0}, const i32[4]{per-channel 0}) stride_w=1 stride_h=1 fused_activation_function=RELU
          %2: i8[1,4,3,3]{0.05,3} = CONV_2D(%1, const i8[3,3,3,4]{per-channel 0}, const i32[3]{per-channel 0}) padding=VALID stride_w=1 stride_h=1
        """,  # noqa: E501
        hits=1,
    )


def test_constants_go_into_the_bias() -> None:
    n = Kit()
    model = after(n, source(n))
    old = bias_of(model.main.ops[1]).array()
    copy = check_rule(model, RULE, hits=1)
    assert not np.array_equal(bias_of(copy.main.ops[1]).array(), old)


def test_a_reader_without_bias_gets_one() -> None:
    n = Kit()
    x = source(n)
    n.output(n.conv2d(x, 3, (1, 1), bias=False))
    copy = check_rule(n.model, RULE, hits=1, runners=("tflm",))  # LiteRT wants a bias
    assert len(copy.main.ops[1].inputs) == 3


def test_unread_channels_go() -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 6)
    y = n.conv2d(x, 3)
    ignore(y, [0, 5])
    n.output(y)
    assert widths(check_rule(n.model, RULE, hits=1)) == [4, 3]


@pytest.mark.parametrize("quant", [(0.05, 3), (0.02, -128)])
def test_padding_is_the_zero_point(quant: tuple[float, int]) -> None:
    """Under SAME a constant that isn't the zero point adds less at the border."""
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 6, (1, 1), activation=RELU, quant=quant)
    kill(x, [1])
    assert x.producer is not None
    bias = bias_of(x.producer).array().copy()
    bias[1] = 1 << 20  # not the zero point
    set_data(bias_of(x.producer), bias)
    saturate(x, [4])  # the zero point, by RELU
    n.output(n.conv2d(x, 3))
    assert widths(check_rule(n.model, RULE, hits=1)) == [5, 3]


def test_a_border_of_zeros_lets_any_constant_go() -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 4, (1, 1))
    kill(x, [1])
    y = n.conv2d(x, 3)
    assert y.producer is not None
    data = weights_of(y.producer).array().copy()
    data[:, [0, 0, 0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 2, 0, 1, 2], 1] = 0
    set_data(weights_of(y.producer), data)
    n.output(y)
    assert widths(check_rule(n.model, RULE, hits=1)) == [3, 3]


def _pool(n: Kit, x: Value) -> Value:
    return n.pool(OpCode.MAX_POOL_2D, x, (2, 2))


def _average(n: Kit, x: Value) -> Value:
    return n.pool(OpCode.AVERAGE_POOL_2D, x, (2, 2), activation=RELU)


def _depthwise(n: Kit, x: Value) -> Value:
    y = n.depthwise(x, (1, 1))
    return n.depthwise(y, (3, 3), padding=VALID, stride=(2, 1), activation=RELU)


def _resize(n: Kit, x: Value) -> Value:
    return n.resize_nearest(x, 12, 10)


def _pad(n: Kit, x: Value) -> Value:
    return n.pad(x, (0, 0), (0, 0), (0, 0), (2, 1))


def _tables(n: Kit, x: Value) -> Value:
    x = n.unary(OpCode.LOGISTIC, x, quant=(1 / 256, -128))
    return n.unary(OpCode.HARD_SWISH, x, quant=(0.02, 5))


def _level(n: Kit, x: Value) -> Value:
    x = n.binary(OpCode.ADD, x, n.level((1, 1, 1, 6)))
    x = n.binary(OpCode.MUL, n.level((6,)), x)
    return n.binary(OpCode.MAXIMUM, x, n.level((1,)))


def _transpose(n: Kit, x: Value) -> Value:
    return n.transpose(n.unary(OpCode.RELU, n.transpose(x, 0, 3, 1, 2)), 0, 2, 3, 1)


def _view(n: Kit, x: Value) -> Value:
    return n.reshape(n.unary(OpCode.RELU, n.reshape(x, 1, 30, 6)), 1, 5, 6, 6)


def _requantize(n: Kit, x: Value) -> Value:
    return n.quantize(x, (0.03, -9))


def _batches(n: Kit, x: Value) -> Value:
    y = n.space_to_batch(x, (2, 1), [(0, 0), (0, 0)])
    return n.batch_to_space(y, (2, 1), [(0, 0), (1, 0)])


ONE_EACH: dict[str, tuple[Callable[[Kit, Value], Value], int]] = {
    "max pool": (_pool, 4),
    "average pool": (_average, 4),
    "depthwise": (_depthwise, 4),
    "resize": (_resize, 4),
    "pad of channels": (_pad, 4),
    "tables": (_tables, 4),
    "constant operands": (_level, 4),
    "transposed": (_transpose, 4),
    "views": (_view, 4),
    "requantized": (_requantize, 4),
    "batches": (_batches, 4),
}


@pytest.mark.parametrize("name", ONE_EACH)
def test_through(name: str) -> None:
    build, left = ONE_EACH[name]
    n = Kit()
    copy = check_rule(after(n, build(n, source(n))), RULE, hits=1)
    assert copy.main.ops[0].output.shape[3] == weights_of(copy.main.ops[-1]).shape[3] == left


def test_through_slices() -> None:
    n = Kit()
    x = source(n)
    y = n.slice(x, (0, 0, 0, 1), (1, 6, 5, 3))
    n.output(n.conv2d(y, 2, (1, 1)), n.conv2d(n.strided(x, (0, 0, 0, 3), (1, 6, 5, 6)), 2, (1, 1)))
    assert widths(check_rule(n.model, RULE, hits=1)) == [3, 2, 2, 2, 2]


def test_what_a_slice_leaves_out_is_not_read() -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 8, (1, 1))
    n.output(n.conv2d(n.slice(x, (0, 0, 0, 2), (1, 6, 5, 3)), 2, (1, 1)))
    assert widths(check_rule(n.model, RULE, hits=1)) == [3, 3, 2]


def test_split_becomes_split_v() -> None:
    """Of an image that is larger than what TFLM needs to plan one more tensor."""
    n = Kit()
    x = n.conv2d(n.feed(1, 12, 10, 3), 6, (1, 1), activation=RELU)
    kill(x, [1, 2, 4])
    n.output(*(n.conv2d(part, 2, (1, 1)) for part in n.split(x, 2, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    split = copy.main.ops[1]
    assert split.code is OpCode.SPLIT_V
    assert [value.shape[3] for value in split.outputs] == [1, 2]


def test_split_stays_where_parts_stay_equal() -> None:
    n = Kit()
    n.output(*(n.conv2d(part, 2, (1, 1)) for part in n.split(source(n), 2, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    assert copy.main.ops[1].code is OpCode.SPLIT
    assert [value.shape[3] for value in copy.main.ops[1].outputs] == [2, 2]


def test_concatenation_of_several() -> None:
    n = Kit()
    x, side = source(n), n.feed(1, 6, 5, 2)
    y = n.concat(x, side, n.level((1, 6, 5, 1)), n.conv2d(side, 2, (1, 1)), axis=3)
    assert widths(check_rule(after(n, y), RULE, hits=1)) == [4, 2, 9, 3]


def test_a_residual_sum_loses_channels_in_all_branches_only() -> None:
    n = Kit()
    x = n.feed(1, 6, 5, 3)
    one = n.conv2d(x, 6, (1, 1), activation=RELU)
    two = n.conv2d(one, 6)
    saturate(one, [0, 1, 2])
    kill(two, [2, 3])
    n.output(n.conv2d(n.binary(OpCode.ADD, one, two), 3, (1, 1)))
    assert widths(check_rule(n.model, RULE, hits=1)) == [5, 5, 5, 3]


def test_a_sum_that_saturates_goes_though_its_parts_vary() -> None:
    n = Kit()
    x = n.feed(1, 6, 5, 3)
    parts = [n.conv2d(x, 4, (1, 1)) for _ in range(2)]
    y = n.binary(OpCode.ADD, *parts, quant=(0.05, 3))
    low = n.constant(np.array([[[[-128, 127, -128, -128]]]]), DType.INT8, quant=(0.05, 3))
    y = n.binary(OpCode.MAXIMUM, y, low)
    n.output(n.conv2d(y, 3, (1, 1)))
    assert widths(check_rule(n.model, RULE, hits=1)) == [3, 3, 3, 3, 3]


@pytest.mark.parametrize("flat", [True, False])
def test_columns_of_a_dense_layer(flat: bool) -> None:
    n = Kit()
    x = source(n)
    if flat:
        x = n.reshape(x, 1, 180)
    weights = n.weights((4, 180), 180, x, (0.05, 3))
    y = n.fully_connected(n.feed(1, 180), 4)
    assert y.producer is not None
    y.producer.set_inputs([x, weights, y.producer.inputs[2]])
    n.output(y)
    copy = check_rule(n.model, RULE, hits=1)
    assert weights_of(copy.main.ops[-1]).shape == (4, 120)


def test_dense_layers() -> None:
    n = Kit()
    x = n.fully_connected(n.feed(2, 9), 8, activation=RELU)
    saturate(x, [0, 7])
    y = n.fully_connected(x, 5, keep_num_dims=True)
    ignore(y, [3])
    n.output(y)
    assert widths(check_rule(n.model, RULE, hits=1)) == [5, 5]


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("code", [OpCode.MEAN, OpCode.SUM, OpCode.REDUCE_MAX])
def test_reductions(code: OpCode, keep: bool) -> None:
    n = Kit()
    y = n.reduce(code, source(n), [1, 2], keep=keep)
    n.output(n.fully_connected(y if not keep else n.reshape(y, 1, 6), 3))
    runners = ("tflm",) if code is OpCode.SUM else ("tflm", "litert")
    assert widths(check_rule(n.model, RULE, hits=1, runners=runners))[:2] == [4, 4]


def test_depth_multipliers() -> None:
    n = Kit()
    x = n.depthwise(n.feed(1, 6, 5, 1), multiplier=5, activation=RELU)
    saturate(x, [0, 3])
    y = n.depthwise(x, multiplier=2)
    kill(y, [2, 3, 5])  # of channels that vary: 1, whole, and half of 2
    copy = check_rule(after(n, y), RULE, hits=1)
    assert widths(copy) == [2, 4, 3]


def test_transposed_convolutions() -> None:
    n = Kit()
    x = source(n)
    y = n.transpose_conv(x, 4, (2, 2), (2, 2), VALID, (0.05, 3))
    kill(y, [2])
    copy = check_rule(after(n, y), RULE, hits=1)
    assert widths(copy)[1] == 3


def test_one_channel_stays() -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 6, (1, 1))
    kill(x, range(6))
    assert widths(check_rule(after(n, x), RULE, hits=1)) == [1, 3]


def test_an_odd_value_of_one_input_keeps_a_channel() -> None:
    """Constant but for the largest input of all."""
    n = Kit()
    x = n.conv2d(n.input((1, 4, 4, 1), quant=(0.05, -128)), 3, (1, 1), activation=RELU)
    op = x.producer
    assert op is not None
    data = weights_of(op).array().copy()
    data[1] = 127
    set_data(weights_of(op), data)
    n.output(n.conv2d(x, 2, (1, 1)))
    for bias, left in ((_first_that_reaches(n, op) - 1, 2), (_first_that_reaches(n, op), 3)):
        saturate(x, [1], bias)
        if left == 2:
            assert widths(check_rule(n.model, RULE, hits=1)) == [2, 2]
        else:
            check_leaves_alone(n.model, RULE)


def _first_that_reaches(n: Kit, op: Op) -> int:
    """The least bias with which the largest input leaves the lower clamp of channel 1."""
    low, high = -(1 << 24), 0
    while high - low > 1:
        middle = (low + high) // 2
        saturate(op.output, [1], middle)
        bounds = ranges_of(n.graph).along(op.output, 3)
        assert bounds is not None
        low, high = (low, middle) if bounds[1][1] > bounds[0][1] else (middle, high)
    return high
