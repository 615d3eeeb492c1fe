"""``sink-dequantize``, ``integerize-islands`` and ``round-islands``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tests.support.runtime import runtime
from tflopt.io import write_bytes
from tflopt.ir import Activation, DType, Op, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ir.options import (
    AddOptions,
    DequantizeOptions,
    LeakyReluOptions,
    MulOptions,
    QuantizeOptions,
    SubOptions,
)
from tflopt.rules.activations.fuse_activation import FuseActivation
from tflopt.rules.islands.integerize_islands import IntegerizeIslands
from tflopt.rules.islands.round_islands import RoundIslands
from tflopt.rules.islands.sink_dequantize import SinkDequantize

pytestmark = pytest.mark.runtime
RULE = IntegerizeIslands()
SHAPE = (1, 48)
Quant = tuple[float, int]
RELU = Activation.RELU
EVEN = (0.0625, 0)
"""A power of two: floats are exact, so that sums round as integers do."""


def real(n: Net, x: Value) -> Value:
    return n.op(
        OpCode.DEQUANTIZE, [x], x.shape, options=DequantizeOptions(), dtype=DType.FLOAT32, version=2
    )


def back(n: Net, x: Value, quant: Quant = QUANT) -> Value:
    return n.op(
        OpCode.QUANTIZE, [x], x.shape, options=QuantizeOptions(), quant=quant, dtype=DType.INT8
    )


def both(n: Net, one: Quant = QUANT, two: Quant = QUANT) -> tuple[Value, Value]:
    return real(n, n.input(SHAPE, quant=one)), real(n, n.input(SHAPE, quant=two))


def plus(n: Net, x: Value, y: Value, fused: Activation = Activation.NONE) -> Value:
    options = AddOptions(fused_activation_function=fused)
    return n.op(OpCode.ADD, [x, y], x.shape, options=options)


def names(ops: list[Op]) -> list[str]:
    return [op.code.name for op in ops]


# --- sink-dequantize


def test_relu_moves_before_dequantize_and_fuses() -> None:
    n = Net()
    n.output(n.op(OpCode.RELU, [real(n, n.conv(n.feed(1, 2, 6, 3), 4))], (1, 2, 6, 4)))
    copy = check_rule(n.model, SinkDequantize(), hits=1, together_with=[FuseActivation()])
    assert names(copy.main.ops) == ["CONV_2D", "DEQUANTIZE"]


def test_sink_dequantize_as_text() -> None:
    n = Net()
    n.output(n.op(OpCode.RELU, [real(n, n.feed(*SHAPE))], SHAPE))
    check_rule(
        n.model,
        SinkDequantize(),
        """
        graph(%0: i8[1,48]{0.05,3}) -> %2
          %1: i8[1,48]{0.05,3} = RELU(%0)
          %2: f32[1,48] = DEQUANTIZE(%1)
        """,
    )


def test_relu6_moves_where_no_value_is_beyond_six() -> None:
    n = Net()
    n.output(n.op(OpCode.RELU6, [real(n, n.input(SHAPE, quant=(0.02, 3)))], SHAPE))
    check_rule(n.model, SinkDequantize(), hits=1)


def test_sink_dequantize_declines() -> None:
    n = Net()
    n.output(n.op(OpCode.RELU6, [real(n, n.input(SHAPE, quant=(0.07, -90)))], SHAPE))
    reason = "its limit lies between two quantized values"
    check_declines(n.model, SinkDequantize(), reason)
    n = Net()
    x = real(n, n.feed(*SHAPE))
    n.output(n.op(OpCode.RELU, [x], SHAPE), x)
    check_declines(n.model, SinkDequantize(), "others read the dequantized tensor as well")


def test_sink_dequantize_leaves_alone_floats() -> None:
    n = Net()
    n.output(n.op(OpCode.RELU, [n.input(SHAPE, DType.FLOAT32)], SHAPE))
    check_leaves_alone(n.model, SinkDequantize())


# --- integerize-islands, one tensor


@pytest.mark.parametrize(
    ("code", "options", "quant", "left"),
    [
        (None, None, QUANT, []),
        (None, None, (0.021, -30), ["QUANTIZE"]),
        (OpCode.RELU, None, QUANT, ["RELU"]),
        (OpCode.RELU, None, (0.021, -128), ["RELU"]),
        (OpCode.RELU6, None, (0.05, 3), ["RELU6"]),
        (OpCode.LEAKY_RELU, LeakyReluOptions(0.25), (0.05, 3), ["LEAKY_RELU"]),
    ],
)
def test_an_island_over_one_tensor(
    code: OpCode | None, options: LeakyReluOptions | None, quant: Quant, left: list[str]
) -> None:
    n = Net()
    x = real(n, n.add(n.feed(*SHAPE), n.feed(*SHAPE)))
    if code is not None:
        x = n.op(code, [x], SHAPE, options=options)
    y = back(n, x, quant)
    n.output(n.add(y, y))
    copy = check_rule(n.model, RULE, hits=1)
    assert names(copy.main.ops)[1:-1] == left


# --- integerize-islands, two tensors


def test_a_residual_sum_as_text() -> None:
    n = Net()
    x, y = both(n, EVEN, EVEN)
    n.output(back(n, plus(n, x, y, RELU), (0.125, 5)))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,48]{0.0625,0}, %1: i8[1,48]{0.0625,0}) -> %2
          %2: i8[1,48]{0.125,5} = ADD(%0, %1) fused_activation_function=RELU
        """,
        hits=1,
    )


