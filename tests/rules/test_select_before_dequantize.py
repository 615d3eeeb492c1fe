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
    GatherOptions,
    MaximumMinimumOptions,
    Options,
    PackOptions,
    Pool2DOptions,
    QuantizeOptions,
    ReducerOptions,
    ResizeNearestNeighborOptions,
    SplitOptions,
    SplitVOptions,
    UnpackOptions,
)
from tflopt.rules.islands.integerize_islands import IntegerizeIslands
from tflopt.rules.islands.select_before_dequantize import SelectBeforeDequantize

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


def gathered(n: Net) -> Value:
    inputs = [real(n), n.constant([3, 0, 0])]
    return n.op(OpCode.GATHER, inputs, (1, 3, 5, 3), options=GatherOptions(1))


BUILDS: dict[str, Build] = {
    "MAX_POOL_2D": pooled,
    "REDUCE_MAX": reduced(OpCode.REDUCE_MAX),
    "REDUCE_MIN": reduced(OpCode.REDUCE_MIN),
    "MAXIMUM": of_two(OpCode.MAXIMUM, MaximumMinimumOptions()),
    "MINIMUM": of_two(OpCode.MINIMUM, MaximumMinimumOptions()),
    "CONCATENATION": joined,
    "PACK": of_two(OpCode.PACK, PackOptions(2, 0), 2, *SHAPE),
    "GATHER": gathered,
}
Parts = Callable[[Net, Value], list[Value]]


def split(n: Net, x: Value) -> list[Value]:
    shapes, options = [(1, 3, 5, 3)] * 2, SplitOptions(2)
    return n.ops(OpCode.SPLIT, [n.constant(1), x], shapes, options, dtype=DType.FLOAT32)


def split_v(n: Net, x: Value) -> list[Value]:
    inputs, options = [x, n.constant([1, 5]), n.constant(1)], SplitVOptions(2)
    return n.ops(OpCode.SPLIT_V, inputs, [(1, 1, 5, 3), (1, 5, 5, 3)], options, dtype=DType.FLOAT32)


def unpacked(n: Net, x: Value) -> list[Value]:
    shapes, options = [(1, 6, 5)] * 3, UnpackOptions(3, 3)
    return n.ops(OpCode.UNPACK, [x], shapes, options, dtype=DType.FLOAT32)


PARTS: dict[str, Parts] = {"SPLIT": split, "SPLIT_V": split_v, "UNPACK": unpacked}


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_dequantized_each(name: str) -> None:
    n = Net()
    parts = PARTS[name](n, real(n))
    n.output(*parts)
    copy = check_rule(n.model, RULE, hits=1)
    names = [op.code.name for op in copy.main.ops]
    assert names == [name] + ["DEQUANTIZE"] * len(parts)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_is_quantized_again_stays_int8(name: str) -> None:
    n = Net()
    first, *others = PARTS[name](n, real(n))
    options = QuantizeOptions()
    n.output(
        n.op(OpCode.QUANTIZE, [first], first.shape, options=options, quant=QUANT, dtype=DType.INT8),
        *others[:1],
    )
    copy = check_rule(n.model, RULE, hits=1, together_with=[IntegerizeIslands()])
    assert [op.code.name for op in copy.main.ops] == [name, "DEQUANTIZE"]


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


def enlarged(n: Net) -> Value:
    inputs, options = [real(n), n.constant([12, 10])], ResizeNearestNeighborOptions()
    return n.op(OpCode.RESIZE_NEAREST_NEIGHBOR, inputs, (1, 12, 10, 3), options=options)


def infinite(n: Net) -> Value:
    return pool(n, real(n, quant=(1e37, 0)))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (unlike, "its inputs have different quantizations"),
        (shared, "others read the dequantized tensor as well"),
        (enlarged, "it has more elements behind than in front"),
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
