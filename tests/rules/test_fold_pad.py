"""fold-pad: PAD in front of convolutions and pooling."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.windows import Two, Windows, image
from tflopt.ir import DType, OpCode, Padding, Quantization
from tflopt.ir.options import Conv2DOptions
from tflopt.rules.movement.fold_pad import FoldPad
from tflopt.target.one_row import WRONG_ON_MVE

pytestmark = pytest.mark.runtime
RULE = FoldPad()


def test_pad_and_valid_become_same() -> None:
    n = Windows()
    n.output(n.conv2d(n.pad(n.feed(1, 5, 6, 2), *image((1, 1))), kernel=(3, 3)))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,5,6,2]{0.05,3}) -> %1
          %1: i8[1,5,6,4]{0.05,3} = CONV_2D(%0, const i8[4,3,3,2]{per-channel 0}, \
const i32[4]{per-channel 0}) stride_w=1 stride_h=1
        """,
        hits=1,
    )


CASES = list(product((5, 6), (1, 2, 3), (1, 2), (1, 2), [(0, 1), (1, 1), (2, 1)]))


def small(*, depthwise: bool) -> Windows:
    """Every size, kernel, stride, dilation and padding of CASES that leaves an output."""
    n = Windows()
    for size, kernel, stride, dilation, amounts in CASES:
        if size + sum(amounts) < (kernel - 1) * dilation + 1:
            continue
        x = n.relu(n.feed(1, 1, size, 2))
        padded = n.pad(x, *image((0, 0), amounts))
        if depthwise:
            y = n.depthwise2d(padded, (1, kernel), stride=(1, stride), dilation=(1, dilation))
        else:
            y = n.conv2d(padded, 3, (1, kernel), stride=(1, stride), dilation=(1, dilation))
        n.output(y)
    return n


@pytest.mark.parametrize("depthwise", [False, True])
def test_every_fold_is_right(depthwise: bool) -> None:
    """All that is folded is compared on both runtimes; so are those that are left."""
    n = small(depthwise=depthwise)
    copy = check_rule(n.model, FoldPad(mve=False))
    left = sum(op.code is OpCode.PAD for op in copy.main.ops)
    assert 0 < left < len(n.graph.inputs)


def test_a_pad_of_which_no_window_reads_just_goes() -> None:
    n = Windows()
    padded = n.pad(n.feed(1, 5, 5, 2), *image((0, 1)))
    n.output(n.conv2d(padded, kernel=(1, 1), stride=(2, 2)))
    copy = check_rule(n.model, RULE, hits=1)
    options = copy.main.ops[0].options
    assert isinstance(options, Conv2DOptions)
    assert options.padding is Padding.VALID


def test_padding_of_the_convolution_itself_adds_up() -> None:
    n = Windows()
    x = n.pad(n.feed(1, 6, 6, 2), *image((2, 2), (1, 1)))
    n.output(n.conv2d(x, kernel=(1, 3), stride=(1, 1), padding=Padding.SAME))
    check_declines(n.model, RULE, "SAME adds 0+0 to the height where it adds 2+2")
    n = Windows()
    x = n.pad(n.feed(1, 7, 7, 2), *image((1, 1)))
    n.output(n.conv2d(x, kernel=(3, 3), stride=(3, 3), padding=Padding.SAME))
    check_rule(n.model, RULE, hits=1)


def test_all_readers_are_folded() -> None:
    n = Windows()
    padded = n.pad(n.feed(1, 5, 5, 2), *image((1, 1)))
    n.output(n.conv2d(padded), n.depthwise2d(padded))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["CONV_2D", "DEPTHWISE_CONV_2D"]


@pytest.mark.parametrize("extra", [(1, 1), (0, 1)])
def test_max_pooling_may_be_padded_with_the_lowest(extra: Two) -> None:
    n = Windows()
    x = n.padv2(n.feed(1, 5, 5, 2), -128, *image(extra))
    kernel = (2 + extra[0], 2 + extra[0])
    n.output(n.pool(x, kernel=kernel))
    check_rule(n.model, RULE, hits=1)


@pytest.mark.parametrize("code", [OpCode.MAX_POOL_2D, OpCode.AVERAGE_POOL_2D])
def test_pooling_drops_padding_that_it_never_reads(code: OpCode) -> None:
    n = Windows()
    n.output(n.pool(n.pad(n.feed(1, 5, 5, 2), *image((0, 1))), code, (1, 1), (2, 2)))
    copy = check_rule(n.model, RULE, hits=1)
    assert len(copy.main.ops) == 1


def stride_2(n: Windows) -> None:
    n.output(n.conv2d(n.pad(n.feed(1, 6, 6, 2), *image((1, 1))), stride=(2, 2)))


