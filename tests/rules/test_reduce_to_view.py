"""``reduce-to-view``: reductions over axes of size 1."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit, Quant
from tflopt.ir import OpCode
from tflopt.rules.views.reduce_to_view import ReduceToView

pytestmark = pytest.mark.runtime
RULE = ReduceToView()
CODES = (OpCode.MEAN, OpCode.SUM, OpCode.REDUCE_MAX, OpCode.REDUCE_MIN)


def reduced(code: OpCode, *axes: int, out: Quant | None = None, keep: bool = False) -> Kit:
    n = Kit()
    n.output(n.relu(n.reduce(code, n.relu(n.feed(1, 3, 1, 2)), axes, keep=keep, quant=out)))
    return n


@pytest.mark.parametrize("code", CODES)
def test_rewrites(code: OpCode) -> None:
    check_rule(
        f"""
        graph(%0: i8[1,3,1,2]{{0.05,3}}) -> %3
          %1: i8[1,3,1,2]{{0.05,3}} = RELU(%0)
          %2: i8[3,2]{{0.05,3}} = {code.name}@2(%1, [0, 2])
          %3: i8[3,2]{{0.05,3}} = RELU(%2)
        """,
        RULE,
        """
        graph(%0: i8[1,3,1,2]{0.05,3}) -> %3
          %1: i8[1,3,1,2]{0.05,3} = RELU(%0)
          %2: i8[3,2]{0.05,3} = RESHAPE(%1, [3, 2]) new_shape=[3, 2]
          %3: i8[3,2]{0.05,3} = RELU(%2)
        """,
        hits=1,
    )


@pytest.mark.parametrize("code", [OpCode.MEAN, OpCode.SUM])
@pytest.mark.parametrize("out", [(0.1, 3), (0.03, -100), (0.05, 20)])
def test_other_parameters_become_a_quantize(code: OpCode, out: Quant) -> None:
    # LiteRT's SUM of int8 rounds differently.
    runners = ["tflm"] if code is OpCode.SUM else ["tflm", "litert"]
    copy = check_rule(reduced(code, -2, out=out).model, RULE, hits=1, runners=runners)
    assert [op.code.name for op in copy.main.ops[1:3]] == ["QUANTIZE", "RESHAPE"]


def test_declines_a_maximum_that_relabels() -> None:
    n = reduced(OpCode.REDUCE_MAX, 2, out=(0.1, 3))
    check_declines(n.model, RULE, "it rounds differently from QUANTIZE")


@pytest.mark.parametrize("axes", [(1,), (2, 3), (0, 1, 2)])
def test_leaves_alone_more_than_one_element(axes: tuple[int, ...]) -> None:
    check_leaves_alone(reduced(OpCode.MEAN, *axes).model, RULE)


def test_leaves_alone_floats() -> None:
    check_leaves_alone(
        """
        graph(%0: f32[1,3]) -> %1
          %1: f32[3] = MEAN(%0, [0])
        """,
        RULE,
    )
