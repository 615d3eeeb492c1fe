"""``weigh-islands``: LOGISTIC, TANH and changes of scale between DEQUANTIZE and QUANTIZE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit, Quant
from tests.support.worth import Always, Never, check_declines_by
from tflopt.arith import floating
from tflopt.arith.affine import Affine
from tflopt.arith.binary import mul
from tflopt.arith.c_library import End
from tflopt.config import Config, Goal
from tflopt.facts.floats import BOUNDED
from tflopt.facts.tables import EVERY_INT8, LOGISTIC_OUTPUT, TANH_OUTPUT, unary_table
from tflopt.ir import DType, OpCode, Value
from tflopt.rules.islands.integerize_islands import IntegerizeIslands
from tflopt.rules.islands.round_islands import RoundIslands
from tflopt.rules.islands.weigh_islands import WeighIslands
from tflopt.rules.islands.weighed_forms import FACTOR, FACTOR_SCALE
from tflopt.rules.pipeline import run_pipeline
from tflopt.target import Target
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = WeighIslands(Always())
SHAPE = (1, 4, 8, 8)
OUTPUTS = {OpCode.LOGISTIC: LOGISTIC_OUTPUT, OpCode.TANH: TANH_OUTPUT}
Build = Callable[[Kit], Value]


def sigmoid(
    n: Kit, code: OpCode = OpCode.LOGISTIC, quant: Quant = (0.05, 3), out: Quant | None = None
) -> Value:
    y = n.unary(code, n.dequantize(n.input(SHAPE, quant=quant)))
    return n.quantize(y, OUTPUTS[code] if out is None else out)


@pytest.mark.parametrize("code", OUTPUTS)
def test_sigmoids(code: OpCode) -> None:
    n = Kit()
    n.output(sigmoid(n, code))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code for op in copy.main.ops] == [code]
    assert [hit.shown_by for hit in apply(n.model, RULE).hits] == ["enumeration of 256 values"]


def test_sigmoids_as_text() -> None:
    n = Kit()
    n.output(sigmoid(n))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,4,8,8]{0.05,3}) -> %1
          %1: i8[1,4,8,8]{0.00390625,-128} = LOGISTIC(%0)
        """,
    )


