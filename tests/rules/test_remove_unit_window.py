"""``remove-unit-window``: pooling of one element, resizing to the same size."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT
from tests.support.kit import Kit
from tflopt.ir import Activation, OpCode, Value
from tflopt.ir.options import ResizeBilinearOptions
from tflopt.rules.movement.remove_unit_window import RemoveUnitWindow

pytestmark = pytest.mark.runtime
RULE = RemoveUnitWindow()


def average(n: Kit, x: Value) -> Value:
    return n.pool(OpCode.AVERAGE_POOL_2D, x, (1, 1))


def largest(n: Kit, x: Value) -> Value:
    return n.pool(OpCode.MAX_POOL_2D, x, (1, 1))


def nearest(n: Kit, x: Value) -> Value:
    return n.resize_nearest(x, 3, 4)


def bilinear(n: Kit, x: Value) -> Value:
    inputs = [x, n.constant([3, 4])]
    options = ResizeBilinearOptions(half_pixel_centers=True)
    return n.op(OpCode.RESIZE_BILINEAR, inputs, x.shape, options=options, version=3)


@pytest.mark.parametrize("build", [average, largest, nearest, bilinear])
def test_rewrites(build: Callable[[Kit, Value], Value]) -> None:
    n = Kit()
    n.output(n.relu(build(n, n.relu(n.feed(1, 3, 4, 2)))))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,3,4,2]{0.05,3}) -> %2
          %1: i8[1,3,4,2]{0.05,3} = RELU(%0)
          %2: i8[1,3,4,2]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("half", [True, False])
def test_every_way_to_place_the_elements(align: bool, half: bool) -> None:
    if align and half:
        return  # the kernels refuse both
    n = Kit()
    x = n.relu(n.feed(1, 5, 7, 3))
    options = ResizeBilinearOptions(align_corners=align, half_pixel_centers=half)
    y = n.op(OpCode.RESIZE_BILINEAR, [x, n.constant([5, 7])], x.shape, options=options, version=3)
    n.output(n.relu(y))
    check_rule(n.model, RULE, hits=1)


def test_an_activation_that_clamps_nothing() -> None:
    n = Kit()
    x = n.unary(OpCode.RELU, n.input((1, 3, 4, 2), quant=(0.05, -128)))
    n.output(n.relu(n.pool(OpCode.MAX_POOL_2D, x, (1, 1), activation=Activation.RELU)))
    check_rule(n.model, RULE, hits=1)


def test_declines_between_input_and_output() -> None:
    n = Kit()
    n.output(average(n, n.feed(1, 3, 4, 2)))
    reason = "it stands between an input or constant of the model and an output"
    check_declines(n.model, RULE, reason)


def test_declines_a_change_of_quantization() -> None:
    n = Kit()
    x = n.relu(n.feed(1, 3, 4, 2))
    y = average(n, x)
    n.output(n.relu(y))
    y.quant = n.value((1,), quant=(0.1, 0)).quant
    check_declines(n.model, RULE, "it changes the quantization of what it hands on")


def larger(n: Kit, x: Value) -> Value:
    return n.pool(OpCode.AVERAGE_POOL_2D, x, (2, 2))


def clamping(n: Kit, x: Value) -> Value:
    return n.pool(OpCode.MAX_POOL_2D, x, (1, 1), activation=Activation.RELU)


def strided(n: Kit, x: Value) -> Value:
    return n.pool(OpCode.MAX_POOL_2D, x, (1, 1), stride=(2, 2))


def enlarging(n: Kit, x: Value) -> Value:
    return n.resize_nearest(x, 6, 8)


@pytest.mark.parametrize("build", [larger, clamping, strided, enlarging])
def test_leaves_alone(build: Callable[[Kit, Value], Value]) -> None:
    n = Kit()
    assert QUANT[1] != -128
    n.output(n.relu(build(n, n.relu(n.feed(1, 3, 4, 2)))))
    check_leaves_alone(n.model, RULE)
