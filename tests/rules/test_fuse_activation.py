"""``fuse-activation``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tflopt.arith.fixed_point import Ints, ints
from tflopt.facts.clamps import with_activation
from tflopt.facts.tables import table
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Activation, DType, OpCode, Padding, Value
from tflopt.ir.node import Array
from tflopt.ir.options import (
    AbsOptions,
    AddOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    HardSwishOptions,
    LeakyReluOptions,
    MaximumMinimumOptions,
    MulOptions,
    Pool2DOptions,
    SubOptions,
)
from tflopt.rewrite import Rewriter
from tflopt.rules.activations.fuse_activation import FuseActivation
from tflopt.rules.activations.fused_map import FusedMap, fused_map
from tflopt.rules.constants.remove_noop import RemoveNoop

pytestmark = pytest.mark.runtime
RULE = FuseActivation()
SHAPE = (1, 4, 6, 3)
SIX, ONE = 123, 23
"""6.0 and 1.0 in the quantization of the tests."""


def unary(n: Net, x: Value, code: OpCode, quant: tuple[float, int] | None = None) -> Value:
    return n.op(code, [x], x.shape, version=2, quant=quant)


def extreme(n: Net, x: Value, code: OpCode, number: int) -> Value:
    bound = n.constant(number, DType.INT8, QUANT)
    return n.op(code, [x, bound], x.shape, options=MaximumMinimumOptions(), version=2)


def conv(n: Net) -> Value:
    return n.conv(n.feed(*SHAPE), 4)


def depthwise(n: Net) -> Value:
    weights = n.constant([[[[7, -90, 50]]]], DType.INT8, (0.02, 0))
    options = DepthwiseConv2DOptions(Padding.SAME, 1, 1, 1)
    inputs = [n.feed(*SHAPE), weights, n.constant([9, 8, 7])]
    return n.op(OpCode.DEPTHWISE_CONV_2D, inputs, SHAPE, options=options, quant=QUANT, version=3)


def dense(n: Net) -> Value:
    return n.dense(n.feed(2, 12), 5, rows=2)


def pair(code: OpCode, options: AddOptions | SubOptions | MulOptions) -> Callable[[Net], Value]:
    def build(n: Net) -> Value:
        return n.op(code, [n.feed(*SHAPE), n.feed(*SHAPE)], SHAPE, options=options, version=2)

    return build


def pool(code: OpCode) -> Callable[[Net], Value]:
    def build(n: Net) -> Value:
        options = Pool2DOptions(Padding.SAME, 1, 1, 2, 2)
        return n.op(code, [n.feed(*SHAPE)], SHAPE, options=options, version=2)

    return build


PRODUCERS: dict[str, Callable[[Net], Value]] = {
    "conv": conv,
    "depthwise": depthwise,
    "dense": dense,
    "add": pair(OpCode.ADD, AddOptions()),
    "sub": pair(OpCode.SUB, SubOptions()),
    "mul": pair(OpCode.MUL, MulOptions()),
    "average": pool(OpCode.AVERAGE_POOL_2D),
    "max": pool(OpCode.MAX_POOL_2D),
}


@pytest.mark.parametrize("code", [OpCode.RELU, OpCode.RELU6])
@pytest.mark.parametrize("name", PRODUCERS)
def test_fuses_into_every_operator_that_can_clamp(name: str, code: OpCode) -> None:
    n = Net()
    n.output(unary(n, PRODUCERS[name](n), code))
    copy = check_rule(n.model, RULE, hits=1)
    assert len(copy.main.ops) == 1
    options = copy.main.ops[0].options
    assert getattr(options, "fused_activation_function", None) is Activation[code.name]


def test_the_result_as_text() -> None:
    n = Net()
    n.output(unary(n, pair(OpCode.ADD, AddOptions())(n), OpCode.RELU))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,4,6,3]{0.05,3}, %1: i8[1,4,6,3]{0.05,3}) -> %2
          %2: i8[1,4,6,3]{0.05,3} = ADD(%0, %1) fused_activation_function=RELU
        """,
    )


