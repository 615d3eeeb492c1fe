"""``merge-groups``: one group, by weights of zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Goal
from tflopt.ir import Op, OpCode, Padding
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.merge_groups import MergeGroups
from tflopt.search.worth import Choice, Worth
from tflopt.target import Target
from tflopt.target.device import Device

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


@pytest.mark.parametrize(("pick", "width"), [(0, 32), (1, 16), (2, 8), (3, 4)])
@pytest.mark.parametrize("multiplier", [1, 2])
def test_wide_groups(pick: int, width: int, multiplier: int) -> None:
    n = Kit()
    n.output(n.depthwise(n.feed(1, 9, 1, 32), (5, 1), multiplier=multiplier))
    copy = check_rule(n.model, MergeGroups(Pick(pick=pick)), hits=1)
    weights = copy.main.ops[0].inputs[1]
    assert weights is not None
    assert weights.shape == (32 * multiplier, 5, 1, width)
    assert np.count_nonzero(weights.array()) <= 32 * multiplier * 5


@dataclass(frozen=True)
class Pick(Always):
    """The form of that number, and none of what it gave."""

    def best(self, old: Sequence[Op], sketches: Sequence[Sketch]) -> tuple[Sketch, Choice]:
        """As of a depthwise convolution alone."""
        if old[0].code is OpCode.CONV_2D:
            return sketches[0], Never().compare(old, sketches[0])
        return super().best(old, sketches)

    def compare(self, old: Sequence[Op], sketch: Sketch) -> Choice:
        """As of a depthwise convolution alone."""
        if old[0].code is OpCode.CONV_2D:
            return Never().compare(old, sketch)
        return super().compare(old, sketch)


def test_least_scratch_on_mve() -> None:
    """One pixel of a streaming network: the depthwise kernel's scratch decides the arena."""
    n = Kit()
    n.output(n.depthwise(n.feed(1, 17, 1, 64), (17, 1), padding=Padding.VALID))
    rule = MergeGroups(Worth(Goal.MEMORY, Device(Target.parse("cortex-m55"))))
    before = rule.worth.arena_estimate(n.model)
    copy = check_rule(n.model, rule, hits=1)
    assert rule.worth.arena_estimate(copy) < before - 3500
    weights = copy.main.ops[0].inputs[1]
    assert weights is not None
    assert weights.shape[3] < 64


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
