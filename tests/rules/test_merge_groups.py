"""``merge-groups``: one group, by weights of zero."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.ir import Padding
from tflopt.rules.forms.merge_groups import MergeGroups

pytestmark = pytest.mark.runtime
RULE = MergeGroups(Always())


def test_rewrites() -> None:
    n = Kit()
    n.output(n.conv2d(n.feed(1, 5, 5, 6), 4, groups=2, padding=Padding.VALID))
    copy = check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,5,5,6]{0.05,3}) -> %1
          %1: i8[1,3,3,4]{0.05,3} = CONV_2D(%0, const i8[4,3,3,6]{per-channel 0}, const i32[4]{per-channel 0}) padding=VALID stride_w=1 stride_h=1
        """,  # noqa: E501
        hits=1,
    )
    weights = copy.main.ops[0].inputs[1]
    assert weights is not None
    assert not weights.array()[:2, :, :, 3:].any()
    assert not weights.array()[2:, :, :, :3].any()


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_a_zero_weight_adds_nothing_at_any_zero_point(zero_point: int, multiplier: int) -> None:
    n = Kit()
    x = n.input((1, 4, 4, 3), quant=(0.05, zero_point))
    n.output(n.depthwise(x, multiplier=multiplier, dilation=(1, 2)))
    check_rule(n.model, RULE, hits=1)


def test_declines() -> None:
    n = Kit()
    n.output(n.depthwise(n.feed(1, 4, 4, 2)))
    check_declines_by(n.model, MergeGroups(Never()), "CONV_2D of one group isn't better")
    n = Kit()
    n.output(n.depthwise(n.feed(1, 3, 3, 256)))
    check_declines_by(n.model, RULE, "one group would take 589,824 weights")


def test_leaves_alone_one_group() -> None:
    n = Kit()
    x = n.feed(1, 4, 4, 2)
    n.output(n.conv2d(x, 3), n.depthwise(n.feed(1, 4, 4, 1), multiplier=2))
    check_leaves_alone(n.model, RULE)