def test_another_zero_point_takes_a_quantize() -> None:
    n = Kit()
    n.output(sigmoid(n, out=(1 / 256, 0)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["LOGISTIC", "QUANTIZE"]


@pytest.mark.parametrize("code", OUTPUTS)
def test_random_scales(code: OpCode) -> None:
    """Nearly all are equal; whatever is rewritten gives the same bits."""
    rng = np.random.default_rng(5)
    n, count = Kit(), 24
    quants = [
        (float(2.0 ** rng.uniform(-9, -1)), int(rng.integers(-128, 128))) for _ in range(count)
    ]
    n.output(*(sigmoid(n, code, quant) for quant in quants))
    hits = apply(n.model, RULE).counts["weigh-islands"]
    assert hits >= count - 3
    n = Kit()
    n.output(*(sigmoid(n, code, quant) for quant in quants))
    check_rule(n.model, RULE, hits=hits)


def scaled(n: Kit, shape: tuple[int, ...] = SHAPE) -> Value:
    """A third of the scale, which QUANTIZE rounds twice."""
    return n.quantize(n.dequantize(n.input(shape, quant=(0.0213, 3))), (0.0651, -9))


@pytest.mark.parametrize(("pick", "name"), [(0, "MUL"), (1, "DEPTHWISE_CONV_2D")])
def test_a_change_of_scale(pick: int, name: str) -> None:
    n = Kit()
    n.output(scaled(n))
    assert not apply(n.model, IntegerizeIslands()).hits
    copy = check_rule(n.model, WeighIslands(Always(pick=pick)), hits=1)
    assert [op.code.name for op in copy.main.ops] == [name]


def test_a_change_of_scale_and_a_clamp() -> None:
    n = Kit()
    y = n.unary(OpCode.RELU, n.dequantize(n.input((2, 40), quant=(0.0213, 3))))
    n.output(n.quantize(y, (0.0651, -9)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["MUL"]


def test_wide_tensors_get_a_bias() -> None:
    n = Kit()
    n.output(scaled(n, (1, 1, 1, 200)))
    copy = check_rule(n.model, WeighIslands(Always(pick=1)), hits=1)
    assert len(copy.main.ops[0].inputs) == 3


def finest(n: Kit) -> Value:
    """LOGISTIC's fixed scale is too coarse for this one."""
    return sigmoid(n, out=(1 / 1024, -128))


def twice(n: Kit) -> Value:
    x = n.unary(OpCode.TANH, n.dequantize(n.feed(*SHAPE)))
    return n.quantize(n.unary(OpCode.LOGISTIC, x), LOGISTIC_OUTPUT)


def squared(n: Kit) -> Value:
    y = n.unary(OpCode.LOGISTIC, n.dequantize(n.feed(*SHAPE)))
    return n.quantize(n.binary(OpCode.MUL, y, y), LOGISTIC_OUTPUT)


@pytest.mark.parametrize("build", [twice, squared])
def test_declines_what_the_ends_do_not_bound(build: Build) -> None:
    n = Kit()
    n.output(build(n))
    reason = "what it makes of a C library's function isn't known by its ends"
    check_declines(n.model, RULE, reason)


def test_declines_where_no_form_is_equal() -> None:
    n = Kit()
    n.output(finest(n))
    check_declines_by(n.model, RULE, "every int8 form rounds differently from the floats: ")


def test_declines_a_scale_that_no_operator_takes() -> None:
    n = Kit()
    n.output(sigmoid(n, quant=(5.0, 0)))
    check_declines(n.model, RULE, "no int8 operator takes these scales")


def test_declines_what_is_not_better() -> None:
    n = Kit()
    n.output(sigmoid(n))
    check_declines_by(n.model, WeighIslands(Never()), "an int8 form isn't better for the goal ")


def plain(n: Kit) -> Value:
    """QUANTIZE is equal or the nearest: another rule's."""
    return n.quantize(n.dequantize(n.input(SHAPE, quant=(0.031, -7))), (0.05, 3))


def two_tensors(n: Kit) -> Value:
    y = n.unary(OpCode.LOGISTIC, n.dequantize(n.feed(*SHAPE)))
    return n.quantize(n.binary(OpCode.MUL, n.dequantize(n.feed(*SHAPE)), y), (0.05, 3))


def floats(n: Kit) -> Value:
    return n.quantize(n.unary(OpCode.TANH, n.input(SHAPE, DType.FLOAT32)), TANH_OUTPUT)


@pytest.mark.parametrize("build", [plain, two_tensors, floats])
def test_leaves_alone(build: Build) -> None:
    n = Kit()
    n.output(build(n))
    check_leaves_alone(n.model, RULE)


@pytest.mark.parametrize(
    ("goal", "target", "takes"),
    [
        (Goal.BALANCED, "cortex-m3", True),
        (Goal.BALANCED, "cortex-m55", False),
        (Goal.MEMORY, "cortex-m55", True),
    ],
)
def test_the_goal_and_the_core_decide(goal: Goal, target: str, takes: bool) -> None:
    """Where there is a floating-point unit, TFLM's int8 LOGISTIC takes more instructions."""
    n = Kit()
    n.output(sigmoid(n))
    config = Config(device=Device(Target.parse(target)), goal=goal)
    trace = run_pipeline(n.model, None, config)
    assert bool(trace.counts["weigh-islands"]) == takes


def test_they_are_not_rounded() -> None:
    n = Kit()
    n.output(finest(n))
    check_declines(n.model, RoundIslands(1), "what a C library gives is not rounded")


def equal_sigmoids(code: OpCode, count: int) -> int:
    """Of ``count`` random scales and zero points, those whose 256 values are all equal."""
    rng, target, equal = np.random.default_rng(0), Affine.make(*OUTPUTS[code]), 0
    for _ in range(count):
        source = Affine.make(2.0 ** rng.uniform(-10, -1), int(rng.integers(-128, 128)))
        x = floating.dequantize(EVERY_INT8, source)
        found = unary_table(code, None, source, target)
        assert found is not None
        ends = (floating.quantize(BOUNDED[code](x, end), target) for end in End)
        equal += all(np.array_equal(found[0], end) for end in ends)
    return equal


def equal_changes(count: int) -> tuple[int, int, int]:
    """Of random pairs with a scale more than twice as coarse: all, and equal QUANTIZE and MUL."""
    rng, quantize, product = np.random.default_rng(0), 0, 0
    for _ in range(count):
        scale, *zeros = rng.uniform(0.001, 0.1), *rng.integers(-128, 128, 2)
        source = Affine.make(scale, int(zeros[0]))
        target = Affine.make(scale * rng.uniform(2, 8), int(zeros[1]))
        wanted = floating.quantize(floating.dequantize(EVERY_INT8, source), target)
        found = unary_table(OpCode.QUANTIZE, None, source, target)
        quantize += bool(np.all(found == wanted))
        factor = Affine.make(*FACTOR_SCALE)
        product += np.array_equal(mul(EVERY_INT8, FACTOR, source, factor, target), wanted)
    return count, quantize, product


@pytest.mark.parametrize(("code", "equal"), [(OpCode.LOGISTIC, 990), (OpCode.TANH, 997)])
def test_how_many_sigmoids_are_equal(code: OpCode, equal: int) -> None:
    """The numbers of ``docs/exactness.md``."""
    assert equal_sigmoids(code, 1000) == equal


def test_how_many_changes_of_scale_are_equal() -> None:
    """QUANTIZE in 4 of 1,000, MUL in 813."""
    assert equal_changes(1000) == (1000, 4, 813)
