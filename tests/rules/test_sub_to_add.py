"""``sub-to-add``: SUB of a constant."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit, Quant
from tests.support.worth import Always, Never, check_declines_by
from tflopt.ir import DType, OpCode
from tflopt.rules.forms.sub_to_add import SubToAdd

pytestmark = pytest.mark.runtime
RULE = SubToAdd(Always())


def sub(numbers: list[int], quant: Quant = (0.04, 0), out: Quant = (0.06, 3)) -> Kit:
    n = Kit()
    x = n.feed(2, len(numbers))
    n.output(n.binary(OpCode.SUB, x, n.constant(numbers, DType.INT8, quant), quant=out))
    return n


def test_rewrites() -> None:
    check_rule(
        sub([5, -3, 0]).model,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %1
          %1: i8[2,3]{0.06,3} = ADD(%0, const i8[2,3]{0.04,-123})
        """,
        hits=1,
    )


@pytest.mark.parametrize("zero_point", [-128, -5, 0, 127])
@pytest.mark.parametrize("numbers", [[-128, -1], [127, 0], [1, 2]])
def test_every_offset_that_fits(numbers: list[int], zero_point: int) -> None:
    check_rule(sub(numbers, (0.05, zero_point), (0.1, 3)).model, RULE, hits=1)


def test_declines() -> None:
    check_declines_by(sub([5, 2]).model, SubToAdd(Never()), "ADD isn't better")
    check_declines(sub([-128, -1]).model, RULE, "ADD rounds differently from SUB")


def test_leaves_alone() -> None:
    n = Kit()
    x = n.feed(2, 3)
    n.output(n.binary(OpCode.SUB, x, n.relu(x)))
    n.output(n.binary(OpCode.SUB, n.level((2, 3)), x))
    n.output(n.binary(OpCode.ADD, x, n.level((2, 3))))
    check_leaves_alone(n.model, RULE)
