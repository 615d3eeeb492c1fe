"""Operators that may compute the same are found by what they read, in the order of the graph."""

from __future__ import annotations

import numpy as np
import pytest

from tflopt.ir import DType, Op, OpCode
from tflopt.ir.builder import Builder
from tflopt.ir.options import SliceOptions
from tflopt.rewrite import Rewriter
from tflopt.search.alike import SAMPLE_BYTES, Alike

pytestmark = pytest.mark.unit


def three_relus() -> tuple[Builder, list[Op]]:
    b = Builder()
    x = b.input((1, 4), quant=(0.1, 0))
    b.output(*(b.op(OpCode.RELU, [x], (1, 4)) for _ in range(3)))
    return b, b.graph.ops


def test_those_before_it_come_in_order() -> None:
    _, ops = three_relus()
    alike = Alike()
    assert [*alike.earlier(ops[2])] == [ops[0], ops[1]]
    assert [*alike.earlier(ops[1])] == [ops[0]]
    assert not [*alike.earlier(ops[0])]


def test_an_operator_that_went_or_changed_is_found_no_more_once_that_is_told() -> None:
    b, ops = three_relus()
    first, second, third = ops
    alike, rw = Alike(), Rewriter(b.model)
    assert [*alike.earlier(third)] == [first, second]
    rw.set_code(second, OpCode.RELU6, None)
    b.graph.outputs[0] = third.output
    rw.remove(first)
    alike.alter(rw.altered)
    assert not [*alike.earlier(third)]


def test_an_operator_that_came_later_is_found_where_it_stands() -> None:
    b, ops = three_relus()
    first, third = ops[0], ops[2]
    alike, rw = Alike(), Rewriter(b.model)
    assert not [*alike.earlier(first)]
    came = rw.insert(first, OpCode.RELU, [b.graph.inputs[0]], [rw.value(first.output)])
    alike.alter(rw.altered)
    assert [*alike.earlier(third)] == [came, first, ops[2]]
    assert [*alike.earlier(first)] == [came]


def test_constants_tell_apart_and_two_of_equal_bytes_do_not() -> None:
    b = Builder()
    x = b.input((1, 8), quant=(0.1, 0))
    size = b.constant([1, 2])
    for begin in (0, 4, 0):
        read = [x, b.constant([0, begin]), size]
        b.output(b.op(OpCode.SLICE, read, (1, 2), options=SliceOptions()))
    first, second, third = b.graph.ops
    alike = Alike()
    assert not [*alike.earlier(second)]
    assert [*alike.earlier(third)] == [first]


def test_of_long_constants_only_the_beginning_is_compared() -> None:
    b = Builder()
    x = b.input((1, 2 * SAMPLE_BYTES), quant=(0.1, 0))
    for last in (1, 2):
        data = np.zeros((1, 2 * SAMPLE_BYTES), np.int8)
        data[0, -1] = last
        b.output(b.op(OpCode.MAXIMUM, [x, b.constant(data, DType.INT8, (0.1, 0))], data.shape))
    first, second = b.graph.ops
    assert [*Alike().earlier(second)] == [first]
