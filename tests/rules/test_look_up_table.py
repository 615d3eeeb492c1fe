"""``look-up-table``: a table of 256 bytes for an int8 operator of one tensor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.field import field_case
from tests.support.kit import Kit, Quant
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Goal
from tflopt.facts.tables import table
from tflopt.io import read
from tflopt.ir import OpCode
from tflopt.ir.options import LeakyReluOptions
from tflopt.rules.forms.look_up_table import LookUpTable
from tflopt.rules.islands.look_up_island import LookUpIsland
from tflopt.search.worth import Worth
from tflopt.target import Target
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = LookUpTable(Always())
DEVICES = [Device(Target.parse(name)) for name in ("cortex-m4", "cortex-m55")]
OUTPUTS: dict[OpCode, Quant] = {OpCode.LOGISTIC: (1 / 256, -128), OpCode.TANH: (1 / 128, 0)}


def sigmoid(
    scale: float, zero_point: int = 3, code: OpCode = OpCode.LOGISTIC, size: int = 64
) -> Kit:
    n = Kit()
    n.output(n.unary(code, n.input((1, size), quant=(scale, zero_point)), quant=OUTPUTS[code]))
    return n


def test_a_logistic() -> None:
    n = sigmoid(0.02)
    results = table(n.model.main.ops[0])
    copy = check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,64]{0.02,3}) -> %3
          %1: i32[1,64] = CAST(%0) in_data_type=9 out_data_type=2
          %2: i32[1,64] = ADD(%1, [128])
          %3: i8[1,64]{0.00390625,-128} = GATHER(const i8[256]{0.00390625,-128}, %2)
        """,
        hits=1,
        runners=["tflm"],
    )
    entries = copy.main.ops[2].inputs[0]
    assert entries is not None
    assert results is not None
    assert np.array_equal(entries.array(), results[0])


@pytest.mark.parametrize("code", [OpCode.LOGISTIC, OpCode.TANH])
@pytest.mark.parametrize("scale", [0.002, 0.02, 0.05])
@pytest.mark.parametrize("zero_point", [-128, 5, 127])
def test_every_input(code: OpCode, scale: float, zero_point: int) -> None:
    """The samples hold all 256 values."""
    check_rule(sigmoid(scale, zero_point, code, 512).model, RULE, hits=1, runners=["tflm"])


def test_other_operators() -> None:
    n = Kit()
    x = n.feed(1, 4, 4, 32)
    leaky = n.op(OpCode.LEAKY_RELU, [x], x.shape, options=LeakyReluOptions(0.1), version=2)
    n.output(n.unary(OpCode.HARD_SWISH, leaky))
    check_rule(n.model, RULE, hits=2, runners=["tflm"])


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_what_saturates_decides(device: Device) -> None:
    """Not where most inputs saturate, nor for a few elements."""
    rule = LookUpTable(Worth(Goal.SPEED, device))
    check_rule(sigmoid(0.02, size=200).model, rule, hits=1, runners=["tflm"])
    for model in (sigmoid(3.0, size=200).model, sigmoid(0.02, size=2).model):
        check_declines_by(model, rule, "a table isn't better")
    assert not apply(read(field_case("L4_logistic_i8")), rule).hits


def test_half_of_what_may_be_computed_has_to_pay() -> None:
    """Of 256 values 29 are computed: 54 instructions an element if all are met alike."""
    rule = LookUpTable(Worth(Goal.SPEED))
    reason = "a table pays only if few of its inputs saturate"
    check_declines(sigmoid(0.6, size=2000).model, rule, reason)


def test_declines() -> None:
    check_declines_by(sigmoid(0.02).model, LookUpTable(Never()), "a table isn't better")


def test_leaves_alone() -> None:
    n = Kit()
    n.output(n.softmax(n.feed(1, 8)))
    check_leaves_alone(n.model, RULE)


def silu(*, hard: bool = False) -> Kit:
    """As litert-torch leaves one behind each convolution: floats between two int8 tensors."""
    n = Kit()
    x = n.dequantize(n.input((1, 8, 8, 16), quant=(0.06, -10)))
    if hard:
        moved = n.binary(OpCode.ADD, x, n.floats([3.0]))
        gate = n.binary(OpCode.MUL, n.unary(OpCode.RELU6, moved), n.floats([1 / 6]))
    else:
        gate = n.unary(OpCode.LOGISTIC, x)
    n.output(n.quantize(n.binary(OpCode.MUL, x, gate), (0.03, -119)))
    return n


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_a_float_tail(hard: bool, device: Device) -> None:
    rule = LookUpIsland(replace(Worth(Goal.SPEED), device=device))
    copy = check_rule(silu(hard=hard).model, rule, hits=1, runners=["tflm"])
    assert [op.code for op in copy.main.ops] == [OpCode.CAST, OpCode.ADD, OpCode.GATHER]


@pytest.mark.parametrize("code", [OpCode.ELU, OpCode.EXP])
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_a_function_of_the_c_library(code: OpCode, device: Device) -> None:
    """Keras writes an ELU in float, for which LiteRT's reference kernels have nothing."""
    n = Kit()
    x = n.dequantize(n.input((1, 8, 8, 16), quant=(0.02, -10)))
    n.output(n.quantize(n.unary(code, x), (0.06, -119)))
    rule = LookUpIsland(replace(Worth(Goal.SPEED), device=device))
    runners = ["tflm"] if code is OpCode.ELU else ["tflm", "litert"]
    copy = check_rule(n.model, rule, hits=1, runners=runners)
    assert [op.code for op in copy.main.ops] == [OpCode.CAST, OpCode.ADD, OpCode.GATHER]