def test_the_report_says_what_was_enumerated() -> None:
    n = Net()
    x, y = both(n, EVEN, EVEN)
    n.output(back(n, plus(n, x, y), (0.125, 5)))
    assert [hit.shown_by for hit in apply(n.model, RULE).hits] == ["enumeration of 65,536 values"]


@pytest.mark.parametrize("seed", range(6))
def test_sums_with_random_scales(seed: int) -> None:
    """Whatever is rewritten is exact: check_rule runs both on inputs of many values."""
    rng = np.random.default_rng(seed)
    one, two = (float(scale) for scale in 0.01 + 0.05 * rng.random(2))
    zeros = [int(zero) for zero in rng.integers(-128, 128, 2)]
    n = Net()
    x, y = both(n, (one, zeros[0]), (two, zeros[1]))
    n.output(back(n, plus(n, x, y, RELU), (one + two, -128)))
    check_rule(n.model, RULE, hits=1)


@pytest.mark.parametrize("swap", [False, True])
def test_a_difference(swap: bool) -> None:
    n = Net()
    x, y = both(n, EVEN, (0.03125, 9))
    pair = [y, x] if swap else [x, y]
    n.output(back(n, n.op(OpCode.SUB, pair, SHAPE, options=SubOptions()), (0.125, 1)))
    copy = check_rule(n.model, RULE, hits=1)
    assert names(copy.main.ops) == ["SUB"]
    assert (copy.main.ops[0].inputs[0] is copy.main.inputs[1]) == swap


def test_a_product() -> None:
    """A multiplier above 1 is rounded once only."""
    n = Net()
    x, y = both(n, (0.61, 0), (0.517, 9))
    n.output(back(n, n.op(OpCode.MUL, [x, y], SHAPE, options=MulOptions()), (0.251, 1)))
    assert names(check_rule(n.model, RULE, hits=1).main.ops) == ["MUL"]


def test_a_clamp_on_one_input_is_part_of_the_island() -> None:
    """RELU of one input can't be had from a fused activation, so the search says how far it is."""
    n = Net()
    x, y = both(n, EVEN, EVEN)
    n.output(back(n, plus(n, n.op(OpCode.RELU, [x], SHAPE), y), (0.125, -5)))
    trace = apply(n.model, RULE)
    assert not trace.hits
    assert "no int8 form is equal: " in trace.near_misses[0].reason


def test_only_values_that_can_occur_count() -> None:
    n = Net()
    fused = AddOptions(fused_activation_function=RELU)
    a, b = n.input(SHAPE, quant=EVEN), n.input(SHAPE, quant=EVEN)
    x = n.op(OpCode.ADD, [a, b], SHAPE, options=fused, version=2)
    n.output(back(n, plus(n, real(n, x), real(n, b)), (0.125, -5)))
    assert [hit.shown_by for hit in apply(n.model, RULE).hits] == ["enumeration of 32,768 values"]


def test_float_operators_that_others_read_stay() -> None:
    n = Net()
    x, y = both(n, EVEN, EVEN)
    total = plus(n, x, y, RELU)
    n.output(back(n, total, (0.125, -128)), total)
    copy = check_rule(n.model, RULE, hits=1)
    assert names(copy.main.ops) == ["DEQUANTIZE", "DEQUANTIZE", "ADD", "ADD"]


def unequal(n: Net) -> None:
    """Halves, which MUL rounds twice and floats once."""
    x, y = both(n, EVEN, (0.03125, 9))
    n.output(back(n, n.op(OpCode.MUL, [x, y], SHAPE, options=MulOptions()), (0.25, 1)))


def three(n: Net) -> None:
    x, y = both(n, EVEN, EVEN)
    total = plus(n, plus(n, x, y), real(n, n.input(SHAPE, quant=EVEN)))
    n.output(back(n, total, (0.25, 0)))


def float_input(n: Net) -> None:
    x = n.input(SHAPE, DType.FLOAT32, name="speech")
    n.output(back(n, plus(n, x, real(n, n.feed(*SHAPE)))))


