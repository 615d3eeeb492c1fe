"""``fold-unary-chain``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.diamonds import Build, calibrated, hard_sigmoid, hard_swish
from tests.support.graphs import QUANT, Net
from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tflopt.io import write_bytes
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ir.options import (
    AbsOptions,
    AddOptions,
    HardSwishOptions,
    LeakyReluOptions,
    MaximumMinimumOptions,
    MulOptions,
    Options,
    QuantizeOptions,
)
from tflopt.ir.verify import verify
from tflopt.rules.activations.fold_unary_chain import FoldUnaryChain

pytestmark = pytest.mark.runtime
RULE = FoldUnaryChain()
SHAPE = (1, 64)
OTHER = (0.021, -30)
OPTIONS: dict[OpCode, Options] = {
    OpCode.QUANTIZE: QuantizeOptions(),
    OpCode.ABS: AbsOptions(),
    OpCode.HARD_SWISH: HardSwishOptions(),
    OpCode.LEAKY_RELU: LeakyReluOptions(0.1),
}


def step(n: Net, x: Value, code: OpCode, quant: tuple[float, int] = QUANT) -> Value:
    options = OPTIONS.get(code)
    return n.op(code, [x], x.shape, options=options, quant=quant, version=2)


def chain(*steps: tuple[OpCode, tuple[float, int]], feed: tuple[float, int] = QUANT) -> Net:
    """Steps between two ADDs, so that neither end is a port."""
    n = Net()
    x = n.add(n.input(SHAPE, quant=feed), n.input(SHAPE, quant=feed))
    for code, quant in steps:
        x = step(n, x, code, quant)
    n.output(n.add(x, x))
    return n


def codes(net: Net) -> list[str]:
    copy = check_rule(net.model, RULE)
    return [op.code.name for op in copy.main.ops][1:-1]


RELU, QUANTIZE, ABS = OpCode.RELU, OpCode.QUANTIZE, OpCode.ABS


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([(RELU, QUANT), (RELU, QUANT)], ["RELU6"]),
        ([(RELU, QUANT), (ABS, QUANT)], ["RELU"]),
        ([(OpCode.RELU6, QUANT), (RELU, QUANT)], ["RELU6"]),
        ([(QUANTIZE, QUANT)], []),
        ([(RELU, QUANT), (QUANTIZE, OTHER)], ["RELU"]),
        ([(OpCode.LEAKY_RELU, QUANT), (RELU, QUANT)], ["RELU"]),
        ([(RELU, QUANT), (OpCode.LEAKY_RELU, OTHER)], ["RELU"]),
    ],
)
def test_one_operator_does_what_several_do(
    steps: list[tuple[OpCode, tuple[float, int]]], left: list[str]
) -> None:
    if left == ["RELU6"] and steps[0][0] is RELU:
        left = ["RELU"]  # 127 is 6.2
    assert codes(chain(*steps)) == left


def test_the_result_as_text() -> None:
    check_rule(
        chain((RELU, QUANT), (QUANTIZE, OTHER)).model,
        RULE,
        """
        graph(%0: i8[1,64]{0.05,3}, %1: i8[1,64]{0.05,3}) -> %4
          %2: i8[1,64]{0.05,3} = ADD(%0, %1)
          %3: i8[1,64]{0.021,-30} = RELU(%2)
          %4: i8[1,64]{0.021,-30} = ADD(%3, %3)
        """,
        hits=1,
    )


def test_quantize_that_only_relabels_becomes_a_reshape() -> None:
    """Scales a millionth apart round every number to itself."""
    assert codes(chain((QUANTIZE, (0.05 * (1 + 1e-6), 3)))) == ["RESHAPE"]


def test_there_and_back_is_the_identity_where_the_steps_are_as_fine() -> None:
    assert codes(chain((QUANTIZE, (0.0500001, 3)), (QUANTIZE, QUANT))) == []


@pytest.mark.parametrize("build", [hard_sigmoid, hard_swish])
@pytest.mark.parametrize("high", [2.0, 5.0])
def test_the_sixth_of_a_hard_swish_only_relabels(build: Build, high: float) -> None:
    """With scales as a calibration chooses them (docs/exactness.md)."""
    n = Kit()
    n.output(build(n, n.input(SHAPE, quant=calibrated(-4.0, high))))
    last = n.model.main.ops[-1]
    assert last.code is OpCode.MUL
    copy = check_rule(n.model, RULE, hits=1)
    assert copy.main.ops[-1].code is OpCode.RESHAPE
    assert len(copy.main.ops) == len(n.model.main.ops)


def test_only_values_that_can_occur_count() -> None:
    """After MINIMUM with 3 no value is above the zero point, so RELU gives one value only."""
    n = Net()
    x = n.add(n.feed(*SHAPE), n.feed(*SHAPE))
    for code, number in ((OpCode.MAXIMUM, 10), (OpCode.MAXIMUM, 5)):
        bound = n.constant(number, DType.INT8, QUANT)
        options = MaximumMinimumOptions()
        x = n.op(code, [x, bound], SHAPE, options=options, version=2)
    n.output(n.add(x, x))
    assert codes(n) == ["MAXIMUM"]


@pytest.mark.parametrize(
    ("code", "options", "number", "quant"),
    [
        (OpCode.MUL, MulOptions(), 50, (0.02, 0)),
        (OpCode.ADD, AddOptions(), 0, (0.05, 0)),
        (OpCode.MAXIMUM, MaximumMinimumOptions(), -128, QUANT),
        (OpCode.MINIMUM, MaximumMinimumOptions(), 127, QUANT),
    ],
)
def test_identities_with_a_constant_go(
    code: OpCode, options: Options, number: int, quant: tuple[float, int]
) -> None:
    n = Net()
    x = n.add(n.feed(*SHAPE), n.feed(*SHAPE))
    constant = n.constant(np.full((1,), number), DType.INT8, quant)
    x = n.op(code, [x, constant], SHAPE, options=options, quant=QUANT, version=2)
    n.output(n.add(x, x))
    assert codes(n) == []


def test_the_report_says_what_was_enumerated() -> None:
    n = chain((RELU, QUANT), (RELU, QUANT))
    trace = apply(n.model, RULE)
    assert [hit.shown_by for hit in trace.hits] == ["enumeration of 256 values"]


@needs_tflm
@pytest.mark.parametrize("seed", range(4))
def test_random_chains_stay_exact_on_tflm(seed: int) -> None:
    """All 256 values through 40 chains; LiteRT rounds LEAKY_RELU and HARD_SWISH in its own way."""
    rng = np.random.default_rng(seed)
    n = Net()
    feed = n.input((1, 256), quant=QUANT)
    pool = [QUANTIZE, RELU, ABS, OpCode.LEAKY_RELU, OpCode.HARD_SWISH]
    for _ in range(40):
        x = n.relu(feed) if rng.random() < 0.5 else n.add(feed, feed)
        for _ in range(int(rng.integers(2, 5))):
            scale = QUANT[0] if rng.random() < 0.6 else float(rng.uniform(0.03, 0.09))
            zero = QUANT[1] if rng.random() < 0.6 else int(rng.integers(-128, 128))
            x = step(n, x, pool[int(rng.integers(len(pool)))], (scale, zero))
        n.output(n.add(x, x))
    before = write_bytes(n.model)
    assert len(apply(n.model, RULE).hits) > 5
    verify(n.model, "the rule")
    values: list[list[Array]] = [[np.arange(-128, 128, dtype=np.int8).reshape(1, 256)]]
    one, two = (runtime().run("tflm", data, values)[0] for data in (before, write_bytes(n.model)))
    for number, (a, b) in enumerate(zip(one, two, strict=True)):
        assert np.array_equal(a, b), number


def ports(n: Net) -> None:
    x = n.feed(*SHAPE)
    n.output(n.op(OpCode.QUANTIZE, [x], SHAPE, options=QuantizeOptions(), version=2))


def test_declines_between_an_input_and_an_output() -> None:
    n = Net()
    ports(n)
    reason = "it stands between an input or constant of the model and an output"
    check_declines(n.model, RULE, reason)


def shared(n: Net) -> None:
    x = step(n, n.add(n.feed(*SHAPE), n.feed(*SHAPE)), RELU)
    n.output(n.add(x, x), step(n, x, QUANTIZE, OTHER))


def distinct(n: Net) -> None:
    x = n.add(n.feed(*SHAPE), n.feed(*SHAPE))
    for code in (OpCode.HARD_SWISH, ABS):
        x = step(n, x, code, OTHER)
    n.output(x)


def elu(n: Net) -> None:
    """Its table is made by the device's C library."""
    n.output(step(n, step(n, n.feed(*SHAPE), OpCode.ELU), OpCode.ELU))


def two_inputs(n: Net) -> None:
    n.output(n.add(n.feed(*SHAPE), n.feed(*SHAPE)))


@pytest.mark.parametrize("build", [shared, distinct, elu, two_inputs])
def test_leaves_alone(build: Callable[[Net], None]) -> None:
    n = Net()
    build(n)
    check_leaves_alone(n.model, RULE)
