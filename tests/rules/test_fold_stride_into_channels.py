"""fold-stride-into-channels: neighbouring pixels as the channels of one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.windows import Windows, image
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Goal
from tflopt.ir import Model, OpCode, Padding
from tflopt.rules.forms.fold_stride_into_channels import FoldStrideIntoChannels
from tflopt.rules.pipeline import run_pipeline
from tflopt.search.worth import Worth
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = FoldStrideIntoChannels(Always())


def first_layer(padding: Padding = Padding.SAME) -> Model:
    """5x5 with a stride of 2 on an image of three colours."""
    n = Windows()
    x = n.feed(1, 8, 12, 3)
    n.output(n.conv2d(x, 4, (5, 5), stride=(2, 2), padding=padding))
    return n.model


def test_two_columns_become_one() -> None:
    copy = check_rule(
        first_layer(),
        RULE,
        """
        graph(%0: i8[1,8,12,3]{0.05,3}) -> %2
          %1: i8[1,8,6,6]{0.05,3} = RESHAPE(%0, [1, 8, 6, 6]) new_shape=[1, 8, 6, 6]
          %2: i8[1,4,6,4]{0.05,3} = CONV_2D(%1, const i8[4,5,3,6]{per-channel 0}, \
const i32[4]{per-channel 0}) stride_w=1 stride_h=2
        """,
        hits=1,
    )
    weights = copy.main.ops[1].operand(1).array()
    assert not weights[:, :, 0, :3].any()
    assert weights[:, :, 0, 3:].any()


def test_rows_of_one_column_are_neighbours() -> None:
    n = Windows()
    n.output(n.conv2d(n.feed(2, 12, 1, 5), 3, (5, 1), stride=(3, 1)))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[2,12,1,5]{0.05,3}) -> %2
          %1: i8[2,4,1,15]{0.05,3} = RESHAPE(%0, [2, 4, 1, 15]) new_shape=[2, 4, 1, 15]
          %2: i8[2,3,1,3]{0.05,3} = CONV_2D(%1, const i8[3,2,1,15]{per-channel 0}, \
const i32[3]{per-channel 0}) padding=VALID stride_w=1 stride_h=1
        """,
        hits=1,
    )


def behind_a_pad(number: int | None = None) -> Windows:
    """As TensorFlow's EfficientNets pad: nine columns make no pairs."""
    n = Windows()
    x, amounts = n.feed(1, 8, 8, 3), image((1, 0), (1, 0))
    n.output(
        n.conv2d(
            n.pad(x, *amounts) if number is None else n.padv2(x, number, *amounts), 4, stride=(2, 2)
        )
    )
    return n


def test_a_pad_adds_what_makes_pairs() -> None:
    copy = check_rule(
        behind_a_pad().model,
        RULE,
        """
        graph(%0: i8[1,8,8,3]{0.05,3}) -> %3
          %1: i8[1,9,10,3]{0.05,3} = PAD(%0, [0, 0, 1, 0, 1, 1, 0, 0])
          %2: i8[1,9,5,6]{0.05,3} = RESHAPE(%1, [1, 9, 5, 6]) new_shape=[1, 9, 5, 6]
          %3: i8[1,4,4,4]{0.05,3} = CONV_2D(%2, const i8[4,3,2,6]{per-channel 0}, \
const i32[4]{per-channel 0}) padding=VALID stride_w=1 stride_h=2
        """,
        hits=1,
    )
    assert copy.main.ops[0].operand(1).shape == (4, 2)


def test_what_it_adds_meets_zeros_alone() -> None:
    check_rule(behind_a_pad(100).model, RULE, hits=1)


def test_a_pad_that_something_else_reads_stays() -> None:
    n = behind_a_pad()
    n.output(n.relu(n.graph.ops[0].output))
    check_declines(n.model, RULE, "the input is no multiple of the stride")


