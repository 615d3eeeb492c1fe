"""hoist-slice-over-window: causal convolutions, and cut images in general."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.windows import Windows, image
from tflopt.facts.work import macs, moved_bytes
from tflopt.ir import Model, OpCode, Padding, Value
from tflopt.rules.movement.hoist_slice_over_window import HoistSliceOverWindow
from tflopt.rules.movement.trim_pad import TrimPad
from tflopt.target.one_row import WRONG_ON_MVE

pytestmark = pytest.mark.runtime
RULE = HoistSliceOverWindow()
Build = Callable[[Windows], None]


def cut(n: Windows, x: Value, first: int, count: int, axis: int = 2) -> None:
    """An output that is ``count`` columns of ``x``."""
    begin, size = [0, 0, 0, 0], list(x.shape)
    begin[axis], size[axis] = first, count
    n.output(n.relu(n.slice(x, begin, size)))


@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_a_symmetric_pad_becomes_a_causal_one(dilation: int) -> None:
    n = Windows()
    reach = 2 * dilation
    x = n.pad(n.relu(n.feed(1, 1, 12, 4)), *image((0, 0), (reach, reach)))
    cut(n, n.conv2d(x, 4, (1, 3), dilation=(1, dilation)), 0, 12)
    copy = check_rule(n.model, RULE, hits=1)
    names = [op.code.name for op in copy.main.ops]
    assert names == ["RELU", "PAD", "CONV_2D", "RELU"]
    amounts = copy.main.ops[1].inputs[1]
    assert amounts is not None
    assert amounts.ints() == (0, 0, 0, 0, reach, 0, 0, 0)


def test_the_pad_may_vanish_altogether() -> None:
    n = Windows()
    x = n.pad(n.feed(1, 1, 12, 4), *image((0, 0), (2, 2)))
    cut(n, n.conv2d(x, 4, (1, 3)), 1, 12)
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,1,12,4]{0.05,3}) -> %2
          %1: i8[1,1,12,4]{0.05,3} = CONV_2D(%0, const i8[4,1,3,4]{per-channel 0}, \
const i32[4]{per-channel 0}) stride_w=1 stride_h=1
          %2: i8[1,1,12,4]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )


def total(model: Model, count: Callable[..., int]) -> int:
    return sum(count(op) for op in model.ops())


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"])
@pytest.mark.parametrize("padding", list(Padding))
def test_every_cut_is_right_and_costs_nothing(kind: str, padding: Padding) -> None:
    """Blocks of rows with all strides and with and without a PAD, compared on both runtimes."""
    n = Windows()
    for stride, kernel, pads, first, count in product(
        (1, 2), (1, 3), (False, True), (0, 1, 2), (1, 2)
    ):
        x = n.relu(n.feed(1, 7, 2, 2))
        if pads:
            x = n.pad(x, *image((2, 1), (0, 0)))
        taps, steps = (kernel, 1), (stride, 1)
        if kind == "CONV_2D":
            y = n.conv2d(x, 2, taps, stride=steps, padding=padding)
        elif kind == "DEPTHWISE_CONV_2D":
            y = n.depthwise2d(x, taps, stride=steps, padding=padding)
        else:
            y = n.pool(x, OpCode[kind], taps, steps, padding)
        if first + count <= y.shape[1]:
            cut(n, y, first, count, axis=1)
    copy = check_rule(n.model, RULE, together_with=[TrimPad()])
    assert total(copy, moved_bytes) <= total(n.model, moved_bytes)
    assert total(copy, macs) <= total(n.model, macs)
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        assert total(copy, macs) < total(n.model, macs)


def read_twice(n: Windows) -> None:
    y = n.conv2d(n.feed(1, 6, 6, 2), 2)
    n.output(n.relu(n.slice(y, [0, 0, 0, 0], [1, 2, 4, 2])), n.relu(y))


def channels(n: Windows) -> None:
    y = n.conv2d(n.feed(1, 6, 6, 2), 4)
    n.output(n.relu(n.slice(y, [0, 0, 0, 0], [1, 4, 4, 2])))


def copies_more(n: Windows) -> None:
    cut(n, n.conv2d(n.feed(1, 6, 6, 8), 2), 0, 2)


def padded_pool(n: Windows) -> None:
    y = n.pool(n.feed(1, 6, 6, 2), kernel=(3, 3), padding=Padding.SAME)
    cut(n, y, 0, 5)


def padding_only(n: Windows) -> None:
    x = n.pad(n.feed(1, 1, 6, 2), *image((0, 0), (4, 0)))
    cut(n, n.conv2d(x, 2, (1, 2)), 0, 2)


def open_width(n: Windows) -> None:
    y = n.conv2d(n.feed(1, 6, 6, 2), 2)
    y.extra.shape_signature = (1, 4, -1, 2)
    cut(n, y, 0, 2)


def one_row(n: Windows) -> None:
    """As SAME with this width and stride the layer is computed wrongly (facts G1)."""
    x = n.pad(n.feed(1, 1, 20, 4), *image((0, 0), (1, 6)))
    cut(n, n.conv2d(x, 4, (1, 5), stride=(1, 2)), 0, 10)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (read_twice, "another operator reads what it cuts"),
        (channels, "it takes a part of the batches or channels"),
        (copies_more, "more bytes would be copied in front"),
        (padded_pool, "the pooling would need uneven padding"),
        (padding_only, "it takes nothing but padding"),
        (open_width, "a dimension is open (-1)"),
    ],
)
def test_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, RULE, reason)


def test_no_layer_is_moved_onto_a_function_that_is_wrong() -> None:
    n = Windows()
    one_row(n)
    check_declines(n.model, RULE, WRONG_ON_MVE)
    check_rule(n.model, HoistSliceOverWindow(mve=False), hits=1)


def test_leaves_alone_other_operators() -> None:
    n = Windows()
    cut(n, n.relu(n.feed(1, 6, 6, 2)), 0, 2)
    check_leaves_alone(n.model, RULE)
