"""Tables of operators: what they cover, and what they leave out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.graphs import QUANT, Net
from tflopt.arith.affine import Affine
from tflopt.facts.tables import EVERY_INT8, at, compose, pair_table, single_operators, table
from tflopt.ir import Activation, DType, Op, OpCode
from tflopt.ir.options import AddOptions, MulOptions, QuantizeOptions

pytestmark = pytest.mark.unit


def operator(code: OpCode, quant: tuple[float, int] = QUANT) -> Op:
    n = Net()
    n.op(code, [n.feed(4)], (4,), quant=quant)
    return n.graph.ops[0]


def test_a_table_has_a_row_for_each_precision() -> None:
    results = table(operator(OpCode.RELU))
    assert results is not None
    assert results.shape == (2, 256)
    assert np.array_equal(results[0], np.maximum(EVERY_INT8, 3))


def test_the_precisions_can_differ() -> None:
    n = Net()
    x = n.input((4,), quant=(0.7522668838500977, 0))
    n.op(OpCode.RELU, [x], (4,), quant=(0.38089463114738464, 0))
    results = table(n.graph.ops[0])
    assert results is not None
    assert np.count_nonzero(results[0] != results[1]) == 2


@pytest.mark.parametrize("code", [OpCode.ELU, OpCode.NEG, OpCode.LOGISTIC, OpCode.SOFTMAX])
def test_no_table_where_the_result_is_not_fixed(code: OpCode) -> None:
    """ELU rests on the C library, NEG has no kernel, LOGISTIC needs its own output scale."""
    assert table(operator(code)) is None


def test_no_table_where_tflm_and_litert_differ() -> None:
    assert table(operator(OpCode.RELU6, (0.04, 3))) is None


def test_no_table_where_shifts_overflow() -> None:
    n = Net()
    x = n.input((4,), quant=(1000.0, 0))
    n.op(OpCode.QUANTIZE, [x], (4,), options=QuantizeOptions(), quant=(1e-5, 0))
    assert table(n.graph.ops[0]) is None


def test_a_constant_with_one_value_makes_a_table() -> None:
    n = Net()
    twelve = n.constant([12, 12, 12, 12], DType.INT8, (0.05, 0))
    n.op(OpCode.ADD, [n.feed(4), twelve], (4,), options=AddOptions())
    mixed = n.constant([12, 11, 12, 12], DType.INT8, (0.05, 0))
    n.op(OpCode.ADD, [n.feed(4), mixed], (4,), options=AddOptions())
    first, second = (table(op) for op in n.graph.ops)
    assert first is not None
    assert np.array_equal(first[0], np.minimum(EVERY_INT8 + 12, 127))
    assert second is None


def test_no_table_where_the_input_is_broadcast() -> None:
    n = Net()
    constant = n.constant([9, 9, 9, 9], DType.INT8, (0.05, 0))
    n.op(OpCode.MUL, [n.feed(1), constant], (4,), options=MulOptions())
    assert table(n.graph.ops[0]) is None


def test_composition_and_parts() -> None:
    relu, halve = table(operator(OpCode.RELU)), table(operator(OpCode.QUANTIZE, (0.1, 0)))
    assert relu is not None
    assert halve is not None
    both = compose(relu, halve)
    assert at(both, np.array([-128, 3, 23])).tolist() == [[0, 0, 10]] * 2


def test_tables_of_pairs() -> None:
    one = Affine.make(0.5, 0)
    results = pair_table(OpCode.ADD, one, one, one, Activation.NONE)
    assert results is not None
    assert results.shape == (2, 256, 256)
    assert results[0, 128 + 5, 128 + 7] == 12
    assert pair_table(OpCode.ADD, one, one, Affine.make(1e-7, 0), Activation.NONE) is None


def test_operators_between_two_scales() -> None:
    same = Affine.make(0.05, 3)
    found = {each.code for each in single_operators(same, same)}
    assert {OpCode.RELU, OpCode.RELU6, OpCode.QUANTIZE, OpCode.HARD_SWISH} == found
