"""``dilate-flat-kernel``: a depthwise kernel of one row or column without scratch."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Config, Goal
from tflopt.ir import Padding
from tflopt.rules.forms.dilate_flat_kernel import DilateFlatKernel
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.search.worth import Worth
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.runtime
RULE = DilateFlatKernel(Always())


def flat(
    kernel: tuple[int, int] = (9, 1),
    *,
    padding: Padding = Padding.VALID,
    multiplier: int = 1,
    stride: tuple[int, int] = (1, 1),
) -> Kit:
    n = Kit()
    x = n.feed(1, 9, 10, 8)
    y = n.depthwise(x, kernel, padding=padding, multiplier=multiplier, stride=stride)
    n.output(y)
    return n


def test_rewrites() -> None:
    check_rule(
        flat().model,
        RULE,
        """
        graph(%0: i8[1,9,10,8]{0.05,3}) -> %1
          %1: i8[1,1,10,8]{0.05,3} = DEPTHWISE_CONV_2D(%0, const i8[1,9,1,8]{per-channel 3}, const i32[8]{per-channel 0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1 dilation_w_factor=2
        """,  # noqa: E501
        hits=1,
    )


@pytest.mark.parametrize("kernel", [(9, 1), (1, 4), (1, 1)])
@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
def test_the_window_keeps_its_place(
    kernel: tuple[int, int], padding: Padding, stride: tuple[int, int]
) -> None:
    check_rule(flat(kernel, padding=padding, stride=stride, multiplier=2).model, RULE, hits=1)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_memory_is_what_it_is_for(core: str) -> None:
    device = Device.of(core)
    sizes, codes = [], []
    for goal in (Goal.BALANCED, Goal.MEMORY):
        model = flat().model
        run_pipeline(model, Selection(), Config(goal=goal, device=device))
        sizes.append(memory_of(model, device).arena.minimum_bytes)
        codes.append([op.options for op in model.main.ops])
    assert sizes[1] < sizes[0]
    assert "dilation_w_factor=1" in str(codes[0])
    assert "dilation_w_factor=2" in str(codes[1])


def test_declines_where_nothing_is_gained() -> None:
    rule = DilateFlatKernel(Never(Goal.MEMORY))
    check_declines_by(flat().model, rule, "the kernel without scratch isn't better")


@pytest.mark.parametrize("goal", [Goal.BALANCED, Goal.SPEED])
def test_is_silent_where_speed_counts(goal: Goal) -> None:
    check_leaves_alone(flat().model, DilateFlatKernel(Worth(goal)))


def test_leaves_alone_a_kernel_of_two_axes() -> None:
    check_leaves_alone(flat((3, 2)).model, RULE)