def test_relu_n1_to_1_fuses_although_tflm_has_no_such_operator() -> None:
    n = Net()
    x = conv(n)
    n.output(n.op(OpCode.RELU_N1_TO_1, [x], x.shape))
    copy = check_rule(n.model, RULE, hits=1, runners=["litert"])
    options = copy.main.ops[0].options
    assert getattr(options, "fused_activation_function", None) is Activation.RELU_N1_TO_1


@pytest.mark.parametrize(
    ("clamps", "expected"),
    [
        ([(OpCode.MAXIMUM, 3)], Activation.RELU),
        ([(OpCode.MAXIMUM, 3), (OpCode.MINIMUM, SIX)], Activation.RELU6),
        ([(OpCode.MINIMUM, SIX), (OpCode.MAXIMUM, 3)], Activation.RELU6),
        ([(OpCode.MAXIMUM, -17), (OpCode.MINIMUM, ONE)], Activation.RELU_N1_TO_1),
        ([(OpCode.MAXIMUM, -128)], Activation.NONE),
    ],
)
def test_clamps_written_as_maximum_and_minimum(
    clamps: list[tuple[OpCode, int]], expected: Activation
) -> None:
    n = Net()
    x = conv(n)
    for code, number in clamps:
        x = extreme(n, x, code, number)
    n.output(x)
    copy = check_rule(n.model, RULE)
    assert len(copy.main.ops) == 1
    assert getattr(copy.main.ops[0].options, "fused_activation_function", None) is expected


def test_a_fused_activation_is_narrowed_or_kept() -> None:
    n = Net()
    fused = AddOptions(fused_activation_function=Activation.RELU6)
    n.output(unary(n, pair(OpCode.ADD, fused)(n), OpCode.RELU))
    fused = AddOptions(fused_activation_function=Activation.RELU)
    n.output(unary(n, pair(OpCode.ADD, fused)(n), OpCode.RELU6))
    copy = check_rule(n.model, RULE, hits=2)
    for op in copy.main.ops:
        assert getattr(op.options, "fused_activation_function", None) is Activation.RELU6


OPTIONS = {OpCode.ADD: AddOptions(), OpCode.SUB: SubOptions(), OpCode.MUL: MulOptions()}
WEIGHTED_OR_PAIRS = ["conv", "depthwise", "dense", "add", "sub", "mul"]
HIGHER = (QUANT[0], QUANT[1] + 7)
"""The same scale, with a zero point at which nothing that the first one clamps comes back."""


@pytest.mark.parametrize("code", [OpCode.RELU, OpCode.QUANTIZE])
@pytest.mark.parametrize("name", WEIGHTED_OR_PAIRS)
def test_fuses_into_another_zero_point(name: str, code: OpCode) -> None:
    n = Net()
    x = PRODUCERS[name](n)
    if code is OpCode.QUANTIZE:
        assert x.producer is not None
        x.producer.options = with_activation(x.producer, Activation.RELU)
    n.output(unary(n, x, code, quant=HIGHER))
    copy = check_rule(n.model, RULE, hits=1)
    (op,) = copy.main.ops
    assert op.output.quant is not None
    assert op.output.quant.scalar() == pytest.approx(HIGHER)
    assert getattr(op.options, "fused_activation_function", None) is Activation.RELU


def test_a_sum_that_is_not_rounded_fuses_into_another_scale() -> None:
    """Inputs and output have one scale: the first of the two roundings has nothing to round."""
    n = Net()
    n.output(unary(n, PRODUCERS["add"](n), OpCode.RELU, quant=(0.02, -128)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code for op in copy.main.ops] == [OpCode.ADD]


def test_movements_get_the_quantization_too() -> None:
    n = Net()
    n.output(unary(n, n.transpose(conv(n), 0, 2, 1, 3), OpCode.RELU, quant=HIGHER))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.output.quant.scalar()[1] for op in copy.main.ops if op.output.quant] == [10, 10]


