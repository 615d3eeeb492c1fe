"""fold-space-to-batch: dilation spelled out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from tests.support.check_rule import (
    apply,
    check_declines,
    check_leaves_alone,
    check_rule,
    check_same_outputs,
)
from tests.support.windows import Two, Windows
from tflopt.ir import OpCode, Padding, Quantization, Value
from tflopt.ir.clone import clone
from tflopt.ir.options import Conv2DOptions
from tflopt.rules.movement.fold_pad import FoldPad
from tflopt.rules.movement.fold_space_to_batch import FoldSpaceToBatch
from tflopt.rules.movement.hoist_slice_over_window import HoistSliceOverWindow
from tflopt.rules.movement.trim_pad import TrimPad

pytestmark = pytest.mark.runtime
RULE = FoldSpaceToBatch()
NOTHING = [(0, 0), (0, 0)]
Build = Callable[[Windows], None]


def test_two_layers_between_become_dilated() -> None:
    n = Windows()
    x = n.space_to_batch(n.relu(n.feed(1, 8, 12, 2)), [2, 3], NOTHING)
    y = n.depthwise2d(n.relu(n.conv2d(x, 2, padding=Padding.SAME)), padding=Padding.SAME)
    n.output(n.relu(n.batch_to_space(y, [2, 3], NOTHING)))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,8,12,2]{0.05,3}) -> %5
          %1: i8[1,8,12,2]{0.05,3} = RELU(%0)
          %2: i8[1,8,12,2]{0.05,3} = CONV_2D(%1, const i8[2,3,3,2]{per-channel 0}, \
const i32[2]{per-channel 0}) stride_w=1 stride_h=1 dilation_w_factor=3 dilation_h_factor=2
          %3: i8[1,8,12,2]{0.05,3} = RELU(%2)
          %4: i8[1,8,12,2]{0.05,3} = DEPTHWISE_CONV_2D(%3, const i8[1,3,3,2]{per-channel 3}, \
const i32[2]{per-channel 0}) stride_w=1 stride_h=1 depth_multiplier=1 dilation_w_factor=3 \
dilation_h_factor=2
          %5: i8[1,8,12,2]{0.05,3} = RELU(%4)
        """,
        hits=1,
    )


def layer(
    n: Windows,
    size: int,
    block: int,
    kernel: int,
    amounts: Two,
    crops: Two,
    padding: Padding = Padding.VALID,
) -> None:
    """One row, as TensorFlow writes a dilated Conv1D."""
    x = n.relu(n.feed(1, size, 2))
    rows = n.space_to_batch(x, [block], [amounts])
    image = n.expand(rows, 1)
    y = n.conv2d(image, 2, (1, kernel), padding=padding)
    n.output(n.relu(n.batch_to_space(n.squeeze(y, 1), [block], [crops])))


CASES = [
    (size, block, kernel, amounts, crops)
    for size, block, kernel, amounts, crops in product(
        (6, 7),
        (2, 3),
        (2, 3),
        [(0, 0), (2, 2), (0, 1), (4, 1), (3, 3)],
        [(0, 0), (1, 0), (0, 2)],
    )
    if (size + sum(amounts)) % block == 0 and (size + sum(amounts)) // block > kernel
]


def test_every_padding_and_crop_equals_litert() -> None:
    """LiteRT pads with the zero point, as the dilated form does."""
    n = Windows()
    for case in CASES:
        layer(n, *case)
    copy = check_rule(n.model, FoldSpaceToBatch(padded=True), hits=len(CASES), runners=["litert"])
    assert all(op.code is not OpCode.BATCH_TO_SPACE_ND for op in copy.main.ops)


def test_what_doesn_t_read_the_padding_equals_tflm() -> None:
    """Where padding is read, TFLM takes what lies in the arena: nothing to compare with."""
    folded = 0
    for case in CASES:
        n = Windows()
        layer(n, *case)
        copy = clone(n.model)
        apply(copy, RULE, HoistSliceOverWindow(), TrimPad(), FoldPad())
        if all(op.code is not OpCode.SPACE_TO_BATCH_ND for op in copy.main.ops):
            folded += 1
            check_same_outputs(n.model, copy, ["tflm"])
    assert 0 < folded < len(CASES)


