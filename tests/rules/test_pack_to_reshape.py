"""``pack-to-reshape``: PACK and UNPACK of one tensor."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit
from tflopt.ir import OpCode, Value
from tflopt.ir.options import PackOptions, UnpackOptions
from tflopt.rules.views.pack_to_reshape import PackToReshape

pytestmark = pytest.mark.runtime
RULE = PackToReshape()


def pack(n: Kit, *values: Value) -> Value:
    shape = (len(values), *values[0].shape)
    return n.op(OpCode.PACK, values, shape, options=PackOptions(len(values), 0), version=2)


def test_pack() -> None:
    check_rule(
        """
        graph(%0: i8[2,3]{0.05,3}) -> %3
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[1,2,3]{0.05,3} = PACK@2(%1) values_count=1
          %3: i8[1,2,3]{0.05,3} = RELU(%2)
        """,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %3
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[1,2,3]{0.05,3} = RESHAPE(%1, [1, 2, 3]) new_shape=[1, 2, 3]
          %3: i8[1,2,3]{0.05,3} = RELU(%2)
        """,
        hits=1,
    )


def test_unpack() -> None:
    n = Kit()
    x = n.relu(n.feed(2, 1, 3))
    y = n.op(OpCode.UNPACK, [x], (2, 3), options=UnpackOptions(1, 1), version=2)
    n.output(n.relu(y))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["RELU", "RESHAPE", "RELU"]


@pytest.mark.parametrize("count", [2, 3])
def test_leaves_alone_several_tensors(count: int) -> None:
    n = Kit()
    x = n.relu(n.feed(2, 3))
    n.output(pack(n, *[x] * count))
    check_leaves_alone(n.model, RULE)


def test_declines_a_change_of_quantization() -> None:
    text = """
    graph(%0: i8[2,3]{0.05,3}) -> %2
      %1: i8[2,3]{0.05,3} = RELU(%0)
      %2: i8[1,2,3]{1.0,0} = PACK(%1) values_count=1
    """
    check_declines(text, RULE, "it changes the quantization of what it hands on")


def test_declines_a_snapshot_of_a_variable() -> None:
    n = Kit()
    state = n.value((2, 3), quant=(0.05, 3))
    state.is_variable = True
    n.output(pack(n, state))
    check_declines(n.model, RULE, "it copies a variable that may change later")


def test_declines_a_scalar() -> None:
    n = Kit()
    x = n.relu(n.feed(1))
    n.output(n.op(OpCode.UNPACK, [x], (), options=UnpackOptions(1, 0), version=2))
    check_declines(n.model, RULE, "RESHAPE to a scalar needs a shape of no elements")
