"""``remove-identity``: ADD, SUB and MUL with a constant that change nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT
from tests.support.kit import Kit
from tflopt.ir import Activation, DType, OpCode, Value
from tflopt.ir.options import AddOptions
from tflopt.rules.constants.remove_identity import RemoveIdentity

pytestmark = pytest.mark.runtime
RULE = RemoveIdentity()
ONE = (1 / 64, 0)


def zero(n: Kit, *shape: int) -> Value:
    return n.constant([[9] * 3] if shape else 9, DType.INT8, (0.02, 9))


def one(n: Kit) -> Value:
    return n.constant([64], DType.INT8, ONE)


def add_zero(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.ADD, x, zero(n, 1, 3))


def zero_add(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.ADD, zero(n, 1, 3), x, quant=QUANT)


def sub_zero(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.SUB, x, zero(n, 1, 3))


def mul_one(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.MUL, x, one(n))


def nearly_zero(n: Kit, x: Value) -> Value:
    """An offset of a tenth of a step rounds to nothing for every input."""
    return n.binary(OpCode.ADD, x, n.constant([[1, 0, -1]], DType.INT8, (0.005, 0)))


@pytest.mark.parametrize("build", [add_zero, zero_add, sub_zero, mul_one, nearly_zero])
def test_rewrites(build: Callable[[Kit, Value], Value]) -> None:
    n = Kit()
    n.output(n.relu(build(n, n.relu(n.feed(1, 3)))))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,3]{0.05,3}) -> %2
          %1: i8[1,3]{0.05,3} = RELU(%0)
          %2: i8[1,3]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )


def test_declines_between_input_and_output() -> None:
    n = Kit()
    n.output(add_zero(n, n.feed(1, 3)))
    reason = "it stands between an input or constant of the model and an output"
    check_declines(n.model, RULE, reason)


def changes(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.ADD, x, n.constant([[0, 0, 20]], DType.INT8, (0.01, 0)))


def from_zero(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.SUB, zero(n, 1, 3), x, quant=QUANT)


def clamps(n: Kit, x: Value) -> Value:
    options = AddOptions(Activation.RELU)
    return n.op(OpCode.ADD, [x, zero(n, 1, 3)], x.shape, options=options, version=2)


def requantizes(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.ADD, x, zero(n, 1, 3), quant=(0.1, 3))


def broadcasts(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.ADD, x, n.constant([[9] * 3] * 2, DType.INT8, (0.02, 9)))


def two_tensors(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.ADD, x, n.relu(x))


@pytest.mark.parametrize(
    "build", [changes, from_zero, clamps, requantizes, broadcasts, two_tensors]
)
def test_leaves_alone(build: Callable[[Kit, Value], Value]) -> None:
    n = Kit()
    n.output(n.relu(build(n, n.relu(n.feed(1, 3)))))
    check_leaves_alone(n.model, RULE)