@needs_tflm
@pytest.mark.parametrize("quant", [HIGHER, (2 * QUANT[0], -90), (0.4, QUANT[1])])
@pytest.mark.parametrize("code", OPTIONS)
def test_every_pair_is_counted_as_tflm_computes_it(code: OpCode, quant: tuple[float, int]) -> None:
    """The fused form is built although it isn't equal; TFLM differs in as many pairs."""
    every = np.arange(-128, 128, dtype=np.int8)
    pairs = [np.ascontiguousarray(a) for a in np.broadcast_arrays(every[:, None], every)]
    n = Net()
    inputs = [n.input((256, 256)), n.input((256, 256))]
    x = n.op(code, inputs, (256, 256), options=OPTIONS[code], version=2)
    n.output(unary(n, x, OpCode.RELU, quant=quant))
    op, clamp = n.model.main.ops
    results = table(clamp)
    assert results is not None
    found = fused_map(op, results, clamp.output)
    assert isinstance(found, FusedMap)
    wanted = run(n, pairs)
    op.options = with_activation(op, found.activation)
    Rewriter(n.model).set_quant(x, clamp.output.quant)
    Rewriter(n.model).bypass(clamp, x)
    apart = np.abs(run(n, pairs) - wanted)
    assert (found.distance.differing, found.distance.largest) == (
        int(np.count_nonzero(apart)),
        int(apart.max()),
    )
    assert found.distance.values == apart.size


def run(n: Net, pairs: list[Array]) -> Ints:
    ((result,),) = runtime().run("tflm", write_bytes(n.model), [pairs])
    return ints(result)


def flat_slope(n: Net) -> Value:
    x = conv(n)
    return n.op(OpCode.LEAKY_RELU, [x], x.shape, options=LeakyReluOptions(0.0), version=2)


def times_one(n: Net) -> Value:
    x = conv(n)
    one = n.constant(1, DType.INT8, (1.0, 0))
    options = MulOptions(fused_activation_function=Activation.RELU)
    return n.op(OpCode.MUL, [x, one], x.shape, options=options, version=2)


def coarse_hard_swish(n: Net) -> Value:
    """Its values are multiples of 4, which it sends to 0 or to themselves."""
    x, y = (n.input(SHAPE, quant=(4.0, 0)) for _ in range(2))
    total = n.op(OpCode.ADD, [x, y], SHAPE, options=AddOptions(), version=2)
    return n.op(OpCode.HARD_SWISH, [total], SHAPE, options=HardSwishOptions())


@pytest.mark.parametrize("build", [flat_slope, times_one, coarse_hard_swish])
def test_others_fuse_where_they_are_clamps(build: Callable[[Net], Value]) -> None:
    n = Net()
    n.output(build(n))
    copy = check_rule(n.model, RULE, hits=1)
    (op,) = copy.main.ops
    assert getattr(op.options, "fused_activation_function", None) is Activation.RELU


def test_what_comes_before_a_clamp_counts() -> None:
    """The size of what isn't negative is the same."""
    n = Net()
    x = unary(n, conv(n), OpCode.RELU)
    n.output(n.op(OpCode.ABS, [x], x.shape, options=AbsOptions()))
    copy = check_rule(n.model, RULE)
    assert [op.code for op in copy.main.ops] == [OpCode.CONV_2D]


def test_movements_in_between_stay() -> None:
    n = Net()
    x = n.reshape(n.transpose(conv(n), 0, 2, 1, 3), 1, 6, 16)
    n.output(unary(n, n.slice(x, (0, 1, 2), (1, 4, 9)), OpCode.RELU))
    copy = check_rule(n.model, RULE, hits=1)
    expected = ["CONV_2D", "TRANSPOSE", "RESHAPE", "SLICE"]
    assert [op.code.name for op in copy.main.ops] == expected


def test_only_the_output_keeps_an_origin() -> None:
    """What lies before holds other elements than its tensor in the source model."""
    n = Net()
    n.output(unary(n, n.transpose(conv(n), 0, 2, 1, 3), OpCode.RELU))
    model = read_bytes(write_bytes(n.model))
    last = model.main.ops[-1].output.origin
    apply(model, RULE)
    assert [op.output.origin for op in model.main.ops] == [None, last]


