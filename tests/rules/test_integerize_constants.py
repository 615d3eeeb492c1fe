"""``integerize-islands`` over constants."""

from __future__ import annotations

import numpy as np
import pytest

from tests.rules.test_integerize_islands import EVEN, RULE, SHAPE, back, names, plus, real
from tests.support.check_rule import apply, check_rule
from tests.support.graphs import QUANT, Net
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import AddOptions

pytestmark = pytest.mark.runtime


@pytest.mark.parametrize("swap", [False, True])
def test_a_constant_is_a_tensor_like_others(swap: bool) -> None:
    """Only the numbers that it has are looked at."""
    n = Net()
    numbers = np.arange(96, dtype=np.int8).reshape(2, 48) % 3 - 1
    x, y = real(n, n.constant(numbers, DType.INT8, EVEN)), real(n, n.input((2, 48), quant=EVEN))
    total = plus(n, y, x) if swap else plus(n, x, y)
    n.output(back(n, total, (0.125, 0)))
    copy = check_rule(n.model, RULE, hits=1)
    assert names(copy.main.ops) == ["ADD"]
    assert [hit.shown_by for hit in apply(n.model, RULE).hits] == ["enumeration of 768 values"]


def of_constants(n: Net, code: OpCode, rows: int = 1) -> Value:
    """LOGISTIC and others of a sum of two constants."""
    numbers = np.arange(48, dtype=np.int8)[None].repeat(rows, axis=0)
    one = real(n, n.constant(numbers, DType.INT8, EVEN))
    two = real(n, n.constant(numbers[:1], DType.INT8, QUANT))
    return n.op(code, [n.op(OpCode.ADD, [one, two], (rows, 48), options=AddOptions())], (rows, 48))


@pytest.mark.parametrize("code", [OpCode.LOGISTIC, OpCode.TANH, OpCode.RELU])
def test_an_island_over_constants_is_a_constant(code: OpCode) -> None:
    n = Net()
    x = back(n, of_constants(n, code), (0.1, 3))
    n.output(n.add(x, n.feed(*SHAPE)))
    copy = check_rule(n.model, RULE, hits=1)
    assert names(copy.main.ops) == ["ADD"]


def test_an_output_of_constants_is_copied() -> None:
    n = Net()
    n.output(back(n, of_constants(n, OpCode.RELU), (0.1, 3)), n.relu(n.feed(*SHAPE)))
    copy = check_rule(n.model, RULE, hits=1)
    assert sorted(names(copy.main.ops)) == ["RELU", "RESHAPE"]


def test_constants_that_libraries_compute_differently_stay() -> None:
    """TANH of so small a number is that number, and half of an odd one is rounded up or down."""
    n = Net()
    odd = real(n, n.constant(np.arange(1, 97, 2)[None], DType.INT8, (1e-6, 0)))
    n.output(back(n, n.op(OpCode.TANH, [odd], SHAPE), (2e-6, 0)))
    assert not apply(n.model, RULE).hits
