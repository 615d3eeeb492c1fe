"""fold-pad-into-taps: a PAD along time, or zeros at the end of the kernel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.windows import Windows, image, padded_layers
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Goal
from tflopt.ir import Model, OpCode
from tflopt.rules.forms.fold_pad_into_taps import FoldPadIntoTaps
from tflopt.rules.pipeline import run_pipeline
from tflopt.search.worth import Worth
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = FoldPadIntoTaps(Always())


def samples(channels: int = 1, kernel: int = 7) -> Model:
    """PyTorch's ``Conv1d(1, 16, 7, stride=2, padding=3)`` on the samples of a sensor."""
    n = Windows()
    x = n.pad(n.feed(1, 128, 1, channels), *image((kernel // 2, kernel // 2), (0, 0)))
    n.output(n.conv2d(x, 16, (kernel, 1), stride=(2, 1)))
    return n.model


def test_a_tap_more() -> None:
    copy = check_rule(
        samples(),
        RULE,
        """
        graph(%0: i8[1,128,1,1]{0.05,3}) -> %1
          %1: i8[1,64,1,16]{0.05,3} = CONV_2D(%0, const i8[16,8,1,1]{per-channel 0}, \
const i32[16]{per-channel 0}) stride_w=1 stride_h=2
        """,
        hits=1,
    )
    assert not copy.main.ops[0].operand(1).array()[:, 7].any()


@pytest.mark.parametrize("depthwise", [False, True])
def test_every_extension_is_right(depthwise: bool) -> None:
    """Sizes, strides, dilations and uneven paddings; compared on both runtimes."""
    n = padded_layers([(1, 1), (2, 0), (2, 1), (1, 3)], depthwise)
    copy = check_rule(n.model, RULE)
    left = sum(op.code is OpCode.PAD for op in copy.main.ops)
    assert 0 < left < 40


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_one_channel_along_time_pays(core: str) -> None:
    rule = FoldPadIntoTaps(Worth(Goal.SPEED, Device.of(core)))
    check_rule(samples(), rule, hits=1)
    check_declines_by(samples(16, 3), rule, "a kernel with zero taps isn't better")


def test_an_image_keeps_its_pad() -> None:
    """A third more taps cost more than a copy."""
    n = Windows()
    x = n.pad(n.feed(1, 32, 32, 8), *image((1, 1)))
    n.output(n.depthwise2d(x, stride=(2, 2)))
    run_pipeline(n.model)
    assert [op.code for op in n.model.main.ops] == [OpCode.PAD, OpCode.DEPTHWISE_CONV_2D]


def test_declines() -> None:
    check_declines_by(samples(), FoldPadIntoTaps(Never()), "a kernel with zero taps isn't better")


def memory(n: Windows) -> FoldPadIntoTaps:
    """Another rule decides there."""
    n.output(n.conv2d(n.pad(n.feed(1, 9, 1, 2), *image((1, 1), (0, 0))), 2, (3, 1), stride=(2, 1)))
    return FoldPadIntoTaps(Worth(Goal.MEMORY))


def two_readers(n: Windows) -> FoldPadIntoTaps:
    x = n.pad(n.feed(1, 8, 1, 2), *image((1, 1), (0, 0)))
    for channels in (2, 3):
        n.output(n.conv2d(x, channels, (3, 1), stride=(2, 1)))
    return RULE


def other_value(n: Windows) -> FoldPadIntoTaps:
    x = n.padv2(n.feed(1, 8, 1, 2), 7, *image((1, 1), (0, 0)))
    n.output(n.conv2d(x, 2, (3, 1), stride=(2, 1)))
    return RULE


@pytest.mark.parametrize("build", [memory, two_readers, other_value])
def test_leaves_alone(build: Callable[[Windows], FoldPadIntoTaps]) -> None:
    n = Windows()
    check_leaves_alone(n.model, build(n))
