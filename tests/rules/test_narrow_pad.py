"""narrow-pad: only what a window reads is padded, and SAME adds what it can."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from random import Random

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.windows import Windows, image
from tflopt.facts.pads import Amounts, amounts_of
from tflopt.facts.windows import Axis, extents, span_of
from tflopt.ir import OpCode, Padding
from tflopt.rules.movement.narrow_pad import NarrowPad, _narrowest

pytestmark = pytest.mark.runtime
RULE = NarrowPad()
SIDES = [(0, 1), (1, 1), (2, 1), (2, 2), (3, 0), (3, 4)]
CASES = list(product((5, 6), (1, 2, 3, 4), (1, 2, 3), (1, 2), SIDES))
"""Size, kernel, stride, dilation and padding along one axis."""


def test_what_no_window_reads_goes() -> None:
    """As PyTorch pads before a stride of 2."""
    n = Windows()
    n.output(n.depthwise2d(n.pad(n.feed(1, 6, 8, 4), *image((1, 1))), stride=(2, 2)))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,6,8,4]{0.05,3}) -> %2
          %1: i8[1,7,9,4]{0.05,3} = PAD(%0, [0, 0, 1, 0, 1, 0, 0, 0])
          %2: i8[1,3,4,4]{0.05,3} = DEPTHWISE_CONV_2D(%1, const i8[1,3,3,4]{per-channel 3}, \
const i32[4]{per-channel 0}) padding=VALID stride_w=2 stride_h=2 depth_multiplier=1
        """,
        hits=1,
    )


def test_same_adds_a_part() -> None:
    """A full convolution: the output is larger than the input."""
    n = Windows()
    n.output(n.conv2d(n.pad(n.feed(1, 5, 6, 2), *image((2, 2)))))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,5,6,2]{0.05,3}) -> %2
          %1: i8[1,7,8,2]{0.05,3} = PAD(%0, [0, 0, 1, 1, 1, 1, 0, 0])
          %2: i8[1,7,8,4]{0.05,3} = CONV_2D(%1, const i8[4,3,3,2]{per-channel 0}, \
const i32[4]{per-channel 0}) stride_w=1 stride_h=1
        """,
        hits=1,
    )


def least(size: int, span: int, stride: int, sides: tuple[int, int]) -> int:
    """The fewest elements that do, by trying all: a width alone, so that either padding can do."""
    before, out = sides[0], extents(Padding.VALID, size + sum(sides), span, stride)[1]
    tried = product((Padding.VALID, Padding.SAME), range(sides[0] + 1), range(sides[1] + 1))
    return min(
        front + behind
        for padding, front, behind in tried
        if extents(padding, size + front + behind, span, stride) == (before - front, out)
    )


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_every_case_is_the_narrowest(kernel: int) -> None:
    """And gives the same on both runtimes."""
    n, wanted = Windows(), []
    for size, _, stride, dilation, sides in (case for case in CASES if case[1] == kernel):
        span = span_of(kernel, dilation)
        if size + sum(sides) < span:
            continue
        x = n.pad(n.relu(n.feed(1, size, size, 2)), *image(sides))
        strides, dilations = (stride, stride), (dilation, dilation)
        n.output(n.conv2d(x, 2, (kernel, kernel), stride=strides, dilation=dilations))
        wanted.append(least(size, span, stride, sides))
    copy = check_rule(n.model, NarrowPad(mve=False))
    pads = [op.operand(0).producer for op in copy.main.ops if op.code is OpCode.CONV_2D]
    amounts = [None if pad is None else amounts_of(pad) for pad in pads]
    sums = [0 if each is None else sum(each[1]) for each in amounts]
    assert len(sums) == len(wanted)
    left = [(a, b) for a, b in zip(sums, wanted, strict=True) if b]  # what needs none is fold-pad's
    assert left
    assert all(a == b for a, b in left)


def test_all_readers_agree() -> None:
    """One reads the first row behind, so it stays for both."""
    n = Windows()
    x = n.pad(n.feed(1, 6, 6, 2), *image((1, 2)))
    n.output(n.pool(x, kernel=(2, 2), stride=(2, 2)), n.conv2d(x, 2, (1, 1), stride=(3, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    expected: Amounts = ((0, 0), (1, 1), (1, 1), (0, 0))
    assert amounts_of(copy.main.ops[0]) == expected


@pytest.mark.parametrize("code", [OpCode.MAX_POOL_2D, OpCode.AVERAGE_POOL_2D])
def test_pooling_keeps_what_it_reads(code: OpCode) -> None:
    """SAME would leave it out of the maximum and of the count."""
    n = Windows()
    n.output(n.pool(n.padv2(n.feed(1, 6, 6, 2), 7, *image((2, 2))), code, (3, 3), (3, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    assert amounts_of(copy.main.ops[0]) == ((0, 0), (2, 1), (2, 1), (0, 0))


def other_reader(n: Windows) -> None:
    x = n.pad(n.feed(1, 6, 6, 2), *image((1, 1)))
    n.output(n.conv2d(x, stride=(2, 2)), n.relu(x))


def all_is_read(n: Windows) -> None:
    n.output(n.conv2d(n.pad(n.feed(1, 1, 6, 2), *image((0, 0), (2, 0))), kernel=(1, 3)))


def foldable(n: Windows) -> None:
    """fold-pad takes it as a whole."""
    n.output(n.conv2d(n.pad(n.feed(1, 5, 5, 2), *image((1, 1)))))


def an_output(n: Windows) -> None:
    x = n.pad(n.feed(1, 6, 6, 2), *image((1, 1)))
    n.output(n.conv2d(x, stride=(2, 2)), x)


@pytest.mark.parametrize("build", [other_reader, all_is_read, foldable, an_output])
def test_leaves_alone(build: Callable[[Windows], None]) -> None:
    n = Windows()
    build(n)
    check_leaves_alone(n.model, RULE)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_stride(seed: int) -> None:
    """Against all amounts; strides and kernels beyond those that layers have."""
    rng = Random(seed)
    stride, kernel = rng.randint(1, 40), rng.randint(1, 60)
    front, behind = rng.randint(0, 4), rng.randint(0, 40)
    size = rng.randint(kernel, kernel + 80)
    out = (front + size + behind - kernel) // stride + 1
    axis = Axis(size, kernel, stride, 1, front, out)
    fitting = [
        sum(sides)
        for sides in product(range(front + 1), range(behind + 1))
        if extents(Padding.SAME, size + sum(sides), kernel, stride) == (front - sides[0], out)
    ]
    found = _narrowest([axis], (front, behind), Padding.SAME)
    assert (None if found is None else sum(found)) == min(fitting, default=None)
