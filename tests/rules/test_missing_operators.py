"""Rules for operators that TFLM lacks: clamps, choices, reductions, wide concatenations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.flash import refusal
from tests.support.paths import needs_litert, needs_tflm
from tests.support.runtime import runtime
from tests.support.windows import Windows
from tflopt.io import write_bytes
from tflopt.ir import DType, OpCode
from tflopt.ir.clone import clone
from tflopt.ir.options import ReducerOptions
from tflopt.rewrite import Rule
from tflopt.rules.missing.reduce_any_to_all import ReduceAnyToAll
from tflopt.rules.missing.relu_to_clamp import ReluToClamp
from tflopt.rules.missing.select_to_select_v2 import SelectToSelectV2
from tflopt.rules.movement.split_concatenation import SplitConcatenation
from tflopt.run.samples import SampleOptions, make_samples

pytestmark = pytest.mark.runtime
Build = Callable[[Windows], None]


def check_runs(n: Windows, rule: Rule, operator: str) -> None:
    """TFLM refuses the model, runs the result, and gives what LiteRT gives for the model."""
    assert operator in refusal(n.model, "tflm")
    copy = clone(n.model)
    apply(copy, rule)
    samples = make_samples(n.model, SampleOptions(8, seed=3))
    expected = runtime().run("litert", write_bytes(n.model), samples)
    found = runtime().run("tflm", write_bytes(copy), samples)
    for one, two in zip(expected, found, strict=True):
        for a, b in zip(one, two, strict=True):
            assert np.array_equal(a, b)


@needs_tflm
@needs_litert
@pytest.mark.parametrize("code", [OpCode.RELU_N1_TO_1])
@pytest.mark.parametrize("zero_point", [-128, -3, 64, 127])
def test_clamps(code: OpCode, zero_point: int) -> None:
    n = Windows()
    for scale in (0.05, 0.004, 2.0, 0.01):
        x = n.input((1, 256), quant=(scale, zero_point))
        n.output(n.op(code, [x], x.shape))
    check_rule(n.model, ReluToClamp(), hits=4, runners=["litert"])
    check_runs(n, ReluToClamp(), code.name)


def test_one_clamp_in_words() -> None:
    n = Windows()
    x = n.feed(1, 4)
    n.output(n.op(OpCode.RELU_0_TO_1, [x], x.shape))
    check_rule(
        n.model,
        ReluToClamp(),
        """
        graph(%0: i8[1,4]{0.05,3}) -> %2
          %1: i8[1,4]{0.05,3} = MAXIMUM(%0, const i8[1]{0.05,3})
          %2: i8[1,4]{0.05,3} = MINIMUM(%1, const i8[1]{0.05,3})
        """,
        hits=1,
        runners=["litert"],
    )


@needs_tflm
@needs_litert
def test_floats_are_clamped() -> None:
    n = Windows()
    x = n.input((2, 16), DType.FLOAT32)
    n.output(n.op(OpCode.RELU_N1_TO_1, [x], x.shape), n.op(OpCode.RELU_0_TO_1, [x], x.shape))
    check_runs(n, ReluToClamp(), "RELU_N1_TO_1")


def requantized(n: Windows) -> None:
    x = n.feed(1, 4)
    n.output(n.op(OpCode.RELU_N1_TO_1, [x], x.shape, quant=(0.01, 0)))


def words(n: Windows) -> None:
    x = n.input((1, 4), DType.INT16, quant=(0.01, 0))
    n.output(n.op(OpCode.RELU_N1_TO_1, [x], x.shape))


def unquantized(n: Windows) -> None:
    x = n.input((1, 4), quant=None)
    n.output(n.op(OpCode.RELU_N1_TO_1, [x], x.shape))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (requantized, "it changes the quantization"),
        (words, "the element type is not int8 or float32"),
        (unquantized, "it is not quantized per tensor"),
    ],
)
def test_clamping_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, ReluToClamp(), reason)


def test_clamping_leaves_alone_relu() -> None:
    n = Windows()
    n.output(n.relu(n.feed(1, 4)))
    check_leaves_alone(n.model, ReluToClamp())


@needs_tflm
@needs_litert
def test_a_choice_by_element() -> None:
    n = Windows()
    condition = n.input((2, 3), DType.BOOL)
    n.output(n.op(OpCode.SELECT, [condition, n.feed(2, 3), n.feed(2, 3)], (2, 3), dtype=DType.INT8))
    n.model.main.outputs[0].quant = n.model.main.inputs[1].quant
    check_rule(n.model, SelectToSelectV2(), hits=1, runners=["litert"])
    check_runs(n, SelectToSelectV2(), "SELECT")


def test_a_choice_of_rows_stays() -> None:
    n = Windows()
    condition = n.input((2,), DType.BOOL)
    n.output(n.op(OpCode.SELECT, [condition, n.feed(2, 3), n.feed(2, 3)], (2, 3), dtype=DType.INT8))
    check_declines(n.model, SelectToSelectV2(), "its condition chooses whole rows")


def test_a_choice_whose_output_has_another_shape_stays() -> None:
    """SELECT asks for as many elements, SELECT_V2 for the shape: its result couldn't be read."""
    n = Windows()
    inputs = [n.input((2, 3), DType.BOOL), n.feed(2, 3), n.feed(2, 3)]
    n.output(n.op(OpCode.SELECT, inputs, (3, 2), dtype=DType.INT8))
    check_declines(
        n.model, SelectToSelectV2(), "what it chooses from has another shape than its output"
    )