def test_a_padded_layer_ends_as_one_convolution() -> None:
    n = Windows()
    layer(n, 8, 2, 3, (2, 2), (0, 0))
    rules = [FoldPad(), TrimPad(), HoistSliceOverWindow()]
    rule = FoldSpaceToBatch(padded=True)
    copy = check_rule(n.model, rule, together_with=rules, runners=["litert"])
    names = [op.code.name for op in copy.main.ops if op.code is not OpCode.RESHAPE]
    assert names == ["RELU", "PAD", "CONV_2D", "RELU"]


def test_dilated_layers_are_dilated_further() -> None:
    n = Windows()
    x = n.space_to_batch(n.relu(n.feed(1, 1, 20, 2)), [1, 2], NOTHING)
    y = n.conv2d(x, 2, (1, 3), dilation=(1, 2))
    n.output(n.relu(n.batch_to_space(y, [1, 2], NOTHING)))
    copy = check_rule(n.model, RULE, hits=1)
    options = copy.main.ops[1].options
    assert isinstance(options, Conv2DOptions)
    assert (options.dilation_h_factor, options.dilation_w_factor) == (1, 4)


def between(n: Windows, change: Callable[[Value], Value], crops: Two = (0, 0)) -> None:
    x = n.space_to_batch(n.feed(1, 8, 8, 2), [2, 2], NOTHING)
    n.output(n.relu(n.batch_to_space(change(x), [2, 2], [crops, (0, 0)])))


def reads_padding(n: Windows) -> None:
    layer(n, 8, 2, 3, (2, 2), (0, 0))


def strides(n: Windows) -> None:
    between(n, lambda x: n.conv2d(x, 2, (2, 2), stride=(2, 2)))


def uneven(n: Windows) -> None:
    between(n, lambda x: n.conv2d(x, 2, (2, 2), padding=Padding.SAME))


def other_blocks(n: Windows) -> None:
    x = n.conv2d(n.space_to_batch(n.feed(1, 8, 8, 2), [2, 2], NOTHING), 2)
    n.output(n.relu(n.batch_to_space(x, [1, 4], NOTHING)))


def read_twice(n: Windows) -> None:
    x = n.space_to_batch(n.feed(1, 8, 8, 2), [2, 2], NOTHING)
    n.output(n.relu(x), n.relu(n.batch_to_space(n.conv2d(x, 2), [2, 2], NOTHING)))


def requantized(n: Windows) -> None:
    x = n.space_to_batch(n.feed(1, 8, 8, 2), [2, 2], NOTHING)
    x.quant = Quantization.per_tensor(0.05, 4)
    n.output(n.relu(n.batch_to_space(n.conv2d(x, 2), [2, 2], NOTHING)))


def open_height(n: Windows) -> None:
    x = n.feed(1, 8, 8, 2)
    x.extra.shape_signature = (1, -1, 8, 2)
    y = n.conv2d(n.space_to_batch(x, [2, 2], NOTHING), 2)
    n.output(n.relu(n.batch_to_space(y, [2, 2], NOTHING)))


def joined(n: Windows) -> None:
    x = n.space_to_batch(n.feed(1, 8, 2), [2], [(0, 0)])
    y = n.reshape(n.relu(n.reshape(x, 2, 8)), 2, 4, 2)
    n.output(n.relu(n.batch_to_space(y, [2], [(0, 0)])))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (
            reads_padding,
            "TFLM pads SPACE_TO_BATCH_ND with a value that it never sets, and outputs read it",
        ),
        (strides, "the convolution in between has a stride"),
        (uneven, "the convolution in between pads more behind than in front"),
        (other_blocks, "the two take different blocks"),
        (read_twice, "another operator reads a tensor in between"),
        (requantized, "it changes the quantization of what it hands on"),
        (open_height, "a dimension is open (-1)"),
        (joined, "a view in between splits or joins axes"),
    ],
)
def test_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, RULE, reason)


def pooled(n: Windows) -> None:
    between(n, lambda x: n.pool(x))


def nothing_in_front(n: Windows) -> None:
    n.output(n.batch_to_space(n.conv2d(n.feed(4, 8, 8, 2), 2), [2, 2], NOTHING))


@pytest.mark.parametrize("build", [pooled, nothing_in_front])
def test_leaves_alone(build: Build) -> None:
    n = Windows()
    build(n)
    check_leaves_alone(n.model, RULE)
