"""``merge-duplicates``: equal operators on equal inputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Config, Runtime
from tflopt.ir import OpCode, Value
from tflopt.ir.parse import parse
from tflopt.rules.constants.merge_duplicates import MergeDuplicates
from tflopt.rules.pipeline import run_pipeline
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = MergeDuplicates(Always())


def test_equal_branches_merge_from_their_start() -> None:
    n = Kit()
    x = n.feed(1, 4, 4, 2)
    one, two = (n.relu(n.pool(OpCode.MAX_POOL_2D, x, (2, 2))) for _ in range(2))
    n.output(n.concat(one, two, axis=3))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,4,4,2]{0.05,3}) -> %3
          %1: i8[1,4,4,2]{0.05,3} = MAX_POOL_2D(%0) stride_w=1 stride_h=1 filter_width=2 filter_height=2
          %2: i8[1,4,4,2]{0.05,3} = RELU(%1)
          %3: i8[1,4,4,4]{0.05,3} = CONCATENATION(%2, %2) axis=3
        """,  # noqa: E501
        hits=2,
    )


def test_constants_count_by_their_bytes() -> None:
    n = Kit()
    x = n.feed(1, 6)
    parts = [n.slice(x, [0, 2], [1, 3]) for _ in range(2)]
    n.output(n.add(*parts))
    check_rule(n.model, RULE, hits=1)


def test_operators_with_several_outputs() -> None:
    n = Kit()
    x = n.feed(2, 4)
    (a, b), (c, d) = n.split(x, 2), n.split(x, 2)
    n.output(n.add(a, d), n.add(c, b))
    check_rule(n.model, RULE, hits=1)


def test_an_output_of_the_model_keeps_its_name() -> None:
    n = Kit()
    x = n.feed(2, 4)
    one, two = n.relu(x), n.relu(x)
    two.name = "result"
    n.output(n.add(one, one), two)
    copy = check_rule(n.model, RULE, hits=1)
    assert copy.main.outputs[1].name == "result"


def test_declines_two_outputs_of_the_model() -> None:
    n = Kit()
    x = n.feed(2, 4)
    n.output(n.relu(x), n.relu(x))
    check_declines(n.model, RULE, "the outputs of the model are tensors of their own")


def test_declines_by_cost() -> None:
    n = Kit()
    x = n.feed(2, 4)
    n.output(n.add(n.relu(x), n.relu(x)))
    check_declines_by(n.model, MergeDuplicates(Never()), "keeping one result isn't better")


def other_options(n: Kit, x: Value) -> tuple[Value, Value]:
    one, two = ((2, 2), (3, 3))
    return n.pool(OpCode.MAX_POOL_2D, x, one), n.pool(OpCode.MAX_POOL_2D, x, two)


def other_constants(n: Kit, x: Value) -> tuple[Value, Value]:
    return n.conv2d(x, 2), n.conv2d(x, 2)


def other_quantization(n: Kit, x: Value) -> tuple[Value, Value]:
    one, two = ((0.05, 3), (0.06, 3))
    return n.unary(OpCode.RELU, x, quant=one), n.unary(OpCode.RELU, x, quant=two)


def other_order(n: Kit, x: Value) -> tuple[Value, Value]:
    y = n.relu(x)
    return n.binary(OpCode.SUB, x, y), n.binary(OpCode.SUB, y, x)


@pytest.mark.parametrize("build", [other_options, other_constants, other_quantization, other_order])
def test_leaves_alone(build: Callable[[Kit, Value], tuple[Value, Value]]) -> None:
    n = Kit()
    n.output(*build(n, n.feed(1, 4, 4, 2)))
    check_leaves_alone(n.model, RULE)


def test_the_first_of_two_merges_before_it_becomes_another_form() -> None:
    """A table for the one would leave the other as it is."""
    model = parse(
        """
        graph(%0: i8[1,1,9,4]{0.1,0}) -> %4
          %1: i8[1,1,9,4]{0.1,0} = REVERSE_V2(%0, [3])
          %2: i8[1,1,9,4]{0.00390625,-128} = LOGISTIC(%1)
          %3: i8[1,1,9,4]{0.00390625,-128} = LOGISTIC(%1)
          %4: i8[1,1,9,4]{0.0078125,-128} = ADD(%2, %3)
        """
    )
    run_pipeline(model, config=Config(device=Device.of("cortex-m0"), runtime=Runtime.TFLM))
    codes = [op.code for op in model.main.ops]
    assert OpCode.ADD not in codes
    assert codes[:2] == [OpCode.REVERSE_V2, OpCode.LOGISTIC]
