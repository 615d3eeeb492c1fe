"""``split-groups``: SPLIT, a convolution for each group, CONCATENATION."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.hazards import hazard_model
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.rules.forms.split_groups import SplitGroups
from tflopt.target.cmsis_nn.versions import V7_0_0
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = SplitGroups(Always())


def grouped(groups: int, *, per_channel: bool = True) -> Kit:
    n = Kit()
    x = n.feed(1, 4, 4, 2 * groups)
    n.output(n.conv2d(x, 3 * groups, groups=groups, per_channel=per_channel))
    return n


def test_rewrites() -> None:
    copy = check_rule(
        grouped(2).model,
        RULE,
        """
        graph(%0: i8[1,4,4,4]{0.05,3}) -> %5
          %1: i8[1,4,4,2]{0.05,3}, %2: i8[1,4,4,2]{0.05,3} = SPLIT([3], %0) num_splits=2
          %3: i8[1,4,4,3]{0.05,3} = CONV_2D(%1, const i8[3,3,3,2]{per-channel 0}, const i32[3]{per-channel 0}) stride_w=1 stride_h=1
          %4: i8[1,4,4,3]{0.05,3} = CONV_2D(%2, const i8[3,3,3,2]{per-channel 0}, const i32[3]{per-channel 0}) stride_w=1 stride_h=1
          %5: i8[1,4,4,6]{0.05,3} = CONCATENATION(%3, %4) axis=3
        """,  # noqa: E501
        hits=1,
    )
    assert [op.operand(2).ints() for op in copy.main.ops[1:3]] == [
        (1918, -1677, -853),
        (-390, -1084, 405),
    ]
    quants = [op.operand(2).quant for op in copy.main.ops[1:3]]
    assert all(each is not None and each.count == 3 for each in quants)


@pytest.mark.parametrize("groups", [2, 3, 10])
@pytest.mark.parametrize("per_channel", [True, False])
def test_groups(groups: int, per_channel: bool) -> None:
    check_rule(grouped(groups, per_channel=per_channel).model, RULE, hits=1)


def test_declines() -> None:
    check_declines_by(grouped(2).model, SplitGroups(Never()), "2 CONV_2D isn't better")
    check_declines_by(grouped(11).model, RULE, "CONCATENATION takes 10 inputs, not 11")


def test_leaves_alone() -> None:
    check_leaves_alone(grouped(1).model, RULE)


def test_takes_what_the_device_computes_right_whatever_it_costs() -> None:
    """CMSIS-NN 7.0.0 asks for too little scratch where a 1x1 kernel has groups."""
    old = Device.of("cortex-m55", V7_0_0)
    model = hazard_model("grouped-conv-scratch")
    check_rule(model, SplitGroups(replace(Never(), device=old)), hits=1)
    for worth in (Never(), replace(Never(), device=old, route_around=False)):
        rule = SplitGroups(worth)
        check_declines_by(hazard_model("grouped-conv-scratch"), rule, "2 CONV_2D isn't")