def test_every_window_keeps_its_place() -> None:
    """Kernels, strides, sizes and paddings, along both axes; compared on both runtimes."""
    n = Windows()
    expected = 0
    for kernel, stride, padding in product(range(2, 8), (2, 3, 4), Padding):
        n.output(n.conv2d(n.feed(1, 5, 12, 2), 2, (2, kernel), stride=(2, stride), padding=padding))
        n.output(n.conv2d(n.feed(1, 24, 1, 2), 2, (kernel, 1), stride=(stride, 1), padding=padding))
        expected += 2
    copy = check_rule(n.model, RULE)
    assert sum(op.code is OpCode.RESHAPE for op in copy.main.ops) > 0.6 * expected


def test_an_image_pays_where_taps_are_copied_one_by_one() -> None:
    n = Windows()
    n.output(n.conv2d(n.feed(1, 96, 96, 3), 9, (5, 5), stride=(2, 2), padding=Padding.SAME))
    check_rule(n.model, FoldStrideIntoChannels(Worth(Goal.SPEED, Device.of("cortex-m55"))), hits=1)


def test_many_channels_do_not_pay() -> None:
    n = Windows()
    n.output(n.conv2d(n.feed(1, 16, 16, 32), 8, stride=(2, 2), padding=Padding.SAME))
    for core in ("cortex-m4", "cortex-m55"):
        rule = FoldStrideIntoChannels(Worth(Goal.SPEED, Device.of(core)))
        check_declines_by(n.model, rule, "a kernel without stride isn't better")


def test_by_default() -> None:
    """Where other rules have saved the flash that it takes."""
    n = Windows()
    y = n.conv2d(n.feed(1, 96, 96, 3), 9, (5, 5), stride=(2, 2), padding=Padding.SAME)
    for _ in range(5):
        y = n.relu(y)
    n.output(y)
    run_pipeline(n.model)
    assert [op.code for op in n.model.main.ops] == [OpCode.RESHAPE, OpCode.CONV_2D]


def test_declines_where_it_is_no_better() -> None:
    rule = FoldStrideIntoChannels(Never())
    check_declines_by(first_layer(), rule, "a kernel without stride isn't better")


def test_an_odd_width_has_no_pairs() -> None:
    n = Windows()
    n.output(n.conv2d(n.feed(1, 9, 9, 3), 4, stride=(2, 2)))
    check_declines(n.model, RULE, "the input is no multiple of the stride")


def test_declines_half_as_many_products_more() -> None:
    """Of four taps behind one column of padding, three pairs."""
    n = Windows()
    n.output(n.conv2d(n.feed(1, 8, 8, 3), 4, (4, 4), stride=(2, 2), padding=Padding.SAME))
    check_declines(n.model, RULE, "it would multiply too much more")


def no_stride(n: Windows) -> None:
    n.output(n.conv2d(n.feed(1, 8, 8, 3)))


def one_tap(n: Windows) -> None:
    """A stride of one tap skips pixels."""
    n.output(n.conv2d(n.feed(1, 8, 8, 3), 4, (1, 1), stride=(2, 2)))


def dilated(n: Windows) -> None:
    n.output(n.conv2d(n.feed(1, 8, 8, 3), 4, (1, 2), stride=(1, 2), dilation=(1, 2)))


def rows_of_an_image(n: Windows) -> None:
    """Its columns lie between them."""
    n.output(n.conv2d(n.feed(1, 8, 8, 3), 4, (2, 2), stride=(2, 1)))


def open_width(n: Windows) -> None:
    x = n.feed(1, 8, 8, 3)
    x.extra.shape_signature = (1, 8, -1, 3)
    n.output(n.conv2d(x, 4, (2, 2), stride=(2, 2)))


@pytest.mark.parametrize("build", [no_stride, one_tap, dilated, rows_of_an_image, open_width])
def test_leaves_alone(build: Callable[[Windows], None]) -> None:
    n = Windows()
    build(n)
    check_leaves_alone(n.model, RULE)