def causal(n: Windows) -> None:
    n.output(n.conv2d(n.pad(n.feed(1, 1, 6, 2), *image((0, 0), (2, 0))), kernel=(1, 3)))


def other_value(n: Windows) -> None:
    n.output(n.conv2d(n.padv2(n.feed(1, 5, 5, 2), 7, *image((1, 1)))))


def not_lowest(n: Windows) -> None:
    n.output(n.pool(n.pad(n.feed(1, 5, 5, 2), *image((1, 1))), kernel=(3, 3)))


def average(n: Windows) -> None:
    x = n.padv2(n.feed(1, 5, 5, 2), -128, *image((1, 1)))
    n.output(n.pool(x, OpCode.AVERAGE_POOL_2D, (3, 3)))


def shared(n: Windows) -> None:
    padded = n.pad(n.feed(1, 5, 5, 2), *image((1, 1)))
    n.output(n.conv2d(padded), n.relu(padded))


def one_of_two(n: Windows) -> None:
    padded = n.pad(n.feed(1, 6, 6, 2), *image((1, 1)))
    n.output(n.conv2d(padded), n.conv2d(padded, stride=(2, 2)))


def output(n: Windows) -> None:
    padded = n.pad(n.feed(1, 5, 5, 2), *image((1, 1)))
    n.output(n.conv2d(padded), padded)


def channels(n: Windows) -> None:
    n.output(n.conv2d(n.pad(n.feed(1, 5, 5, 2), (0, 0), (1, 1), (1, 1), (0, 2))))


def variable(n: Windows) -> None:
    state = n.value((1, 5, 5, 2), DType.INT8, (0.05, 3))
    state.is_variable = True
    n.output(n.conv2d(n.pad(state, *image((1, 1)))))


def requantized(n: Windows) -> None:
    x = n.feed(1, 5, 5, 2)
    padded = n.pad(x, *image((1, 1)))
    padded.quant = Quantization.per_tensor(0.05, 4)
    n.output(n.conv2d(padded))


def open_width(n: Windows) -> None:
    x = n.feed(1, 5, 5, 2)
    x.extra.shape_signature = (-1, 5, -1, 2)
    n.output(n.conv2d(n.pad(x, *image((1, 1)))))


def computed(n: Windows) -> None:
    x, amounts = n.feed(1, 5, 5, 2), n.input((4, 2), DType.INT32)
    padded = n.op(OpCode.PAD, [x, amounts], (1, 7, 7, 2))
    n.output(n.conv2d(padded))


ALONE = "what reads it is not only convolutions and pooling"
DECLINES: list[tuple[Callable[[Windows], None], str]] = [
    (stride_2, "SAME adds 0+1 to the height where it adds 1+1"),
    (causal, "SAME adds 1+1 to the width where it adds 2+0"),
    (other_value, "it pads with another value than the zero point"),
    (not_lowest, "max pooling would leave out a value that can win"),
    (average, "average pooling would leave the padding out of its count"),
    (shared, ALONE),
    (output, ALONE),
    (one_of_two, "SAME adds 0+1 to the height where it adds 1+1"),
    (channels, "it pads batches or channels"),
    (variable, "it copies a variable that may change later"),
    (requantized, "it changes the quantization of what it hands on"),
    (open_width, "the height or the width is open (-1)"),
    (computed, "the amounts are computed at run time"),
]


@pytest.mark.parametrize(("build", "reason"), DECLINES, ids=[b.__name__ for b, _ in DECLINES])
def test_declines(build: Callable[[Windows], None], reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, RULE, reason)


def test_an_open_batch_is_no_reason() -> None:
    n = Windows()
    x = n.feed(1, 5, 5, 2)
    x.extra.shape_signature = (-1, 5, 5, 2)
    n.output(n.conv2d(n.pad(x, *image((1, 1)))))
    check_rule(n.model, RULE, hits=1)


def test_no_layer_is_moved_onto_a_function_that_is_wrong() -> None:
    """As SAME it would read one element beyond the row on cores with MVE (facts G1)."""
    n = Windows()
    x = n.pad(n.feed(1, 1, 20, 4), *image((0, 0), (1, 2)))
    n.output(n.conv2d(x, 4, (1, 5), stride=(1, 2)))
    check_declines(n.model, RULE, WRONG_ON_MVE)
    check_rule(n.model, FoldPad(mve=False), hits=1)


def test_leaves_alone_other_operators() -> None:
    n = Windows()
    n.output(n.conv2d(n.feed(1, 5, 5, 2), padding=Padding.SAME))
    check_leaves_alone(n.model, RULE)
