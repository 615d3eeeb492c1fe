"""``conv-to-depthwise``: groups equal to the input channels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.flash import real_model
from tests.support.graphs import QUANT
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.ir import Activation, DType, OpCode, Padding
from tflopt.ir.options import Conv2DOptions
from tflopt.rules.forms.conv_to_depthwise import ConvToDepthwise
from tflopt.rules.forms.depthwise_to_conv import DepthwiseToConv

pytestmark = pytest.mark.runtime
RULE = ConvToDepthwise(Always())


def grouped(channels: int = 4, multiplier: int = 1, **options: object) -> Kit:
    n = Kit()
    x = n.feed(1, 6, 6, channels)
    n.output(n.conv2d(x, channels * multiplier, groups=channels, **options))  # type: ignore[arg-type]
    return n


def test_rewrites() -> None:
    check_rule(
        grouped(4, 2, activation=Activation.RELU6, stride=(2, 1)).model,
        RULE,
        """
        graph(%0: i8[1,6,6,4]{0.05,3}) -> %1
          %1: i8[1,3,6,8]{0.05,3} = DEPTHWISE_CONV_2D(%0, const i8[1,3,3,8]{per-channel 3}, const i32[8]{per-channel 0}) stride_w=1 stride_h=2 depth_multiplier=2 fused_activation_function=RELU6
        """,  # noqa: E501
        hits=1,
    )


@pytest.mark.parametrize("multiplier", [1, 2, 3, 5])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize("per_channel", [True, False])
def test_every_option_is_kept(
    multiplier: int, dilation: tuple[int, int], padding: Padding, per_channel: bool
) -> None:
    n = grouped(
        3,
        multiplier,
        dilation=dilation,
        padding=padding,
        per_channel=per_channel,
        kernel=(3, 2),
        activation=Activation.RELU,
    )
    copy = check_rule(n.model, RULE, hits=1)
    weights = copy.main.ops[0].inputs[1]
    assert weights is not None
    assert weights.quant is not None
    assert weights.quant.count == (3 * multiplier if per_channel else 1)


@pytest.mark.parametrize("channels", [1, 2, 40])
def test_one_channel_is_depthwise_too(channels: int) -> None:
    n = Kit()
    n.output(n.conv2d(n.feed(1, 5, 5, 1), channels))
    check_rule(n.model, RULE, hits=1)


def test_the_way_back_gives_the_same_weights() -> None:
    n = grouped(4, 3)
    there = check_rule(n.model, RULE, hits=1)
    back = check_rule(there, DepthwiseToConv(Always()), hits=1)
    old, new = n.graph.ops[0].inputs[1], back.main.ops[0].inputs[1]
    assert old is not None
    assert new is not None
    assert (old.array() == new.array()).all()
    assert old.quant == new.quant


def test_the_network_of_grouped_convolutions() -> None:
    copy = check_rule(real_model("grouped_depthwise"), RULE, hits=6)
    assert sum(op.code is OpCode.DEPTHWISE_CONV_2D for op in copy.main.ops) == 6


def too_slow() -> tuple[Kit, ConvToDepthwise, str]:
    return grouped(), ConvToDepthwise(Never()), "DEPTHWISE_CONV_2D isn't better"


def int16() -> tuple[Kit, ConvToDepthwise, str]:
    n = Kit()
    n.output(n.conv2d(n.input((1, 4, 4, 2), DType.INT16, (0.001, 0)), 2, groups=2))
    return n, RULE, "only int8 convolutions are compared"


def wide_without_bias() -> tuple[Kit, ConvToDepthwise, str]:
    reason = "as DEPTHWISE_CONV_2D it meets a defect of the kernels, wide-depthwise-without-bias"
    return grouped(130, bias=False), RULE, reason


@pytest.mark.parametrize("build", [too_slow, int16, wide_without_bias])
def test_declines(build: Callable[[], tuple[Kit, ConvToDepthwise, str]]) -> None:
    n, rule, reason = build()
    check_declines_by(n.model, rule, reason)


def test_leaves_alone_fewer_groups_than_channels() -> None:
    n = Kit()
    x = n.feed(1, 4, 4, 4)
    n.output(n.conv2d(x, 4, groups=2), n.conv2d(x, 4))
    check_leaves_alone(n.model, RULE)


def test_leaves_alone_computed_weights() -> None:
    n = Kit()
    x, weights = n.feed(1, 4, 4, 2), n.feed(2, 3, 3, 1)
    options = Conv2DOptions(Padding.SAME, 1, 1)
    n.output(n.op(OpCode.CONV_2D, [x, weights], x.shape, options=options, quant=QUANT))
    check_leaves_alone(n.model, RULE)