def computed(n: Net) -> None:
    x = n.op(OpCode.EXP, [real(n, n.feed(*SHAPE))], SHAPE)
    n.output(back(n, plus(n, x, real(n, n.feed(*SHAPE)))))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (three, "it depends on 3 int8 tensors through sums that stay float"),
        (float_input, "it reads speech, which is an input of the model and not quantized"),
    ],
)
def test_declines(build: Callable[[Net], None], reason: str) -> None:
    n = Net()
    build(n)
    check_declines(n.model, RULE, reason)


@pytest.mark.parametrize("build", [unequal, computed])
def test_declines_with_details(build: Callable[[Net], None]) -> None:
    n = Net()
    build(n)
    trace = apply(n.model, RULE)
    assert not trace.hits
    (miss,) = trace.near_misses
    assert "computed in float" in miss.reason or "of 65,536 differ, by up to 1" in miss.reason


def no_island(n: Net) -> None:
    n.output(back(n, n.op(OpCode.RELU, [n.input(SHAPE, DType.FLOAT32)], SHAPE)))


def to_int16(n: Net) -> None:
    x = real(n, n.feed(*SHAPE))
    n.output(n.op(OpCode.QUANTIZE, [x], SHAPE, quant=(0.01, 0), dtype=DType.INT16))


@pytest.mark.parametrize("build", [no_island, to_int16])
def test_leaves_alone(build: Callable[[Net], None]) -> None:
    n = Net()
    build(n)
    check_leaves_alone(n.model, RULE)


# --- round-islands


def test_the_nearest_form_is_taken_when_it_is_allowed() -> None:
    n = Net()
    unequal(n)
    trace = apply(n.model, RoundIslands(1))
    assert names(n.model.main.ops) == ["MUL"]
    (hit,) = trace.hits
    assert hit.shown_by.startswith("not exact: ")
    assert hit.shown_by.endswith("of 65,536 differ, by up to 1")


def test_nothing_is_rounded_by_default() -> None:
    n = Net()
    unequal(n)
    check_leaves_alone(n.model, RoundIslands())


def test_a_form_that_is_too_far_off_declines() -> None:
    n = Net()
    x, y = both(n, EVEN, EVEN)
    scaled = n.op(OpCode.RELU, [x], SHAPE)
    n.output(back(n, plus(n, scaled, y), (0.125, -5)))
    trace = apply(n.model, RoundIslands(1))
    assert not trace.hits
    assert trace.near_misses[0].reason.startswith("the nearest form: ")


def blocks(n: Net) -> None:
    """Two residual sums whose float result goes on to the next."""
    first = plus(n, *both(n, (0.04, -9), (0.008, 0)), RELU)
    n.output(back(n, first, (0.021, -128)))
    second = plus(n, real(n, n.input(SHAPE, quant=(0.046, -2))), first, RELU)
    n.output(back(n, second, (0.03, -128)))


def test_a_residual_between_blocks_is_taken_from_its_int8_tensor() -> None:
    n = Net()
    blocks(n)
    rules = (IntegerizeIslands(postpone=True), RoundIslands(1))
    trace = apply(n.model, *rules)
    assert names(n.model.main.ops) == ["ADD", "ADD"]
    assert trace.counts["round-islands"] >= 1
    first, second = n.model.main.ops
    assert first.output in second.inputs


def test_without_the_option_the_residual_stays() -> None:
    n = Net()
    blocks(n)
    trace = apply(n.model, RULE)
    reasons = [miss.reason for miss in trace.near_misses]
    assert "it depends on 3 int8 tensors through sums that stay float" in reasons
    assert sum(op.code is OpCode.ADD and op.output.dtype is DType.FLOAT32
               for op in n.model.main.ops) == 2  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2])
def test_the_distance_holds_for_every_float_that_is_rounded(steps: int) -> None:
    """A sum of an int8 tensor and any float within the range of its QUANTIZE."""
    n = Net()
    x = n.input((1, 4096), DType.FLOAT32)
    kept = n.input((1, 4096), quant=(0.03, 4))
    quantized = back(n, x, (0.02, 5))
    n.output(quantized, back(n, plus(n, real(n, kept), x), (0.041, -3)))
    before = write_bytes(n.model)
    trace = apply(n.model, RoundIslands(steps))
    assert [hit.rule for hit in trace.hits] == ["round-islands"]
    rng = np.random.default_rng(0)
    floats = rng.uniform(0.02 * -133, 0.02 * 122, (1, 4096)).astype(np.float32)
    feeds: list[Array] = [floats, rng.integers(-128, 128, (1, 4096)).astype(np.int8)]
    one, two = (runtime().run("tflm", d, [feeds])[0] for d in (before, write_bytes(n.model)))
    apart = np.abs(one[1].astype(int) - two[1].astype(int))
    assert np.array_equal(one[0], two[0])
    assert 0 < apart.max() <= 1
