"""``expand-depth-multiplier``: a depthwise convolution for each multiple."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.paths import TESTDATA
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Config, Goal, Runtime
from tflopt.io.files import load
from tflopt.ir import OpCode, Value
from tflopt.product.optimize import optimize
from tflopt.rules.forms import expand_depth_multiplier
from tflopt.rules.forms.expand_depth_multiplier import ExpandDepthMultiplier
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = ExpandDepthMultiplier(Always())


def before(n: Kit, multiplier: int = 2) -> Value:
    return n.depthwise(n.feed(1, 5, 5, 3), multiplier=multiplier)


def test_rewrites() -> None:
    n = Kit()
    n.output(n.conv2d(before(n), 4, (1, 1)))
    copy = check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,5,5,3]{0.05,3}) -> %4
          %1: i8[1,5,5,3]{0.05,3} = DEPTHWISE_CONV_2D(%0, const i8[1,3,3,3]{per-channel 3}, const i32[3]{per-channel 0}) stride_w=1 stride_h=1 depth_multiplier=1
          %2: i8[1,5,5,3]{0.05,3} = DEPTHWISE_CONV_2D(%0, const i8[1,3,3,3]{per-channel 3}, const i32[3]{per-channel 0}) stride_w=1 stride_h=1 depth_multiplier=1
          %3: i8[1,5,5,6]{0.05,3} = CONCATENATION(%1, %2) axis=3
          %4: i8[1,5,5,4]{0.05,3} = CONV_2D(%3, const i8[4,1,1,6]{per-channel 0}, const i32[4]{per-channel 0}) stride_w=1 stride_h=1
        """,  # noqa: E501
        hits=1,
    )
    joined = next(op for op in copy.main.ops if op.code is OpCode.CONCATENATION)
    assert joined.output.origin is None, "its channels stand in another order"
    biases = [op.operand(2) for op in copy.main.ops[:2]]
    assert [bias.ints() for bias in biases] == [(1918, -853, -1084), (-1677, -390, 405)]


def through_depthwise(n: Kit, x: Value) -> Value:
    return n.conv2d(n.depthwise(x), 4)


def through_relu(n: Kit, x: Value) -> Value:
    return n.conv2d(n.relu(x), 4)


def through_pool(n: Kit, x: Value) -> Value:
    return n.conv2d(n.pool(OpCode.MAX_POOL_2D, x, (2, 2), stride=(2, 2)), 4)


def into_dense(n: Kit, x: Value) -> Value:
    return n.fully_connected(n.reshape(x, 1, x.elements), 3)


def into_dense_by_pixel(n: Kit, x: Value) -> Value:
    return n.fully_connected(x, 3)


@pytest.mark.parametrize(
    "after", [through_depthwise, through_relu, through_pool, into_dense, into_dense_by_pixel]
)
@pytest.mark.parametrize("multiplier", [2, 5])
def test_the_order_is_absorbed_further_on(
    after: Callable[[Kit, Value], Value], multiplier: int
) -> None:
    """LiteRT's FULLY_CONNECTED is the same before and after."""
    n = Kit()
    n.output(after(n, before(n, multiplier)))
    check_rule(n.model, RULE, hits=1)


def output(n: Kit) -> str:
    n.output(before(n))
    return "no single reader whose weights could be reordered"


def two_readers(n: Kit) -> str:
    x = before(n)
    n.output(n.conv2d(x, 2), n.relu(x))
    return "no single reader whose weights could be reordered"


def joined(n: Kit) -> str:
    n.output(n.concat(before(n), n.feed(1, 5, 5, 2), axis=3))
    return "no single reader whose weights could be reordered"


def many(n: Kit) -> str:
    n.output(n.conv2d(before(n, 11), 2))
    return "CONCATENATION takes 10 inputs, not 11"


@pytest.mark.parametrize("build", [output, two_readers, joined, many])
def test_declines(build: Callable[[Kit], str]) -> None:
    n = Kit()
    reason = build(n)
    check_declines_by(n.model, RULE, reason)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("as_groups", [True, False])
def test_a_reader_with_groups_becomes_one_without(as_groups: bool, bias: bool) -> None:
    """Its channels lie apart then. Groups of one channel are a depthwise layer by another name."""
    n = Kit()
    x = n.conv2d(n.feed(1, 5, 5, 4), 8, groups=4) if as_groups else before(n)
    n.output(n.conv2d(n.relu(n.conv2d(x, 4, groups=2, bias=bias)), 2))
    runners = ["tflm", "litert"] if bias else ["tflm"]  # LiteRT's CONV_2D demands one
    copy = check_rule(n.model, RULE, hits=1, runners=runners)
    codes = [op.code.name for op in copy.main.ops]
    assert codes == ["DEPTHWISE_CONV_2D"] * 2 + ["CONCATENATION", "CONV_2D", "RELU", "CONV_2D"]
    assert copy.main.ops[3].operand(1).shape[3] == (8 if as_groups else 6)


def test_both_by_themselves_may_be_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    n = Kit()
    n.output(n.conv2d(before(n), 4, groups=2))
    monkeypatch.setattr(expand_depth_multiplier, "apart_instructions", lambda *_: 0)
    check_declines_by(n.model, RULE, "other forms of both take fewer instructions")


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33"])
def test_grouped_layers_in_a_row_are_fastest_together(core: str) -> None:
    """By themselves the first had four groups, and the second was split into four layers."""
    config = Config(Runtime.TFLM, goal=Goal.SPEED, device=Device.of(core, "4ab83cc"))
    result = optimize(load(TESTDATA / "grouped_conv.tflite")[0], config=config)
    assert predict_model(result, config.device).instructions <= 2_310_000


def test_declines_by_cost() -> None:
    n = Kit()
    n.output(n.conv2d(before(n), 2))
    rule = ExpandDepthMultiplier(Never())
    check_declines_by(n.model, rule, "2 DEPTHWISE_CONV_2D and a CONCATENATION isn't better")


def test_leaves_alone() -> None:
    n = Kit()
    n.output(n.conv2d(before(n, 1), 2), n.depthwise(n.feed(1, 4, 4, 1), multiplier=3))
    check_leaves_alone(n.model, RULE)
