"""``look-up-layers``: a network of one number is a table of its 256 answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import apply, check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.runtime import runtime
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Goal
from tflopt.io import write_bytes
from tflopt.ir import Activation, DType, OpCode, Quantization, Value
from tflopt.ir.node import Array
from tflopt.ir.options import FullyConnectedOptions
from tflopt.rules.forms.look_up_layers import LookUpLayers
from tflopt.search.worth import Worth
from tflopt.target import Target
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = LookUpLayers(Always())
RELU = Activation.RELU


def number(*units: int, quant: tuple[float, int] = (0.02, -5)) -> Kit:
    """Dense layers of one number."""
    n = Kit()
    x = n.input((1, 1), quant=quant)
    for count in units:
        x = n.fully_connected(x, count, activation=RELU if count > 1 else Activation.NONE)
    n.output(x)
    return n


def test_one_layer() -> None:
    check_rule(
        number(1).model,
        RULE,
        """
        graph(%0: i8[1,1]{0.02,-5}) -> %3
          %1: i32[1,1] = CAST(%0) in_data_type=9 out_data_type=2
          %2: i32[1,1] = ADD(%1, [128])
          %3: i8[1,1]{0.05,3} = GATHER(const i8[256]{0.05,3}, %2)
        """,
        hits=1,
        runners=["tflm"],
    )


def test_a_row_for_each_value() -> None:
    check_rule(
        number(7).model,
        RULE,
        """
        graph(%0: i8[1,1]{0.02,-5}) -> %4
          %1: i8[1]{0.02,-5} = RESHAPE(%0, [1]) new_shape=[1]
          %2: i32[1] = CAST(%1) in_data_type=9 out_data_type=2
          %3: i32[1] = ADD(%2, [128])
          %4: i8[1,7]{0.05,3} = GATHER(const i8[256,7]{0.05,3}, %3)
        """,
        hits=1,
        runners=["tflm"],
    )


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_all_256_inputs_of_a_network(core: str) -> None:
    """Of hello_world's layers."""
    model = number(16, 16, 1).model
    rule = LookUpLayers(Worth(Goal.SPEED, Device(Target.parse(core))))
    copy = check_rule(model, rule, hits=1, runners=["tflm"])
    assert [op.code for op in copy.main.ops] == [OpCode.CAST, OpCode.ADD, OpCode.GATHER]
    samples: list[list[Array]] = [[np.full((1, 1), each, np.int8)] for each in range(-128, 128)]
    one, two = (runtime().run("tflm", write_bytes(each), samples) for each in (model, copy))
    for first, second in zip(one, two, strict=True):
        assert np.array_equal(first[0], second[0])
    assert len({int(first[0][0, 0]) for first in one}) > 10


def test_a_stretch_ends_where_another_value_comes_in() -> None:
    """And goes on through views and operators of one tensor."""
    n = Kit()
    x = n.fully_connected(n.input((1, 1), quant=(0.02, 0)), 64, activation=RELU)
    x = n.unary(OpCode.LOGISTIC, n.reshape(x, 1, 8, 8), quant=(1 / 256, -128))
    n.output(n.binary(OpCode.ADD, x, n.feed(1, 8, 8)))
    copy = check_rule(n.model, LookUpLayers(Worth(Goal.SPEED)), hits=1, runners=["tflm"])
    codes = [op.code for op in copy.main.ops]
    assert codes == [OpCode.RESHAPE, OpCode.CAST, OpCode.ADD, OpCode.GATHER, OpCode.ADD]
    assert copy.main.ops[3].output.shape == (1, 8, 8)


def test_what_others_read_stays() -> None:
    """The stretch ends at a value that is read twice."""
    n = Kit()
    x = n.fully_connected(n.input((1, 1), quant=(0.02, 0)), 6)
    n.output(n.fully_connected(x, 2), n.unary(OpCode.TANH, x, quant=(1 / 128, 0)))
    copy = check_rule(n.model, RULE, hits=1, runners=["tflm"])
    assert [op.code for op in copy.main.ops[-3:]] == [
        OpCode.GATHER,
        OpCode.FULLY_CONNECTED,
        OpCode.TANH,
    ]


def test_another_form_that_costs_more() -> None:
    check_declines_by(number(1).model, LookUpLayers(Never()), "a table isn't better")


def test_a_bias_that_overflows() -> None:
    """What C leaves undefined isn't looked up."""
    n = Kit()
    x = n.input((1, 1), quant=(100.0, 0))
    weights = n.constant([[100]], DType.INT8, quant=Quantization.per_tensor(1.0))
    bias = n.constant([2**30], DType.INT32, quant=Quantization.per_tensor(100.0))
    options = FullyConnectedOptions()
    y = n.op(OpCode.FULLY_CONNECTED, [x, weights, bias], (1, 1), options=options, version=4)
    n.output(y)
    assert not apply(n.model, RULE).hits


def two_numbers(n: Kit) -> Value:
    return n.fully_connected(n.input((1, 2), quant=(0.02, 0)), 1)


def two_rows(n: Kit) -> Value:
    return n.fully_connected(n.input((2, 1), quant=(0.02, 0)), 1)


def too_many(n: Kit) -> Value:
    return n.fully_connected(n.input((1, 1), quant=(0.02, 0)), 257)


def computed_weights(n: Kit) -> Value:
    options = FullyConnectedOptions()
    inputs = [n.input((1, 1), quant=(0.02, 0)), n.input((3, 1), quant=(0.02, 0)), None]
    return n.op(OpCode.FULLY_CONNECTED, inputs, (1, 3), options=options, version=4)


@pytest.mark.parametrize("build", [two_numbers, two_rows, too_many, computed_weights])
def test_leaves_alone(build: Callable[[Kit], Value]) -> None:
    n = Kit()
    n.output(build(n))
    check_leaves_alone(n.model, RULE)
