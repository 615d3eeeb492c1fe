"""``depthwise-to-conv``: one input channel, or a depth multiplier."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.ir import Activation, DType, OpCode, Padding
from tflopt.rules.forms.depthwise_to_conv import DepthwiseToConv

pytestmark = pytest.mark.runtime
RULE = DepthwiseToConv(Always())


def layer(channels: int, multiplier: int, **options: object) -> Kit:
    n = Kit()
    x = n.feed(1, 6, 6, channels)
    n.output(n.depthwise(x, multiplier=multiplier, **options))  # type: ignore[arg-type]
    return n


def test_rewrites() -> None:
    check_rule(
        layer(1, 4, stride=(2, 1), activation=Activation.RELU).model,
        RULE,
        """
        graph(%0: i8[1,6,6,1]{0.05,3}) -> %1
          %1: i8[1,3,6,4]{0.05,3} = CONV_2D(%0, const i8[4,3,3,1]{per-channel 0}, const i32[4]{per-channel 0}) stride_w=1 stride_h=2 fused_activation_function=RELU
        """,  # noqa: E501
        hits=1,
    )


@pytest.mark.parametrize(("channels", "multiplier"), [(1, 1), (1, 40), (3, 2), (8, 5)])
@pytest.mark.parametrize("padding", list(Padding))
def test_multipliers_become_groups(channels: int, multiplier: int, padding: Padding) -> None:
    n = layer(channels, multiplier, padding=padding, dilation=(2, 1))
    copy = check_rule(n.model, RULE, hits=1)
    assert copy.main.ops[0].code is OpCode.CONV_2D


def test_a_missing_bias_becomes_zeros() -> None:
    """LiteRT's CONV_2D refuses to go without."""
    n = layer(1, 3)
    op = n.graph.ops[0]
    op.set_inputs(op.inputs[:2])
    bias = check_rule(n.model, RULE, hits=1).main.ops[0].inputs[2]
    assert bias is not None
    assert not bias.array().any()


def test_declines() -> None:
    check_declines_by(layer(1, 2).model, DepthwiseToConv(Never()), "CONV_2D isn't better")
    n = Kit()
    n.output(n.depthwise(n.input((1, 4, 4, 1), DType.INT16, (0.001, 0)), multiplier=2))
    check_declines_by(n.model, RULE, "only int8 convolutions are compared")


def test_leaves_alone_what_cmsis_nn_has_a_fast_function_for() -> None:
    check_leaves_alone(layer(4, 1).model, RULE)
