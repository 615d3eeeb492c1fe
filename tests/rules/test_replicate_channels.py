"""``replicate-channels``: the producer emits each channel several times."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.ir import Activation
from tflopt.rules.forms.replicate_channels import ReplicateChannels

pytestmark = pytest.mark.runtime
RULE = ReplicateChannels(Always())


def chain(multiplier: int = 2, *, per_channel: bool = True) -> Kit:
    n = Kit()
    x = n.conv2d(n.feed(1, 5, 5, 2), 3, (1, 1), activation=Activation.RELU, per_channel=per_channel)
    n.output(n.depthwise(x, multiplier=multiplier))
    return n


def test_rewrites() -> None:
    copy = check_rule(
        chain().model,
        RULE,
        """
        graph(%0: i8[1,5,5,2]{0.05,3}) -> %2
          %1: i8[1,5,5,6]{0.05,3} = CONV_2D(%0, const i8[6,1,1,2]{per-channel 0}, const i32[6]{per-channel 0}) stride_w=1 stride_h=1 fused_activation_function=RELU
          %2: i8[1,5,5,6]{0.05,3} = DEPTHWISE_CONV_2D(%1, const i8[1,3,3,6]{per-channel 3}, const i32[6]{per-channel 0}) stride_w=1 stride_h=1 depth_multiplier=1
        """,  # noqa: E501
        hits=1,
    )
    bias = copy.main.ops[0].operand(2)
    assert bias.ints() == (1918, 1918, -1677, -1677, -853, -853)


@pytest.mark.parametrize("multiplier", [2, 3, 7])
@pytest.mark.parametrize("per_channel", [True, False])
def test_multipliers(multiplier: int, per_channel: bool) -> None:
    check_rule(chain(multiplier, per_channel=per_channel).model, RULE, hits=1)


def test_declines() -> None:
    check_declines_by(chain().model, ReplicateChannels(Never()), "replicated channels isn't better")
    n = Kit()
    x = n.conv2d(n.feed(1, 5, 5, 2), 3)
    n.output(n.depthwise(x, multiplier=2), n.relu(x))
    check_declines_by(n.model, RULE, "another operator reads the depthwise convolution's input")


def test_leaves_alone() -> None:
    n = Kit()
    n.output(n.depthwise(n.relu(n.feed(1, 4, 4, 2)), multiplier=2))
    n.output(n.depthwise(n.conv2d(n.feed(1, 4, 4, 2), 2)))
    check_leaves_alone(n.model, RULE)
