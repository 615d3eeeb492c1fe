"""``fill-dilation``: zeros between the taps of a dilated depthwise kernel."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.ir import Padding
from tflopt.rules.forms.fill_dilation import FillDilation

pytestmark = pytest.mark.runtime
RULE = FillDilation(Always())


def dilated(dilation: tuple[int, int], padding: Padding = Padding.SAME) -> Kit:
    n = Kit()
    x = n.feed(1, 9, 8, 3)
    n.output(n.depthwise(x, (3, 2), dilation=dilation, padding=padding))
    return n


def test_rewrites() -> None:
    copy = check_rule(
        dilated((2, 1)).model,
        RULE,
        """
        graph(%0: i8[1,9,8,3]{0.05,3}) -> %1
          %1: i8[1,9,8,3]{0.05,3} = DEPTHWISE_CONV_2D(%0, const i8[1,5,2,3]{per-channel 3}, const i32[3]{per-channel 0}) stride_w=1 stride_h=1 depth_multiplier=1
        """,  # noqa: E501
        hits=1,
    )
    weights = copy.main.ops[0].inputs[1]
    assert weights is not None
    assert not weights.array()[:, 1::2].any()


@pytest.mark.parametrize("dilation", [(1, 2), (2, 2), (3, 4)])
@pytest.mark.parametrize("padding", list(Padding))
def test_the_window_keeps_its_place(dilation: tuple[int, int], padding: Padding) -> None:
    check_rule(dilated(dilation, padding).model, RULE, hits=1)


def test_declines() -> None:
    rule = FillDilation(Never())
    check_declines_by(dilated((2, 2)).model, rule, "the kernel filled with zeros isn't better")


def test_leaves_alone_an_undilated_kernel() -> None:
    check_leaves_alone(dilated((1, 1)).model, RULE)