def test_choosing_leaves_alone_select_v2() -> None:
    n = Windows()
    condition = n.input((2, 3), DType.BOOL)
    y = n.op(OpCode.SELECT_V2, [condition, n.feed(2, 3), n.feed(2, 3)], (2, 3), dtype=DType.INT8)
    n.output(y)
    check_leaves_alone(n.model, SelectToSelectV2())


@needs_tflm
@needs_litert
@pytest.mark.parametrize(("count", "groups"), [(11, 2), (20, 3), (25, 4), (101, 12)])
def test_many_tensors_are_joined_in_groups(count: int, groups: int) -> None:
    n = Windows()
    n.output(n.concat(*[n.feed(2, 1) for _ in range(count)], axis=1))
    copy = check_rule(n.model, SplitConcatenation(), runners=["litert"])
    assert len(copy.main.ops) == groups
    assert max(len(op.inputs) for op in copy.main.ops) <= 10
    check_runs(n, SplitConcatenation(), "CONCATENATION")


def test_joining_leaves_alone_ten() -> None:
    n = Windows()
    n.output(n.concat(*[n.feed(2, 1) for _ in range(10)], axis=1))
    check_leaves_alone(n.model, SplitConcatenation())


def any_of(n: Windows, dtype: DType, *, keep: bool) -> None:
    x = n.input((2, 3, 4), dtype)
    shape = (2, 1, 4) if keep else (2, 4)
    inputs = [x, n.constant([1])]
    n.output(n.op(OpCode.REDUCE_ANY, inputs, shape, options=ReducerOptions(keep)))


@needs_tflm
@needs_litert
@pytest.mark.parametrize("keep", [False, True])
def test_any_is_not_all_false(keep: bool) -> None:
    n = Windows()
    any_of(n, DType.BOOL, keep=keep)
    copy = check_rule(n.model, ReduceAnyToAll(), hits=1, runners=["litert"])
    assert [op.code.name for op in copy.main.ops] == ["LOGICAL_NOT", "REDUCE_ALL", "LOGICAL_NOT"]
    check_runs(n, ReduceAnyToAll(), "REDUCE_ANY")


def test_any_of_numbers_stays() -> None:
    n = Windows()
    any_of(n, DType.INT32, keep=True)
    check_declines(n.model, ReduceAnyToAll(), "its input is not bool")


def test_all_is_left_alone() -> None:
    n = Windows()
    x = n.input((2, 3), DType.BOOL)
    n.output(n.op(OpCode.REDUCE_ALL, [x, n.constant([1])], (2,), options=ReducerOptions()))
    check_leaves_alone(n.model, ReduceAnyToAll())
