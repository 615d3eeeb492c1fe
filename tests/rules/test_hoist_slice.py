"""hoist-slice and merge-slices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.windows import Windows
from tflopt.ir import DType, OpCode, Quantization, Value
from tflopt.ir.options import (
    AddOptions,
    DequantizeOptions,
    MulOptions,
    QuantizeOptions,
    StridedSliceOptions,
)
from tflopt.rules.movement.hoist_slice import HoistSlice
from tflopt.rules.movement.merge_slices import MergeSlices

pytestmark = pytest.mark.runtime
RULE = HoistSlice()
Build = Callable[[Windows], None]


def test_a_slice_moves_in_front_of_an_activation() -> None:
    n = Windows()
    n.output(n.slice(n.relu(n.feed(2, 6)), [0, 1], [2, 3]))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[2,6]{0.05,3}) -> %2
          %1: i8[2,3]{0.05,3} = SLICE(%0, [0, 1], [2, 3])
          %2: i8[2,3]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )


def test_strided_slices_in_steps_of_1_do_too() -> None:
    n = Windows()
    n.output(n.strided(n.relu(n.feed(2, 6)), [0, 1], [2, 5]))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["STRIDED_SLICE", "RELU"]


@pytest.mark.parametrize(
    ("begin", "end", "masks", "shape"),
    [
        ([-2, -5], [2, 5], (0, 0), (2, 4)),
        ([1, 4], [-1, -1], (3, 0), (1, 5)),
        ([0, 2], [1, 1], (0, 3), (2, 4)),
        ([-9, 2], [9, 9], (0, 0), (2, 4)),
    ],
)
def test_negative_numbers_and_masks(
    begin: list[int], end: list[int], masks: tuple[int, int], shape: tuple[int, ...]
) -> None:
    n = Windows()
    x = n.relu(n.feed(2, 6))
    inputs = [x, n.constant(begin), n.constant(end), n.constant([1, 1])]
    options = StridedSliceOptions(*masks)
    y = n.op(OpCode.STRIDED_SLICE, inputs, shape, options=options, version=2)
    n.output(n.relu(y))
    check_rule(n.model, RULE, hits=1)


@pytest.mark.parametrize(
    ("source", "target", "begin", "size"),
    [
        ((1, 6, 4), (1, 6, 1, 4), [0, 2, 0, 1], [1, 3, 1, 2]),
        ((1, 6, 1, 4), (6, 4), [2, 1], [3, 2]),
        ((6, 4), (1, 1, 6, 4), [0, 0, 5, 0], [1, 1, 1, 4]),
    ],
)
def test_views_that_only_add_or_drop_ones_are_passed(
    source: tuple[int, ...], target: tuple[int, ...], begin: list[int], size: list[int]
) -> None:
    n = Windows()
    x = n.reshape(n.relu(n.feed(*source)), *target)
    n.output(n.relu(n.slice(x, begin, size)))
    copy = check_rule(n.model, RULE)
    assert copy.main.ops[0].code is OpCode.SLICE


@pytest.mark.parametrize("perm", [(0, 2, 1), (2, 0, 1), (1, 2, 0)])
def test_transposes_are_passed(perm: tuple[int, ...]) -> None:
    n = Windows()
    x = n.transpose(n.feed(3, 4, 5), *perm)
    size = [extent - 1 for extent in x.shape]
    n.output(n.relu(n.slice(x, [1, 0, 1], size)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["SLICE", "TRANSPOSE", "RELU"]


def row(n: Windows, *shape: int) -> Value:
    return n.constant([[2 * i for i in range(shape[-1])]] * shape[0], DType.INT8, quant=(0.05, 3))


@pytest.mark.parametrize("first", [False, True])
def test_a_constant_operand_that_is_alike_along_the_axis_stays(first: bool) -> None:
    n = Windows()
    x, constant = n.relu(n.feed(4, 3)), row(n, 1, 3)
    operands = [constant, x] if first else [x, constant]
    y = n.op(OpCode.ADD, operands, (4, 3), options=AddOptions(), version=2)
    n.output(n.slice(y, [1, 0], [2, 3]))
    copy = check_rule(n.model, RULE)
    assert [op.code.name for op in copy.main.ops] == ["SLICE", "RELU", "ADD"]


def test_dequantized_elements_are_cut_while_they_are_small() -> None:
    n = Windows()
    x = n.feed(2, 6)
    y = n.op(OpCode.DEQUANTIZE, [x], x.shape, options=DequantizeOptions(), dtype=DType.FLOAT32)
    n.output(n.slice(y, [0, 1], [1, 3]))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["SLICE", "DEQUANTIZE"]


def shared(n: Windows) -> None:
    x = n.relu(n.feed(2, 6))
    n.output(n.slice(x, [0, 1], [2, 3]), x)


def other_differs(n: Windows) -> None:
    y = n.op(OpCode.MUL, [n.feed(4, 3), row(n, 1, 3)], (4, 3), options=MulOptions())
    n.output(n.slice(y, [0, 1], [4, 2]))


def two_tensors(n: Windows) -> None:
    n.output(n.slice(n.add(n.feed(4, 3), n.feed(4, 3)), [0, 1], [4, 2]))


def joins_axes(n: Windows) -> None:
    n.output(n.slice(n.reshape(n.feed(4, 3), 12), [1], [5]))


def wider(n: Windows) -> None:
    x = n.input((2, 6), DType.FLOAT32)
    options, quant = QuantizeOptions(), (0.05, 3)
    y = n.op(OpCode.QUANTIZE, [x], (2, 6), options=options, quant=quant, dtype=DType.INT8)
    n.output(n.slice(y, [0, 1], [2, 3]))


def open_batch(n: Windows) -> None:
    x = n.relu(n.feed(1, 6))
    x.extra.shape_signature = (-1, 6)
    n.output(n.slice(x, [0, 1], [1, 3]))


def requantized(n: Windows) -> None:
    y = n.slice(n.relu(n.feed(2, 6)), [0, 1], [2, 3])
    y.quant = Quantization.per_tensor(0.05, 4)
    n.output(y)


def variable(n: Windows) -> None:
    state = n.value((2, 6), DType.INT8, (0.05, 3))
    state.is_variable = True
    n.output(n.slice(n.relu(state), [0, 1], [2, 3]))


def five_axes(n: Windows) -> None:
    x = n.reshape(n.feed(1, 1, 1, 2, 6), 2, 6)
    n.output(n.relu(n.strided(x, [0, 1], [2, 4])))


def steps_of_two(n: Windows) -> None:
    n.output(n.strided(n.relu(n.feed(4, 6)), [0, 0], [4, 6], 2))


def in_front_of_dense(n: Windows) -> None:
    n.output(n.slice(n.dense(n.feed(1, 6), 4), [0, 1], [1, 3]))


def computed_begin(n: Windows) -> None:
    x, begin = n.relu(n.feed(4)), n.input((1,), DType.INT32)
    n.output(n.op(OpCode.SLICE, [x, begin, n.constant([2])], (2,)))


def of_an_input(n: Windows) -> None:
    n.output(n.relu(n.slice(n.feed(2, 6), [0, 1], [2, 3])))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (shared, "another operator reads what it cuts"),
        (other_differs, "the other operand differs along the axis that it cuts"),
        (two_tensors, "two tensors would have to be cut in its place"),
        (joins_axes, "the view in front splits or joins axes"),
        (wider, "the elements in front are wider"),
        (open_batch, "a dimension is open (-1)"),
        (requantized, "it changes the quantization of what it hands on"),
        (variable, "it copies a variable that may change later"),
        (five_axes, "TFLM's kernel doesn't take what is in front"),
        (steps_of_two, "it takes steps, drops an axis or is computed"),
        (computed_begin, "it takes steps, drops an axis or is computed"),
        (of_an_input, "it cuts what the caller feeds, or a variable"),
        (in_front_of_dense, "it can't be moved up through FULLY_CONNECTED"),
    ],
)
def test_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, RULE, reason)


def behind_a_convolution(n: Windows) -> None:
    n.output(n.slice(n.conv2d(n.feed(1, 5, 5, 2)), [0, 1, 0, 0], [1, 2, 3, 4]))


def of_a_constant(n: Windows) -> None:
    x = n.slice(n.constant([[1, 2]], DType.INT8, quant=(0.05, 3)), [0, 0], [1, 1])
    n.output(n.relu(x))


@pytest.mark.parametrize("build", [behind_a_convolution, of_a_constant])
def test_leaves_alone(build: Build) -> None:
    n = Windows()
    build(n)
    check_leaves_alone(n.model, RULE)


# --- merge-slices


def test_two_slices_become_one() -> None:
    n = Windows()
    x = n.slice(n.feed(4, 8), [1, 2], [3, 5])
    n.output(n.relu(n.strided(x, [1, 1], [3, 4])))
    check_rule(
        n.model,
        MergeSlices(),
        """
        graph(%0: i8[4,8]{0.05,3}) -> %2
          %1: i8[2,3]{0.05,3} = STRIDED_SLICE(%0, [2, 3], [4, 6], [1, 1])
          %2: i8[2,3]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )


