"""``select-before-dequantize``: operators whose output consists of elements of their inputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tflopt.ir import Activation, DType, OpCode, Padding, Value
from tflopt.ir.options import (
    ConcatenationOptions,
    DequantizeOptions,
    MaximumMinimumOptions,
    Options,
    Pool2DOptions,
    QuantizeOptions,
    ReducerOptions,
)
from tflopt.passes.integerize_islands import IntegerizeIslands
from tflopt.passes.select_before_dequantize import SelectBeforeDequantize

pytestmark = pytest.mark.runtime
RULE = SelectBeforeDequantize()
SHAPE = (1, 6, 5, 3)
Build = Callable[[Net], Value]


def real(n: Net, shape: tuple[int, ...] = SHAPE, quant: tuple[float, int] = QUANT) -> Value:
    options, x = DequantizeOptions(), n.input(shape, quant=quant)
    return n.op(OpCode.DEQUANTIZE, [x], shape, options=options, dtype=DType.FLOAT32, version=2)


def pool(n: Net, x: Value, fused: Activation = Activation.NONE) -> Value:
    options = Pool2DOptions(Padding.SAME, 2, 2, 3, 3, fused)
    return n.op(OpCode.MAX_POOL_2D, [x], (1, 3, 3, 3), options=options)


def pooled(n: Net) -> Value:
    return pool(n, real(n))


def reduced(code: OpCode) -> Build:
    def build(n: Net) -> Value:
        return n.op(code, [real(n), n.constant([1, 2])], (1, 3), options=ReducerOptions())

    return build


def of_two(code: OpCode, options: Options, *shape: int) -> Build:
    def build(n: Net) -> Value:
        return n.op(code, [real(n), real(n)], shape or SHAPE, options=options)

    return build


def joined(n: Net) -> Value:
    return of_two(OpCode.CONCATENATION, ConcatenationOptions(3), 1, 6, 5, 6)(n)


BUILDS: dict[str, Build] = {
    "MAX_POOL_2D": pooled,
    "REDUCE_MAX": reduced(OpCode.REDUCE_MAX),
    "REDUCE_MIN": reduced(OpCode.REDUCE_MIN),
    "MAXIMUM": of_two(OpCode.MAXIMUM, MaximumMinimumOptions()),
    "MINIMUM": of_two(OpCode.MINIMUM, MaximumMinimumOptions()),
    "CONCATENATION": joined,
}


@pytest.mark.parametrize("name", BUILDS)
def test_rewrites(name: str) -> None:
    n = Net()
    n.output(BUILDS[name](n))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == [name, "DEQUANTIZE"]


def test_the_result_as_text() -> None:
    n = Net()
    n.output(pooled(n))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,6,5,3]{0.05,3}) -> %2
          %1: i8[1,3,3,3]{0.05,3} = MAX_POOL_2D(%0) stride_w=2 stride_h=2 filter_width=3 filter_height=3
          %2: f32[1,3,3,3] = DEQUANTIZE(%1)
        """,  # noqa: E501
    )


@pytest.mark.parametrize("name", BUILDS)
def test_a_quantize_behind_it_meets_its_dequantize(name: str) -> None:
    n = Net()
    y = BUILDS[name](n)
    options = QuantizeOptions()
    n.output(n.op(OpCode.QUANTIZE, [y], y.shape, options=options, quant=QUANT, dtype=DType.INT8))
    copy = check_rule(n.model, RULE, hits=1, together_with=[IntegerizeIslands()])
    assert [op.code.name for op in copy.main.ops] == [name]


def test_one_tensor_in_both_places() -> None:
    n = Net()
    x = real(n)
    n.output(n.op(OpCode.CONCATENATION, [x, x], (1, 6, 5, 6), options=ConcatenationOptions(3)))
    check_rule(n.model, RULE, hits=1)


def unlike(n: Net) -> Value:
    parts = [real(n), real(n, quant=(0.05, 4))]
    return n.op(OpCode.CONCATENATION, parts, (1, 6, 5, 6), options=ConcatenationOptions(3))


def shared(n: Net) -> Value:
    x = real(n)
    n.output(x)
    return pool(n, x)


def infinite(n: Net) -> Value:
    return pool(n, real(n, quant=(1e37, 0)))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (unlike, "its inputs have different quantizations"),
        (shared, "others read the dequantized tensor as well"),
        (infinite, "several of its values become the same float"),
    ],
)
def test_declines(build: Build, reason: str) -> None:
    n = Net()
    n.output(build(n))
    check_declines(n.model, RULE, reason)


def with_activation(n: Net) -> Value:
    return pool(n, real(n), Activation.RELU)


def with_a_float(n: Net) -> Value:
    parts = [real(n), n.input(SHAPE, DType.FLOAT32)]
    return n.op(OpCode.MAXIMUM, parts, SHAPE, options=MaximumMinimumOptions())


def floats(n: Net) -> Value:
    return pool(n, n.input(SHAPE, DType.FLOAT32))


@pytest.mark.parametrize("build", [with_activation, with_a_float, floats])
def test_leaves_alone(build: Build) -> None:
    n = Net()
    n.output(build(n))
    check_leaves_alone(n.model, RULE)


def test_the_report_says_what_was_compared() -> None:
    n = Net()
    n.output(pooled(n))
    assert [hit.shown_by for hit in apply(n.model, RULE).hits] == ["enumeration of 256 values"]