def shared(n: Net) -> None:
    x = conv(n)
    n.output(unary(n, x, OpCode.RELU), n.reshape(x, 4, 6, 4))


def shared_on_the_way(n: Net) -> None:
    x = conv(n)
    n.output(unary(n, n.transpose(x, 0, 2, 1, 3), OpCode.RELU), n.reshape(x, 4, 6, 4))


def output(n: Net) -> None:
    x = conv(n)
    n.output(x, unary(n, x, OpCode.RELU))


def requantizes(n: Net) -> None:
    n.output(unary(n, conv(n), OpCode.RELU, quant=(0.02, -128)))


def lower_zero_point(n: Net) -> None:
    """What the first clamp cut off above would come back."""
    n.output(unary(n, conv(n), OpCode.RELU, quant=(QUANT[0], QUANT[1] - 20)))


def pair_requantizes(n: Net) -> None:
    n.output(unary(n, PRODUCERS["mul"](n), OpCode.RELU, quant=(0.04, -128)))


def pool_requantizes(n: Net) -> None:
    n.output(unary(n, PRODUCERS["max"](n), OpCode.RELU, quant=HIGHER))


def huge_weights(n: Net) -> None:
    weights = n.constant([[7, -90, 50]] * 2, DType.INT8, (1.0, 0))
    inputs = [n.feed(4, 3), weights, n.constant([9, 8])]
    options = FullyConnectedOptions()
    x = n.op(OpCode.FULLY_CONNECTED, inputs, (4, 2), options=options, version=4)
    n.output(unary(n, x, OpCode.RELU, quant=HIGHER))


def other_range(n: Net) -> None:
    n.output(extreme(n, conv(n), OpCode.MINIMUM, 100))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (shared, "another operator reads the tensor before the activation"),
        (shared_on_the_way, "another operator reads the tensor before the activation"),
        (output, "another operator reads the tensor before the activation"),
        (requantizes, "it requantizes as well; rounding twice is not rounding once"),
        (lower_zero_point, "no fused form is equal: 21 of 278 differ, by up to 20"),
        (
            pair_requantizes,
            "no fused form is equal: 22,677 of 65,536 differ, by up to 100",
        ),
        (pool_requantizes, "a pool has the same quantization on both sides"),
        (huge_weights, "its accumulators may be requantized beyond 2^30"),
        (other_range, "no fused activation clamps to this range"),
    ],
)
def test_declines(build: Callable[[Net], None], reason: str) -> None:
    n = Net()
    build(n)
    check_declines(n.model, RULE, reason)


def nothing_computes_it(n: Net) -> None:
    n.output(unary(n, n.feed(*SHAPE), OpCode.RELU))


def another_activation(n: Net) -> None:
    x = conv(n)
    n.output(n.op(OpCode.LEAKY_RELU, [x], x.shape, options=LeakyReluOptions(0.1), version=2))


def sum_of_two(n: Net) -> None:
    x, y = conv(n), conv(n)
    n.output(n.op(OpCode.MAXIMUM, [x, y], x.shape, options=MaximumMinimumOptions(), version=2))


def requantizing_slope(n: Net) -> None:
    x, options = conv(n), LeakyReluOptions(0.0)
    n.output(n.op(OpCode.LEAKY_RELU, [x], x.shape, options=options, quant=(0.02, 0), version=2))


@pytest.mark.parametrize(
    "build", [nothing_computes_it, another_activation, sum_of_two, requantizing_slope]
)
def test_leaves_alone(build: Callable[[Net], None]) -> None:
    n = Net()
    build(n)
    check_leaves_alone(n.model, RULE)


def test_fuses_after_other_rules_have_brought_them_together() -> None:
    n = Net()
    x = n.pad(conv(n), (0, 0), (0, 0), (0, 0), (0, 0))
    n.output(unary(n, x, OpCode.RELU))
    copy = check_rule(n.model, RULE, together_with=[RemoveNoop()])
    assert len(copy.main.ops) == 1