@pytest.mark.parametrize(("begin", "size"), [(0, 2), (3, 1), (2, 4)])
def test_the_input_of_a_concatenation_is_cut(begin: int, size: int) -> None:
    n = Windows()
    x = n.concat(n.relu(n.feed(1, 2)), n.relu(n.feed(1, 4)), axis=1)
    n.output(n.relu(n.slice(x, [0, begin], [1, size])))
    copy = check_rule(n.model, MergeSlices(), hits=1)
    assert all(op.code is not OpCode.CONCATENATION for op in copy.main.ops)


def across(n: Windows) -> None:
    x = n.concat(n.feed(1, 2), n.feed(1, 4), axis=1)
    n.output(n.slice(x, [0, 1], [1, 2]))


def input_to_output(n: Windows) -> None:
    n.output(n.slice(n.concat(n.feed(1, 2), n.feed(1, 4), axis=1), [0, 0], [1, 2]))


def read_twice(n: Windows) -> None:
    x = n.slice(n.feed(4, 8), [1, 2], [3, 5])
    n.output(n.relu(n.slice(x, [1, 1], [2, 3])), n.relu(x))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (across, "it takes elements of several inputs of the CONCATENATION"),
        (input_to_output, "it stands between an input or constant of the model and an output"),
        (read_twice, "another operator reads what it cuts"),
    ],
)
def test_merging_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, MergeSlices(), reason)


def test_merging_leaves_alone_a_single_slice() -> None:
    n = Windows()
    n.output(n.slice(n.relu(n.feed(2, 6)), [0, 1], [2, 3]))
    check_leaves_alone(n.model, MergeSlices())
